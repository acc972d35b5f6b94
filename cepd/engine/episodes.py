"""Episodes: what `for` and `resolve` make of a key's evaluations.

A rule with either fires once per episode; further true evaluations continue it and raise the count of its alert. Only
a false evaluation ends a hold; silence neither fires nor ends it. An open episode ends at a false evaluation, and
with `resolve: {after}` when nothing was heard of its key for so long. A rule with neither fires at every true one.
"""

import msgspec

from cepd.engine.evaluation import Evaluation
from cepd.engine.folding import opening, settle
from cepd.engine.ids import firing_id
from cepd.engine.running import Running
from cepd.engine.state import Episode
from cepd.engine.suppress import end_windows
from cepd.engine.timers import Deadline, Kind, Timers
from cepd.engine.unit import most_keys
from cepd.model.duration import Span
from cepd.model.firing import Firing
from cepd.model.instant import Instant


def take(running: Running, found: Evaluation, mark: Instant, timers: Timers) -> list[Firing]:
    """The firings that an evaluation leads to. `mark` is the rule's watermark."""
    rule, state = running.rule, running.state
    if rule.hold is None and rule.resolve is None:
        return settle(running, found.key, opening(running, found, found.cause), mark, timers) if found.truth else []
    episode = state.episodes.get(found.key)
    if not found.truth:
        return [] if episode is None else end(running, found.key, episode, found, "cleared")
    if episode is None:
        episode = _begin(running, found)
        if episode is None:
            return _unheld(running, found, mark, timers)
    elif found.events and found.time > episode.heard:
        episode.moved = max(0, episode.heard + episode.moved - found.time)
        episode.heard = found.time
    if episode.first_id is not None:
        return [_continued(running, found, episode)]
    if rule.hold is not None and found.time < episode.began + rule.hold:
        return []
    return _open(running, found, episode, mark, timers)


def end(running: Running, key: str, episode: Episode, found: Evaluation, reason: str) -> list[Firing]:
    """Ends an episode; the resolve where one is owed. `found` is the evaluation that ended it.

    An alert that the episode shares with others, a storm's or that of an earlier episode, stays as it is.
    """
    rule, state = running.rule, running.state
    del state.episodes[key]
    if episode.first_id is None:
        return []
    tally = state.tallies[episode.alert_id]
    told = rule.resolve is not None or reason in ("rule_changed", "rule_removed")
    announced = told and episode.alert_id == episode.first_id
    if announced:
        end_windows(state, key, episode.alert_id)
    state.release(episode.alert_id)
    if not announced:
        return []
    resolve = msgspec.structs.replace(
        opening(running, found, found.cause),
        id=firing_id(rule.id, state.fingerprint, key, "resolved", episode.first_id),
        kind="resolved",
        alert_id=episode.alert_id,
        count=tally.count,
        last_at=tally.last_at,
        severity=tally.severity,
        state="resolved",
        reason=reason,
    )
    return [resolve]


def end_all(running: Running, clock: Instant, reason: str) -> list[Firing]:
    """Ends every hold and open episode of a rule, those of the least key first."""
    return [
        firing
        for key, episode in sorted(running.state.episodes.items())
        for firing in end(running, key, episode, Evaluation(key=key, time=clock, truth=False, events=0), reason)
    ]


def fall_silent(running: Running, deadline: Deadline, timers: Timers) -> list[Firing]:
    """`resolve: {after}` of a key may be due: ends the episode, or looks again when it is."""
    episode = running.state.episodes.get(deadline.key)
    due = None if episode is None else silence(running, deadline.key, episode)
    if episode is None or due is None:
        return []
    if due.at > deadline.at:
        timers.add(due, by_clock=running.by_clock)
        return []
    found = Evaluation(key=deadline.key, time=due.at - 1, truth=False, events=0)
    return end(running, deadline.key, episode, found, "no_data")


def silence(running: Running, key: str, episode: Episode) -> Deadline | None:
    """When an open episode ends for want of events; None where it does not."""
    resolve = running.rule.resolve
    if resolve is None or resolve.after is None or episode.first_id is None:
        return None
    return Deadline(
        episode.heard + episode.moved + resolve.after + 1, Kind.SILENCE, running.position, key, episode.began
    )


def resume(running: Running, downtime: Span) -> None:
    """Nothing could be heard for so long: what was being held begins anew with the next true evaluation, and the time
    does not count as the silence of a key."""
    episodes = running.state.episodes
    running.state.episodes = {key: episode for key, episode in episodes.items() if episode.first_id is not None}
    for episode in running.state.episodes.values():
        episode.moved += downtime


def _begin(running: Running, found: Evaluation) -> Episode | None:
    """A new episode; None where `max_keys` of them are there."""
    rule, episodes = running.rule, running.state.episodes
    if len(episodes) >= most_keys(rule):
        return None
    episode = episodes[found.key] = Episode(began=found.time, cause=found.cause, heard=found.time)
    return episode


def _unheld(running: Running, found: Evaluation, mark: Instant, timers: Timers) -> list[Firing]:
    """A true evaluation that there is no room to remember: it fires at once, unless it would have to be held."""
    running.stats.refused_keys += 1
    if running.rule.hold is not None:
        return []
    return settle(running, found.key, opening(running, found, found.cause), mark, timers)


def _open(running: Running, found: Evaluation, episode: Episode, mark: Instant, timers: Timers) -> list[Firing]:
    state = running.state
    firing = opening(running, found, episode.cause)
    if running.rule.hold is not None:
        firing = msgspec.structs.replace(firing, began=episode.began)
    settled = settle(running, found.key, firing, mark, timers)
    episode.first_id, episode.alert_id = firing.id, settled[-1].alert_id
    counted = episode.alert_id in state.tallies
    tally = state.hold(episode.alert_id, firing)
    if not counted:
        tally.add(firing.time)
    due = silence(running, found.key, episode)
    if due is not None:
        timers.add(due, by_clock=running.by_clock)
    return settled


def _continued(running: Running, found: Evaluation, episode: Episode) -> Firing:
    running.stats.continued += 1
    firing = opening(running, found, found.cause or f"{found.time}")
    return running.state.fold(episode.alert_id, firing, "continued")
