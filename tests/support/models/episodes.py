"""Firings and resolves of one rule: its kind's model gives evaluations, and a list of episodes makes of them what
`for` and `resolve` say. Suppress and storms are no part of it."""

import json
import operator
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from cepd.engine.fingerprint import episode_fingerprint, state_fingerprint
from cepd.engine.ids import firing_id
from cepd.engine.keys import compile_key
from cepd.engine.reference import evaluate
from cepd.engine.rows import Row, Swap
from cepd.model.duration import SECOND, Span
from cepd.model.event import Event
from cepd.model.instant import Instant
from cepd.model.rule import EventTrigger, MetricTrigger, Rule
from tests.support.models.marks import moments
from tests.support.models.said import Found, Said

COMPARE = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


class Due(NamedTuple):
    """The order of the first two is the order in which they fire."""

    at: Instant
    key: str
    found: Callable[[], Found]
    standing: Instant | None = None
    """Only asked of a key with an open episode that was not heard of at that time or later."""


class Kind(Protocol):
    """A kind of rule, for one rule. It keeps all that it ever heard."""

    rule: Rule

    def hear(self, event: Event, time: Instant, key: str, mark: Instant) -> list[Found]: ...

    def due(self, mark: Instant) -> list[Due]:
        """What fell due since it was asked last, up to this watermark."""

    def resume(self, downtime: Span) -> None: ...


class Episode(NamedTuple):
    began: Found
    heard: Instant
    fired: str | None = None
    moved: Span = 0
    """By how much downtime moved the end of its silence."""
    opened: Instant = 0
    """What time had come to when it fired: it does not end before."""


class Model:
    """`evaluations`, of events and of what fell due, and `continued` count, so that a test can tell that it tested
    something."""

    def __init__(self, rule: Rule, kind: Kind) -> None:
        self.rule = rule
        self.kind = kind
        self.said: list[Said] = []
        self.evaluations = 0
        self.continued = 0
        self._state = state_fingerprint(rule)
        self._key = compile_key(rule.group_by)
        self._episodes: dict[str, Episode] = {}
        self._now: Instant = 0
        self._done: set[tuple[str, object]] = set()

    def run(self, rows: Sequence[Row], lateness: Span = 5 * SECOND) -> list[Said]:
        arrival = self.rule.time == "arrival"
        for moment in moments(rows, lateness):
            mark = moment.clock if arrival else moment.mark
            if moment.downtime:
                self.kind.resume(moment.downtime)
                self._episodes = {
                    key: found._replace(moved=found.moved + moment.downtime)
                    for key, found in self._episodes.items()
                    if found.fired
                }
            self._pass(mark)
            if isinstance(moment.row, Swap):
                self._swap(moment.row.program.rules[self.rule.id], moment.clock)
            event = moment.event
            if event is None or not self._wants(event):
                continue
            key = self._key(event.fields)
            if key is None:
                continue
            self.evaluations += 1
            for found in self.kind.hear(event, moment.clock if arrival else event.time, key, mark):
                self._take(found)
        return self.said

    def _swap(self, rule: Rule, clock: Instant) -> None:
        """Another form of the rule, of the same State."""
        changed = episode_fingerprint(rule) != episode_fingerprint(self.rule)
        for key in sorted(self._episodes) if changed else ():
            self._end(key, clock, "rule_changed")
        self.rule = self.kind.rule = rule

    def _wants(self, event: Event) -> bool:
        trigger = self.rule.trigger
        types, sources = getattr(trigger, "event_type", None), getattr(trigger, "source", None)
        if (types is not None and event.type not in types) or (sources is not None and event.source not in sources):
            return False
        asks_itself = isinstance(self.kind, Stateless) and isinstance(trigger, EventTrigger)
        return asks_itself or self.rule.when is None or evaluate(self.rule.when, event.fields)

    def _pass(self, mark: Instant) -> None:
        waiting = sorted(self.kind.due(mark), key=lambda due: (due.at, due.key))
        while True:
            silent = min(self._silences(), default=None)
            if waiting and (silent is None or waiting[0].at <= silent[0]):
                due = waiting.pop(0)
                self._now = due.at
                if due.standing is None or self._is_open(due.key, due.standing):
                    self.evaluations += 1
                    self._take(due.found())
            elif silent is not None and silent[0] <= mark:
                episode = self._episodes[silent[1]]
                self._end(silent[1], episode.heard + episode.moved + self.rule.resolve.after, "no_data")
            else:
                self._now = mark
                return

    def _silences(self) -> list[tuple[Instant, str]]:
        resolve = self.rule.resolve
        if resolve is None or resolve.after is None:
            return []
        ends = [
            (found, found.heard + found.moved + resolve.after + 1, key)
            for key, found in self._episodes.items()
            if found.fired
        ]
        return [(max(end, found.opened), key) for found, end, key in ends]

    def _take(self, found: Found) -> None:
        episode = self._episodes.get(found.key)
        spent = self.rule.hold is None and any((found.key, name) in self._done for name in found.once)
        if spent and not self._is_open(found.key):
            return
        if self.rule.hold is None and self.rule.resolve is None:
            if found.truth:
                self._fire(found, found)
            return
        if not found.truth:
            if episode is not None:
                self._end(found.key, found.time, "cleared")
            return
        if episode is None:
            episode = Episode(found, found.time)
        elif found.events and found.time > episode.heard:
            left = episode.heard + episode.moved - found.time
            episode = episode._replace(heard=found.time, moved=max(0, left))
        if episode.fired is not None:
            self.continued += 1
        elif found.time >= episode.began.time + (self.rule.hold or 0):
            episode = episode._replace(fired=self._fire(found, episode.began), opened=self._now)
        self._episodes[found.key] = episode

    def _fire(self, found: Found, began: Found) -> str:
        if self.rule.hold is None:
            self._done.update((found.key, name) for name in found.once)
        name = firing_id(self.rule.id, self._state, found.key, "fired", began.cause)
        facts = (found.window, found.values, found.events, found.event_ids, found.payload)
        self.said.append(Said("fired", self._values(found.key), found.time, name, None, *facts))
        return name

    def _end(self, key: str, time: Instant, reason: str) -> None:
        episode = self._episodes.pop(key)
        if episode.fired is not None and (self.rule.resolve is not None or reason == "rule_changed"):
            name = firing_id(self.rule.id, self._state, key, "resolved", episode.fired)
            self.said.append(Said("resolved", self._values(key), time, name, reason))

    def _is_open(self, key: str, heard_before: Instant | None = None) -> bool:
        episode = self._episodes.get(key)
        if episode is None or episode.fired is None:
            return False
        return heard_before is None or episode.heard < heard_before

    def _values(self, key: str) -> dict[str, object]:
        return dict(zip(self.rule.group_by, json.loads(key), strict=True))


class Stateless:
    """Of an event rule every event that type and source let through is heard, and `when` is the truth; of a metric
    rule those that `when` lets through and whose metric is a number, and the threshold is."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def hear(self, event: Event, time: Instant, key: str, mark: Instant) -> list[Found]:
        trigger = self.rule.trigger
        if isinstance(trigger, MetricTrigger):
            number = event.fields.get(trigger.metric)
            if type(number) not in (int, float):
                return []
            truth = COMPARE[trigger.op](number, trigger.threshold)
        else:
            truth = self.rule.when is None or evaluate(self.rule.when, event.fields)
        return [Found(key, time, truth, event.identity, {}, event_ids=(event.id,), payload=event.line)]

    def due(self, mark: Instant) -> list[Due]:
        return []

    def resume(self, downtime: Span) -> None:
        """Nothing of it stands."""
