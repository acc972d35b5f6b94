"""Which alert a firing belongs to: that of an open suppress window, its own, or a storm's."""

from cepd.engine.evaluation import Evaluation
from cepd.engine.ids import firing_id
from cepd.engine.keys import key_values
from cepd.engine.running import Running
from cepd.engine.state import RuleState
from cepd.engine.storm import close_minute, fold_into_storm, open_minute
from cepd.engine.suppress import close_window, covering, open_window
from cepd.engine.timers import Deadline, Kind, Timers
from cepd.engine.unit import most_keys
from cepd.model.firing import Firing
from cepd.model.instant import Instant
from cepd.model.rule import Rule


def opening(running: Running, found: Evaluation, cause: str) -> Firing:
    """The firing of a true evaluation, as one that opens an alert of its own."""
    rule = running.rule
    own = firing_id(rule.id, running.state.fingerprint, found.key, "fired", cause)
    return Firing(
        id=own,
        kind="fired",
        rule_id=rule.id,
        key=key_values(rule.group_by, found.key),
        time=found.time,
        alert_id=own,
        count=1,
        last_at=found.time,
        window=found.window,
        values=found.values,
        events=found.events,
        event_ids=found.event_ids,
        payload=found.payload,
        event_type=found.event_type,
        event_source=found.event_source,
        steps=found.steps,
    )


def settle(running: Running, key: str, firing: Firing, mark: Instant, timers: Timers) -> list[Firing]:
    """The firing with the facts of its alert, after the storm firing if it starts a storm. It comes as one that opens
    an alert of its own. `mark` is the rule's watermark.

    Beyond `max_keys` open suppress windows firings are let through unsuppressed: memory stays bounded, no alert is
    lost, and the storm guard holds the rest.
    """
    rule, state, stats = running.rule, running.state, running.stats
    stats.fired += 1
    state.last_fired = firing.time if state.last_fired is None else max(state.last_fired, firing.time)
    if rule.suppress is not None:
        window = covering(state.windows.get(key, ()), firing.time)
        if window is not None:
            window.folded += 1
            stats.suppressed += 1
            return [state.fold(window.alert_id, firing)]
    minute = open_minute(state, firing.time, mark)
    if not minute.alerts and minute.alert_id is None:
        _add(timers, running, Deadline(minute.closes, Kind.MINUTE, running.position, "", minute.start))
    if minute.alerts < rule.max_alerts:
        minute.alerts += 1
        settled = [firing]
    else:
        stats.stormed += 1
        settled = fold_into_storm(rule, state, minute, firing)
    stats.alerts += settled[0].opens
    if rule.suppress is not None and not _has_room(rule, state, key):
        stats.refused_keys += 1
    elif rule.suppress is not None:
        window = open_window(state, rule.suppress.window, key, settled[-1], mark)
        _add(timers, running, Deadline(window.closes, Kind.SUPPRESS, running.position, key, window.start))
    return settled


def _add(timers: Timers, running: Running, deadline: Deadline) -> None:
    timers.add(deadline, by_clock=running.by_clock)


def _has_room(rule: Rule, state: RuleState, key: str) -> bool:
    return key in state.windows or len(state.windows) < most_keys(rule)


def close(running: Running, deadline: Deadline) -> Firing | None:
    """Ends the suppress window or storm minute of a deadline; the summary where it owes one."""
    if deadline.kind is Kind.SUPPRESS:
        return close_window(running.rule, running.state, deadline.key, deadline.start, deadline.at)
    return close_minute(running.rule, running.state, deadline.start)


def deadlines(running: Running) -> list[Deadline]:
    """Every suppress window and storm minute of the rule that is open."""
    state, position = running.state, running.position
    minutes = [Deadline(found.closes, Kind.MINUTE, position, "", found.start) for found in state.minutes.values()]
    return minutes + [
        Deadline(window.closes, Kind.SUPPRESS, position, key, window.start)
        for key, found in state.windows.items()
        for window in found
    ]
