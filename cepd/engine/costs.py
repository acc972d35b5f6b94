"""Which rules no index serves, why, and about what each costs an event.

It reads what rules ask for and runs none of them, so that a linter can tell before anything is compiled.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from cepd.engine.fingerprint import state_fingerprint
from cepd.engine.hearing import asked_of, remembers, types_of
from cepd.engine.matching import MANY
from cepd.engine.matching.linear import Linear, linear_of, searches
from cepd.engine.matching.node import Asked, entries_of
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
    return [
        found
        for event_type, listening in heard.items()
        if len(listening) > MANY or any(map(_searches, listening))
        for found in _told(event_type, _first_of_units(listening))
    ]


def _told(event_type: str | None, listening: Mapping[str, Asked]) -> list[Unindexed]:
    ids = list(listening)
    costs = [cost for cost in linear_of(entries_of(list(listening.values()))) if _matters(cost)]
    together = sum(cost.nanoseconds for cost in costs)
    return [Unindexed(ids[cost.place], event_type, cost, together) for cost in costs]


def _searches(rule: Rule) -> bool:
    return rule.when is not None and any(map(searches, tests_of(rule.when)))


def _first_of_units(rules: Sequence[Rule]) -> dict[str, Asked]:
    """What is asked of an event, by the rule that asks first: rules with one unit ask once."""
    units: set[str] = set()
    asked = {}
    for rule in rules:
        unit = state_fingerprint(rule) if remembers(rule) else None
        if unit is None or unit not in units:
            asked[rule.id] = asked_of(rule)
            units |= {unit} if unit is not None else set()
    return asked


def unindexed_count(program: "Program") -> int:
    """How many rules of a program no index serves."""
    buckets = program.buckets.values()
    return len({bucket.positions[cost.place] for bucket in buckets for cost in bucket.node.costs if _matters(cost)})


def _matters(cost: Linear) -> bool:
    """A search that is seldom made does not."""
    return cost.crowd > 0 or not cost.guarded
