"""Which alert a firing belongs to: that of an open suppress window, its own, or a storm's."""

import msgspec

from cepd.engine.keys import Key
from cepd.engine.state import RuleState
from cepd.engine.stats import RuleStats
from cepd.engine.storm import close_minute, fold_into_storm, open_minute
from cepd.engine.suppress import close_window, covering, open_window
from cepd.engine.timers import Deadline, Timers
from cepd.model.firing import Firing
from cepd.model.instant import Instant
from cepd.model.rule import Rule

MAX_KEYS = 100_000
"""Keys with an open suppress window, where the rule does not say `max_keys`. Beyond it firings are let through
unsuppressed: memory stays bounded, no alert is lost, and the storm guard holds the rest."""


class Running(msgspec.Struct):
    """A rule at work: what is remembered of it and counted about it. `position` is its place in the program."""

    rule: Rule
    position: int
    state: RuleState
    stats: RuleStats

    @property
    def by_clock(self) -> bool:
        return self.rule.time == "arrival"


def settle(running: Running, key: Key, firing: Firing, mark: Instant, timers: Timers) -> list[Firing]:
    """The firing with the facts of its alert, after the storm firing if it starts a storm. It comes as one that opens
    an alert of its own. `mark` is the rule's watermark."""
    rule, state, stats = running.rule, running.state, running.stats
    stats.fired += 1
    if rule.suppress is not None:
        window = covering(state.windows.get(key.text, ()), firing.time)
        if window is not None:
            window.folded += 1
            stats.suppressed += 1
            return [state.fold(window.alert_id, firing)]
    minute = open_minute(state, firing.time, mark)
    if not minute.alerts and minute.alert_id is None:
        timers.add(Deadline(minute.closes, running.position, "", minute.start), by_clock=running.by_clock)
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
        timers.add(Deadline(window.closes, running.position, key.text, window.start), by_clock=running.by_clock)
    return settled


def _has_room(rule: Rule, state: RuleState, key: Key) -> bool:
    most = MAX_KEYS if rule.max_keys is None else rule.max_keys
    return key.text in state.windows or len(state.windows) < most


def close(running: Running, deadline: Deadline) -> Firing | None:
    """Ends the suppress window or storm minute of a deadline; the summary where it owes one."""
    if deadline.key:
        return close_window(running.rule, running.state, deadline.key, deadline.start)
    return close_minute(running.rule, running.state, deadline.start)


def deadlines(running: Running) -> list[Deadline]:
    """Everything of the rule that is still open."""
    state, position = running.state, running.position
    minutes = [Deadline(minute.closes, position, "", minute.start) for minute in state.minutes.values()]
    return minutes + [
        Deadline(window.closes, position, key, window.start) for key, found in state.windows.items() for window in found
    ]
