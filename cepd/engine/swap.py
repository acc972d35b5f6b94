"""What another program means for the state that is there: per rule, and the field that caused it."""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from cepd.engine.fingerprint import state_parts
from cepd.model.rule import Rule


class RuleChange(msgspec.Struct, frozen=True):
    """`kept`: its state goes on. `adopted`: new, and takes over state that runs. `reset`: it starts anew, because of
    `fields` (as they are called in YAML)."""

    rule_id: str
    outcome: Literal["added", "kept", "adopted", "reset", "removed"]
    fields: tuple[str, ...] = ()


class SwapReport(msgspec.Struct, frozen=True):
    """The rules of the new program in their order, then those that are gone."""

    changes: tuple[RuleChange, ...]


def compare(rules: Mapping[str, Rule], previous: Mapping[str, Rule]) -> SwapReport:
    """The report for a program with `rules` that follows one with `previous`."""
    return SwapReport((*(_change(rule, previous.get(rule.id)) for rule in rules.values()), *_gone(rules, previous)))


def _change(rule: Rule, before: Rule | None) -> RuleChange:
    if before is None:
        return RuleChange(rule.id, "added")
    old, new = state_parts(before), state_parts(rule)
    fields = tuple(name for name in {**new, **old} if old.get(name) != new.get(name))
    return RuleChange(rule.id, "reset" if fields else "kept", fields)


def _gone(rules: Mapping[str, Rule], previous: Mapping[str, Rule]) -> Iterable[RuleChange]:
    return (RuleChange(rule_id, "removed") for rule_id in previous if rule_id not in rules)
