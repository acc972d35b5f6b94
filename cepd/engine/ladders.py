"""Thresholds: which members of a unit may have something to say of a value, without asking each.

Rules that share a unit mostly differ in one number: `mean > 80`, `mean > 90`. Those that compare the same aggregate in
the same direction stand on one ladder, the loosest limit first; a value crosses the lowest rungs up to some height,
which bisection finds. What is found is all that can be true, and maybe more: `having` itself always decides.
"""

import operator
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from cepd.engine.paths import MISSING
from cepd.engine.running import Running
from cepd.engine.stepping import Steps, chunks
from cepd.model.condition import All, Condition, Field, Literally, Operator, Test
from cepd.model.json import Json
from cepd.model.rule import Aggregate, Rule

_ORDERED: dict[Operator, Operator] = {">": "<", ">=": "<=", "<": ">", "<=": ">="}
"""Each with what it is with its sides exchanged."""

Number: TypeAlias = int | float
_LIMIT = operator.itemgetter(0)
_Bisect: TypeAlias = Callable[[Sequence[Number], Number], int]


class Threshold(NamedTuple):
    """`name op limit`, of the output of that name. `alone`: it is all that `having` asks."""

    name: str
    op: Operator
    limit: Number
    alone: bool


class Ladder(msgspec.Struct, frozen=True, gc=False):
    """Members that compare one aggregate in one direction, the loosest first. `limits` are theirs, ascending; what
    falls short of a limit is looked for by the negatives of both. `sure`: a member whose limit is crossed is true,
    and follows no key."""

    aggregate: Aggregate
    sure: bool
    falling: bool
    strict: bool
    limits: list[Number]
    members: list[Running]
    height: Callable[[Json], int]
    """How many members a value crosses the limits of."""

    def crosses(self, value: Json, limit: Number) -> bool:
        """Whether a value crosses one of the limits."""
        if value.__class__ is not float and value.__class__ is not int:
            return False
        found = -value if self.falling else value
        return found > limit or (found == limit and not self.strict)

    def crossing(self, keys: Iterable[str], values: Iterable[Json]) -> "Steps[Crossing]":
        """Of keys, and the aggregate of each, those that cross the loosest limit."""
        crosses, least, sign = operator.gt if self.strict else operator.ge, self.limits[0], -1 if self.falling else 1
        several = self.limits[-1] != least
        found = Crossing(least, self.strict)
        for some in chunks(zip(keys, values, strict=True)):
            for key, value in some:
                if (value.__class__ is float or value.__class__ is int) and crosses(sign * value, least):
                    found.keys.append(key)
                    if several:
                        found.values.append(sign * value)
            yield
        return found


class Crossing(msgspec.Struct):
    """The keys of which an aggregate crosses the loosest limit of a ladder. Sorted by the aggregate only once a limit
    asks for it that is not the loosest: where a million cross just one, that would take long and much memory."""

    least: Number
    strict: bool
    keys: list[str] = msgspec.field(default_factory=list)
    values: list[Number] = msgspec.field(default_factory=list)
    """Of a ladder with several limits: the aggregates of the keys, in the ladder's direction."""
    ascending: bool = False

    def beyond(self, limit: Number) -> list[str]:
        """The keys that cross a limit, which is one of the ladder's."""
        if limit == self.least:
            return self.keys
        if not self.ascending:
            order = sorted(range(len(self.keys)), key=self.values.__getitem__)
            self.keys = [self.keys[place] for place in order]
            self.values.sort()
            self.ascending = True
        bisect: _Bisect = bisect_right if self.strict else bisect_left
        return self.keys[bisect(self.values, limit) :]


def ladders(members: Iterable[Running]) -> tuple[list[Ladder], list[Running]]:
    """The ladders of members, and those that stand on none, in their order."""
    found_at: dict[tuple[Aggregate, bool, bool, bool], list[tuple[Number, Running]]] = {}
    rest = []
    for member in members:
        found = threshold_of(member.rule)
        if found is None:
            rest.append(member)
            continue
        falling, strict = found.op in ("<", "<="), found.op in (">", "<")
        sure = found.alone and member.rule.hold is None and member.rule.resolve is None
        sort = (member.rule.aggregate[found.name], sure, falling, strict)
        found_at.setdefault(sort, []).append((-found.limit if falling else found.limit, member))
    made = []
    for sort, steps in found_at.items():
        steps.sort(key=_LIMIT)
        limits = [limit for limit, _ in steps]
        made.append(Ladder(*sort, limits, [member for _, member in steps], _height(limits, *sort[2:])))
    return made, rest


def _height(limits: list[Number], falling: bool, strict: bool) -> Callable[[Json], int]:
    bisect: _Bisect = bisect_left if strict else bisect_right

    def height(value: Json) -> int:
        if value.__class__ is not float and value.__class__ is not int:
            return 0
        return bisect(limits, -value if falling else value)

    return height


def rungs(members: Iterable[Running]) -> dict[str, tuple[Ladder, Number]]:
    """By rule id the ladder that a member stands on, and its limit there; none for one that stands on none."""
    return {
        member.rule.id: (ladder, limit)
        for ladder in ladders(members)[0]
        for limit, member in zip(ladder.limits, ladder.members, strict=True)
    }


def threshold_of(rule: Rule) -> Threshold | None:
    """The first ordered comparison of an aggregate with a number that must hold for `having` to hold; None where there
    is none."""
    having = rule.having
    if having is None:
        return None
    keys = {path.partition(".")[0] for path in rule.group_by}
    for test in _musts(having):
        found = _read(test, alone=test is having)
        if found is not None and found.name in rule.aggregate and not _ambiguous(found.name, keys):
            return found
    return None


def _ambiguous(name: str, keys: set[str]) -> bool:
    """Whether a condition may find something else under the name of an aggregate."""
    return name in keys or name.endswith("_approximate")


def _musts(condition: Condition) -> Iterable[Condition]:
    if isinstance(condition, All):
        for item in condition.items:
            yield from _musts(item)
    else:
        yield condition


def _read(condition: Condition, *, alone: bool) -> Threshold | None:
    if not isinstance(condition, Test) or condition.op not in _ORDERED:
        return None
    match condition.left, condition.right:
        case Field(name), Literally(limit) if _is_number(limit):
            return Threshold(name, condition.op, limit, alone)
        case Literally(limit), Field(name) if _is_number(limit):
            return Threshold(name, _ORDERED[condition.op], limit, alone)
    return None


def _is_number(value: Json) -> bool:
    return value is not MISSING and (value.__class__ is int or value.__class__ is float)
