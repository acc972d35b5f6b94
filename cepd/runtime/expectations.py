"""Expected firings against those that came: which are missing, which are too many, and by how much they differ."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from cepd.model.firing import Firing
from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.ruletest import Expectation

TOLERANCE = 1e-9
"""Relative; how far a number may be from the expected one."""


class Fact(msgspec.Struct, frozen=True):
    """One firing that came out at a clock, and what it set off."""

    clock: Instant
    firing: Firing
    actions: tuple[str, ...]


class Missing(msgspec.Struct, frozen=True):
    expectation: Expectation
    lacking: int
    """How many more were expected."""
    nearest: Fact | None
    """Of those that nothing expects, the one that differs least."""


class Verdict(msgspec.Struct, frozen=True):
    missing: tuple[Missing, ...]
    forbidden: tuple[Fact, ...]
    unexpected: tuple[Fact, ...]
    """What came and nothing asked for; empty where that is allowed."""

    @property
    def holds(self) -> bool:
        return not (self.missing or self.forbidden or self.unexpected)

    @property
    def concerned(self) -> frozenset[str]:
        """The rules that did what they should not, or did not what they should."""
        facts = (*self.forbidden, *self.unexpected)
        return frozenset(one.expectation.rule for one in self.missing) | {fact.firing.rule_id for fact in facts}


def judge(expected: Sequence[Expectation], facts: Sequence[Fact], *, exact: bool) -> Verdict:
    """Gives each fact to one expectation that it meets, so that as many as possible have what they expect.

    An expectation takes exactly `times` facts. One with `times: 0` takes none: what meets it is forbidden.
    """
    never = [one for one in expected if not one.times]
    barred = [any(not differences(one, fact) for one in never) for fact in facts]
    wanted = [one for one in expected if one.times]
    left = [fact for fact, bad in zip(facts, barred, strict=True) if not bad]
    taken = _assign(wanted, left)
    given = {place for places in taken for place in places}
    over = [fact for place, fact in enumerate(left) if place not in given]
    missing = tuple(
        Missing(one, one.times - len(places), _nearest(one, over))
        for one, places in zip(wanted, taken, strict=True)
        if len(places) < one.times
    )
    forbidden = tuple(fact for fact, bad in zip(facts, barred, strict=True) if bad)
    return Verdict(missing, forbidden, tuple(over) if exact else ())


def _assign(wanted: Sequence[Expectation], facts: Sequence[Fact]) -> list[list[int]]:
    """For each expectation the places of its facts: a maximum matching by augmenting paths (Kuhn, 1955)."""
    fits = [[index for index, one in enumerate(wanted) if not differences(one, fact)] for fact in facts]
    taken: list[list[int]] = [[] for _ in wanted]

    def place(fact: int, seen: set[int]) -> bool:
        for index in fits[fact]:
            if index in seen:
                continue
            seen.add(index)
            if len(taken[index]) < wanted[index].times:
                taken[index].append(fact)
                return True
            for position, other in enumerate(taken[index]):
                if place(other, seen):
                    taken[index][position] = fact
                    return True
        return False

    for fact in range(len(facts)):
        place(fact, set())
    return taken


def _nearest(expectation: Expectation, facts: Sequence[Fact]) -> Fact | None:
    near = [fact for fact in facts if fact.firing.rule_id == expectation.rule]
    return min(near, key=lambda fact: len(differences(expectation, fact)), default=None)


def differences(expectation: Expectation, fact: Fact) -> tuple[str, ...]:
    """The words of the expectation that the fact does not meet (`at` for `between` too); of values their names:
    `values.avg_cpu`."""
    firing, wanted = fact.firing, expectation
    times = wanted.time
    found = [
        ("rule", firing.rule_id == wanted.rule),
        ("kind", firing.kind == wanted.kind),
        ("at", times is None or times[0] <= firing.time <= times[1]),
        ("clock", wanted.clock is None or fact.clock == wanted.clock),
        ("key", wanted.key is None or equal(dict(wanted.key), firing.key)),
        ("window", wanted.window is None or firing.window == wanted.window),
        ("event_ids", wanted.event_ids is None or firing.event_ids == wanted.event_ids),
        ("reason", wanted.reason is None or firing.reason == wanted.reason),
        ("actions", wanted.actions is None or _same_actions(wanted.actions, fact.actions)),
    ]
    found += [(f"values.{name}", _has(firing.values, name, value)) for name, value in (wanted.values or {}).items()]
    return tuple(name for name, met in found if not met)


def _has(values: Mapping[str, Json], name: str, wanted: Json) -> bool:
    return covers(wanted, values.get(name))


def covers(wanted: Json, found: Json) -> bool:
    """Whether a value is what is wanted of it: mappings may hold more."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(covers(value, found.get(name)) for name, value in wanted.items())
    return equal(wanted, found)


def equal(wanted: Json, found: Json) -> bool:
    """Equal JSON: numbers within TOLERANCE unless both are whole, bools apart from numbers."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    if isinstance(wanted, int | float) and isinstance(found, int | float):
        return wanted == found or _close(wanted, found)
    if isinstance(wanted, dict) and isinstance(found, dict):
        return wanted.keys() == found.keys() and all(equal(value, found[name]) for name, value in wanted.items())
    if isinstance(wanted, list) and isinstance(found, list):
        return len(wanted) == len(found) and all(map(equal, wanted, found))
    return bool(wanted == found)


def _close(wanted: float, found: float) -> bool:
    if isinstance(wanted, int) and isinstance(found, int):
        return False
    try:
        return math.isclose(wanted, found, rel_tol=TOLERANCE)
    except OverflowError:  # a whole number beyond every float
        return False


def _same_actions(wanted: Sequence[str], found: Sequence[str]) -> bool:
    """Whether each wanted action is one of those found and none is left; a type alone means one of the type."""
    left = Counter(found)
    for words in sorted(wanted, key=lambda text: " " not in text):
        match = words if left[words] else next((one for one in left if left[one] and one.split(" ")[0] == words), None)
        if match is None:
            return False
        left[match] -= 1
    return not left.total()
