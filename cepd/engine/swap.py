"""What another program means for the state that is there: per rule, and the field that caused it."""

from collections.abc import Iterable, Mapping, Set
from typing import Literal

import msgspec

from cepd.engine.fingerprint import episode_parts, state_fingerprint, state_parts
from cepd.engine.unit import unit_kind
from cepd.model.json import Json
from cepd.model.rule import Rule


class RuleChange(msgspec.Struct, frozen=True):
    """`kept`: its state goes on. `adopted`: it takes over the state of another rule that has the same State. `reset`:
    it starts anew. `fields`, as they are called in YAML, caused a reset or the adoption; `episodes` those that ended
    its holds and open episodes though its state is kept."""

    rule_id: str
    outcome: Literal["added", "kept", "adopted", "reset", "removed"]
    fields: tuple[str, ...] = ()
    episodes: tuple[str, ...] = ()


class SwapReport(msgspec.Struct, frozen=True):
    """The rules of the new program in their order, then those that are gone."""

    changes: tuple[RuleChange, ...]


def compare(rules: Mapping[str, Rule], previous: Mapping[str, Rule]) -> SwapReport:
    """The report for a program with `rules` that follows one with `previous`."""
    running = {state_fingerprint(rule) for rule in previous.values() if unit_kind(rule) is not None}
    changes = (_change(rule, previous.get(rule.id), running) for rule in rules.values())
    return SwapReport((*changes, *_gone(rules, previous)))


def _change(rule: Rule, before: Rule | None, running: Set[str]) -> RuleChange:
    fields = () if before is None else _differing(state_parts(before), state_parts(rule))
    if before is not None and not fields:
        return RuleChange(rule.id, "kept", episodes=_differing(episode_parts(before), episode_parts(rule)))
    if state_fingerprint(rule) in running:
        return RuleChange(rule.id, "adopted", fields)
    return RuleChange(rule.id, "added" if before is None else "reset", fields)


def _differing(old: Mapping[str, Json], new: Mapping[str, Json]) -> tuple[str, ...]:
    return tuple(name for name in {**new, **old} if old.get(name) != new.get(name))


def _gone(rules: Mapping[str, Rule], previous: Mapping[str, Rule]) -> Iterable[RuleChange]:
    return (RuleChange(rule_id, "removed") for rule_id in previous if rule_id not in rules)
