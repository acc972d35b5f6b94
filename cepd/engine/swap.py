"""What another program means for the state that is there: per rule, and the field that caused it."""

from collections.abc import Iterable, Mapping, Set
from typing import TYPE_CHECKING, Literal

import msgspec

from cepd.engine.fingerprint import episode_parts, state_parts
from cepd.model.json import Json

if TYPE_CHECKING:
    from cepd.engine.program import CompiledRule


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


def compare(rules: Mapping[str, "CompiledRule"], previous: Mapping[str, "CompiledRule"]) -> SwapReport:
    """The report for a program with `rules` that follows one with `previous`."""
    running = {found.unit for found in previous.values() if found.unit is not None}
    changes = (_change(found, previous.get(rule_id), running) for rule_id, found in rules.items())
    return SwapReport((*changes, *_gone(rules, previous)))


def _change(found: "CompiledRule", before: "CompiledRule | None", running: Set[str]) -> RuleChange:
    rule = found.rule
    if before is not None and before.state == found.state:
        same = before.episode == found.episode
        ended = () if same else _differing(episode_parts(before.rule), episode_parts(rule))
        return RuleChange(rule.id, "kept", episodes=ended)
    fields = () if before is None else _differing(state_parts(before.rule), state_parts(rule))
    if found.unit in running:
        return RuleChange(rule.id, "adopted", fields)
    return RuleChange(rule.id, "added" if before is None else "reset", fields)


def _differing(old: Mapping[str, Json], new: Mapping[str, Json]) -> tuple[str, ...]:
    return tuple(name for name in {**new, **old} if old.get(name) != new.get(name))


def _gone(rules: Mapping[str, "CompiledRule"], previous: Mapping[str, "CompiledRule"]) -> Iterable[RuleChange]:
    return (RuleChange(rule_id, "removed") for rule_id in previous if rule_id not in rules)
