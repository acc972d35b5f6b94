"""Which rules no index serves, why, and about what each costs an event.

It reads what rules ask for and runs none of them, so that a linter can tell before anything is compiled.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cepd.engine.fingerprint import state_fingerprint
from cepd.engine.hearing import asked_of, remembers, types_of
from cepd.engine.matching import MANY
from cepd.engine.matching.linear import Linear, linear_of, searches
from cepd.engine.matching.node import entries_of
from cepd.engine.paths import tests_of
from cepd.engine.support import unsupported
from cepd.model.rule import Rule

if TYPE_CHECKING:
    from cepd.engine.program import Program


class Unindexed(NamedTuple):
    """A rule that costs a test at events of a type; None: at every event. Of rules with one unit the first."""

    rule_id: str
    event_type: str | None
    cost: Linear
    together: int
    """Nanoseconds of all such rules of the type."""


def unindexed(rules: Sequence[Rule]) -> list[Unindexed]:
    """Those of the rules, which are to run together, that no index serves; by event type, in rule order."""
    heard: dict[str | None, list[Rule]] = defaultdict(list)
    for rule in rules:
        if not unsupported(rule):
            names = types_of(rule)
            for event_type in (None,) if names is None else sorted(names):
                heard[event_type].append(rule)
    return [found for event_type, listening in heard.items() for found in _told(event_type, listening)]


def _told(event_type: str | None, listening: Sequence[Rule]) -> list[Unindexed]:
    """Which rules share a unit takes longest to find out: that is asked last, where there is something to tell."""
    if len(listening) <= MANY and not any(map(_searches, listening)):
        return []
    if not _costs(listening):
        return []
    first = list(_first_of_units(listening))
    costs = _costs(first)
    together = sum(cost.nanoseconds for cost in costs)
    return [Unindexed(first[cost.place].id, event_type, cost, together) for cost in costs]


def _costs(rules: Sequence[Rule]) -> list[Linear]:
    return [cost for cost in linear_of(entries_of(list(map(asked_of, rules)))) if _matters(cost)]


def _searches(rule: Rule) -> bool:
    return rule.when is not None and any(map(searches, tests_of(rule.when)))


def _first_of_units(rules: Sequence[Rule]) -> Iterator[Rule]:
    """The rules that ask: of those with one unit the first asks for all."""
    units: set[str] = set()
    for rule in rules:
        unit = state_fingerprint(rule) if remembers(rule) else rule.id
        if unit not in units:
            units.add(unit)
            yield rule


def unindexed_count(program: "Program") -> int:
    """How many rules of a program no index serves."""
    buckets = program.buckets.values()
    return len({bucket.positions[cost.place] for bucket in buckets for cost in bucket.node.costs if _matters(cost)})


def _matters(cost: Linear) -> bool:
    """A search that is seldom made does not."""
    return cost.crowd > 0 or not cost.guarded
