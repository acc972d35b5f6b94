"""Where a rule stands: what is remembered of it and counted about it, for people. Changes nothing."""

import msgspec

from cepd.engine.running import Running
from cepd.engine.stats import RuleStats
from cepd.engine.unit import Unit, UnitCounts, UnitStatus
from cepd.model.instant import Instant


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
