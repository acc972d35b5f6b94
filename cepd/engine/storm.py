"""The storm guard: a rule opens so many alerts per minute of firing time; further firings share one storm alert.

When the watermark passes the end of the minute, one summary tells how many they were. Late firings may open a minute
again after that; their storm is another one, so the cause of a storm is its minute and its first firing.
"""

import msgspec

from cepd.engine.ids import firing_id
from cepd.engine.state import RuleState, StormMinute, closes_at
from cepd.model.duration import MINUTE
from cepd.model.firing import Firing
from cepd.model.instant import Instant
from cepd.model.rule import Rule


def open_minute(state: RuleState, time: Instant, mark: Instant) -> StormMinute:
    """A new one, the minute of firing time that `time` lies in. `mark` is the rule's watermark."""
    start = time - time % MINUTE
    end = start + MINUTE
    found = state.minutes[start] = StormMinute(start=start, end=end, closes=closes_at(end, MINUTE, mark))
    return found


def fold_into_storm(rule: Rule, state: RuleState, minute: StormMinute, firing: Firing) -> list[Firing]:
    """The firing as part of the storm alert of its minute, after the storm firing if it is the first of them."""
    opened = minute.alert_id is None
    if minute.alert_id is None:
        cause = f"{minute.start // MINUTE} {firing.id}"
        minute.alert_id = firing_id(rule.id, state.fingerprint, "", "storm", cause)
        state.hold(minute.alert_id, firing)
    folded = state.fold(minute.alert_id, firing)
    return [storm_of(folded), folded] if opened else [folded]


def storm_of(first: Firing) -> Firing:
    """Opens the storm alert. Its count starts with the firing that was one too many, so that it tells of that one."""
    return msgspec.structs.replace(
        first,
        id=first.alert_id,
        kind="storm",
        key={},
        values={"count": first.count, "folded": first.count},
        reason="storm",
    )


def close_minute(rule: Rule, state: RuleState, start: Instant) -> Firing | None:
    """Drops a minute; the summary where its storm went on after the storm firing."""
    minute = state.minutes.pop(start)
    if minute.alert_id is None:
        return None
    tally = state.tallies[minute.alert_id]
    state.release(minute.alert_id)
    if tally.count < 2:
        return None
    return Firing(
        id=firing_id(rule.id, state.fingerprint, "", "summary", minute.alert_id),
        kind="summary",
        rule_id=rule.id,
        key={},
        time=minute.end,
        alert_id=minute.alert_id,
        count=tally.count,
        last_at=tally.last_at,
        severity=tally.severity,
        values={"count": tally.count, "folded": tally.count},
        reason="storm",
    )
