"""Which of cepd's own happenings rules hear: none is made that nobody wants."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cepd.engine.hearing import types_of
from cepd.model.execution import CHAINED
from cepd.model.happenings import Listening, is_own
from cepd.model.rule import Rule


def listening_of(rules: Iterable[Rule]) -> Listening:
    """What these rules hear of happenings. A rule that is run by one that hears some counts as one that does: else two
    of them could make each other run for ever."""
    rules = list(rules)
    named = {rule.id: {name for name in types_of(rule) or () if is_own(name)} for rule in rules}
    return Listening(
        frozenset(name for names in named.values() for name in names),
        _with_run({rule_id for rule_id, names in named.items() if names}, rules),
    )


def _with_run(rule_ids: set[str], rules: Iterable[Rule]) -> frozenset[str]:
    """These rules, and those that they run, and so on."""
    runs = {rule.id: {found for action in rule.actions for found in _run_by(action.options)} for rule in rules}
    fresh = rule_ids
    while fresh:
        fresh = {found for rule_id in fresh for found in runs.get(rule_id, ())} - rule_ids
        rule_ids = rule_ids | fresh
    return frozenset(rule_ids)


def _run_by(action: Mapping[str, Any]) -> Iterator[str]:
    """The rules that an action, or a step of it, runs."""
    if action.get("type") in CHAINED:
        yield action["rule_id"]
    for step in action["actions"] if action.get("type") == "multi_action" else ():
        yield from _run_by(step)
