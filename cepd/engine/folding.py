"""Which alert a firing belongs to: that of an open suppress window, its own, or a storm's."""

from cepd.engine.evaluation import Evaluation
from cepd.engine.ids import firing_id
from cepd.engine.keys import key_values
from cepd.engine.running import Running
from cepd.engine.storm import close_minute, fold_into_storm, open_minute
from cepd.engine.suppress import close_window, covering, open_window
from cepd.engine.timers import Deadline, Kind, Timers
from cepd.engine.unit import most_keys
from cepd.model.duration import MINUTE, Span
from cepd.model.event import Happening, identity_of
from cepd.model.firing import Firing
from cepd.model.instant import Instant


def opening(running: Running, found: Evaluation, cause: str) -> Firing:
    """The firing of a true evaluation, as one that opens an alert of its own."""
    rule, time = running.rule, found.time
    own = firing_id(rule.id, running.state.fingerprint, found.key, "fired", cause)
    return Firing(  # by place: so many names would take longer than all else here
        own,
        "fired",
        rule.id,
        key_values(rule.group_by, found.key),
        time,
        own,
        1,
        time,
        "open",
        found.window,
        found.values,
        found.events,
        found.event_ids,
        found.payload,
        found.event_type,
        found.event_source,
        None,
        None,
        found.steps,
    )


def opening_of(running: Running, event: Happening, key: str, time: Instant) -> Firing:
    """As `opening`, of a rule that the event alone meets."""
    rule, given, source, line = running.rule, event.given, event.source, event.line
    identity = event.identity if given is None else identity_of(source, given, line, "", 0)
    own = firing_id(rule.id, running.state.fingerprint, key, "fired", identity)
    return Firing(  # by place, as above
        own,
        "fired",
        rule.id,
        key_values(rule.group_by, key),
        time,
        own,
        1,
        time,
        "open",
        None,
        {},
        1,
        (event.id if given is None else given,),
        line,
        event.type,
        source,
    )


def settle(running: Running, key: str, firing: Firing, mark: Instant, timers: Timers) -> list[Firing]:
    """The firing with the facts of its alert, after the storm firing if it starts a storm. It comes as one that opens
    an alert of its own. `mark` is the rule's watermark.

    Beyond `max_keys` open suppress windows firings are let through unsuppressed: memory stays bounded, no alert is
    lost, and the storm guard holds the rest.
    """
    rule, state, stats, time = running.rule, running.state, running.stats, firing.time
    stats.fired += 1
    if state.last_fired is None or time > state.last_fired:
        state.last_fired = time
    if rule.suppress is not None and key in state.windows:
        window = covering(state.windows[key], time)
        if window is not None:
            window.folded += 1
            stats.suppressed += 1
            return [state.fold(window.alert_id, firing)]
    minute = state.minutes.get(time - time % MINUTE)
    if minute is None:
        minute = open_minute(state, time, mark)
        timers.add(Deadline(minute.closes, Kind.MINUTE, running.position, "", minute.start), by_clock=running.by_clock)
    if minute.alerts < rule.max_alerts:
        minute.alerts += 1
        stats.alerts += 1
        settled = [firing]
    else:
        stats.stormed += 1
        settled = fold_into_storm(rule, state, minute, firing)
        stats.alerts += settled[0].opens
    if rule.suppress is not None:
        _suppress(running, rule.suppress.window, key, settled[-1], mark, timers)
    return settled


def _suppress(running: Running, length: Span, key: str, first: Firing, mark: Instant, timers: Timers) -> None:
    state = running.state
    if key not in state.windows and len(state.windows) >= most_keys(running.rule):
        running.stats.refused_keys += 1
        return
    window = open_window(state, length, key, first, mark)
    timers.add(Deadline(window.closes, Kind.SUPPRESS, running.position, key, window.start), by_clock=running.by_clock)


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
