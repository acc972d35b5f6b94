"""Where a rule stands: what is remembered of it and counted about it, for people. Changes nothing."""

import msgspec

from cepd.engine.paths import fields_of
from cepd.engine.running import Running
from cepd.engine.single import condition_of
from cepd.engine.stats import RuleStats
from cepd.engine.unit import Unit, UnitCounts, UnitStatus
from cepd.model.condition import Condition
from cepd.model.instant import Instant
from cepd.model.rule import AnomalyTrigger, NewValueTrigger, Rule, SequenceTrigger


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """`keys`, `windows` and `incomplete` are those of the rule's unit; 0 for a rule without one."""

    keys: int
    windows: int
    incomplete: int
    holds: int
    """Keys whose condition holds, and not yet for long enough."""
    episodes: int
    """Keys with an open alert that a false evaluation will end."""
    suppressed_keys: int
    """Keys with an open suppress window."""
    last_fired: Instant | None
    unseen: tuple[str, ...]
    """Fields that the rule names and that no event since the start had, sorted."""
    counts: RuleStats
    unit_counts: UnitCounts


def standing(running: Running, unit: Unit | None) -> Standing:
    state = running.state
    status = UnitStatus(keys=0) if unit is None else unit.status()
    opened = sum(1 for _ in state.open_keys())
    return Standing(
        keys=status.keys,
        windows=status.windows,
        incomplete=status.incomplete,
        holds=len(state.episodes) - opened,
        episodes=opened,
        suppressed_keys=len(state.windows),
        last_fired=state.last_fired,
        unseen=tuple(sorted(running.unseen)),
        counts=running.stats,
        unit_counts=UnitCounts() if unit is None else unit.counts,
    )


def fields_named(rule: Rule) -> set[str]:
    """Every field of an event that decides over the rule's firings. Those of earlier steps are not the event's."""
    found = {aggregate.field for aggregate in rule.aggregate.values() if aggregate.field is not None}
    found |= {*rule.group_by, *_fields(condition_of(rule))}
    match rule.trigger:
        case AnomalyTrigger(value=field) | NewValueTrigger(field=field):
            found.add(field)
        case SequenceTrigger(steps=steps):
            earlier = {step.id for step in steps}
            named = {path for step in steps for path in _fields(step.when)}
            found |= {path for path in named if path.partition(".")[0] not in earlier}
    return found


def _fields(condition: Condition | None) -> set[str]:
    return set() if condition is None else set(fields_of(condition))
