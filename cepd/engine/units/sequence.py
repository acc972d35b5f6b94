"""Sequences: events of one key that follow one another.

What counts, in journal order:

- The rule's `when` filters every event. A step takes an event of its type for which its condition holds; the condition
  sees earlier steps that are done by their ids (`engine.steps`). One event never serves two steps of a run.
- `order: strict`: the steps in their order, no event older than the one before it, ties allowed. `order: any`: an event
  serves the first step in written order that lacks one and takes it. The newest event is at most `within` younger than
  the oldest.
- `count: n` takes n events; the step's values are those of the event that filled it.
- A `not` stands before the next step that must come and ends the run as long as that step is not full; it is looked at
  before the step. It counts only with a time from the newest event to the end of the span. So does `absent` at the
  end: the run waits until the watermark has passed first + `within` and fires with that time.
- How runs begin, restart and are used up: `engine.lanes`. A run is forgotten once the watermark has passed first +
  `within`. An event that could only begin a run that is over already is late. Downtime moves nothing.
- Out of order is counted where a step waits for an event that is too old for it. That an event came before the first
  one that it should have followed is not seen: nothing is remembered of events that serve no run.

A firing's values hold, for each step that a condition or the rule's texts name, what is kept of it. It names all
events in order of time; its own time is the newest one's.
"""

from collections.abc import Iterable, Sequence

import msgspec

from cepd.engine.evaluation import Evaluation
from cepd.engine.expiries import Expiries
from cepd.engine.lanes import MOST_HELD, Lane, Mover
from cepd.engine.marks import carried
from cepd.engine.running import Running
from cepd.engine.runs import Run
from cepd.engine.steps import Roles, compile_steps, excerpt, kept_of
from cepd.engine.unit import Schedule, UnitCounts, UnitStatus, most_keys
from cepd.model.duration import Span
from cepd.model.event import Event
from cepd.model.instant import Instant, format_instant
from cepd.model.json import Json
from cepd.model.rule import Rule, SequenceTrigger

SWEEPS = 16
"""How often in the time of a span keys that are over are swept up at most. Nothing but memory depends on it."""


class Unit:
    def __init__(self, rule: Rule) -> None:
        self.counts = UnitCounts()
        pattern = self._pattern = compile_steps(_trigger(rule))
        self._roles, self._others, self._within = pattern.roles, pattern.others, pattern.within
        self._mover = Mover(pattern, self.counts)
        self._lanes: dict[str, Lane] = {}
        self._sweep: Instant | None = None
        """When the next one is scheduled."""
        self._rested: Instant = 0
        """Before then there is none."""

    def bind(self, members: Sequence[Running], schedule: Schedule) -> None:
        rules = [member.rule for member in members]
        self._members = members
        self._schedule = schedule
        self._max_keys = max(most_keys(rule) for rule in rules)
        self._kept = {rule.id: kept_of(self._pattern, rule.carries) for rule in rules}
        self._mover.kept = kept_of(self._pattern, sorted({path for rule in rules for path in rule.carries}))
        self._mover.max_runs = max(_trigger(rule).max_runs for rule in rules)
        runs = 1 if self._pattern.one else self._mover.max_runs
        self._lanes_held = MOST_HELD // (runs * sum(stage.count for stage in self._pattern.stages))
        self._over = self._expiries()
        self._sweep = self._over.first

    def feed(self, event: Event, time: Instant, key: str, mark: Instant) -> Sequence[Running]:
        self._matched: Sequence[Run] = ()
        roles = self._roles.get(event.type, self._others)
        if roles is None:
            return ()
        limit = time + self._within
        if limit < mark:
            self.counts.late += self._mover.begins(roles, event.view) is not None
            return ()
        lane = self._lanes.get(key)
        if lane is not None and lane.armed <= mark:
            lane = self._look(lane, key, mark)
        if lane is None:
            matched = self._open(roles, event, time, key, mark) if roles.first else ()
        else:
            matched = self._mover.move(lane, roles, event, time)
            if not lane.runs and lane.gathering is None:
                del self._lanes[key]
            elif limit < lane.armed - 1:
                self._arm(lane, key, limit + 1)
        if not matched:
            return ()
        self._event, self._key, self._matched = event, key, matched
        return self._members

    def read(self, member: Running) -> Sequence[Evaluation]:
        if not self._matched:
            return ()
        key, event = self._key, self._event
        return [self._found(member, key, run, run.last, event.line, event.type, event.source) for run in self._matched]

    def due(self, member: Running, key: str, start: Instant, at: Instant) -> Iterable[Evaluation]:
        lane, names = self._lanes.get(key), self._kept[member.rule.id].names
        for run in [] if lane is None else lane.runs:
            end = run.first + self._within
            if end < at and run.full:
                payload = msgspec.json.encode(carried(run.carried, names)) if names else b""
                yield self._found(member, key, run, end, payload)

    def drop(self, key: str, start: Instant, at: Instant) -> None:
        if self._pattern.waits:
            lane = self._lanes.get(key)
            if lane is not None and lane.armed == at:
                self._look(lane, key, at)
        elif at == self._sweep:
            self._sweep, self._rested = None, at + self._within // SWEEPS
            self.forget(at)
            self._plan()

    def forget(self, mark: Instant) -> None:
        """Forgets the keys that are over at a watermark, if the next sweep would only do so later."""
        for at, key in self._over.take(mark):
            lane = self._lanes.get(key)
            if lane is not None and lane.armed == at:
                self._look(lane, key, mark)

    def deadlines(self) -> Iterable[tuple[Instant, str, Instant]]:
        if self._pattern.waits:
            return [(lane.armed, key, 0) for key, lane in self._lanes.items()]
        return () if self._sweep is None else [(self._sweep, "", 0)]

    def open_ends(self) -> Iterable[tuple[Instant, str, Instant]]:
        return ()

    def resume(self, downtime: Span) -> None:
        """Spans are measured between events; downtime is in none of them."""

    def status(self) -> UnitStatus:
        return UnitStatus(keys=len(self._lanes), windows=sum(len(lane.all_runs()) for lane in self._lanes.values()))

    def describe(self, key: str) -> dict[str, Json]:
        lane = self._lanes.get(key)
        return {} if lane is None else {"runs": [self._describe(run) for run in lane.all_runs()]}

    def save(self) -> bytes:
        for lane in self._lanes.values():
            for run in lane.all_runs():
                run.settle()
        return msgspec.json.encode(self._lanes)

    def load(self, data: bytes) -> None:
        self._lanes = msgspec.json.decode(data, type=dict[str, Lane])
        if any(len(run.steps) != len(self._pattern.stages) for lane in self._lanes.values() for run in lane.all_runs()):
            raise ValueError("a run has other steps than the sequence")

    def _open(self, roles: Roles, event: Event, time: Instant, key: str, mark: Instant) -> Sequence[Run]:
        """An event of a key that has no lane; what matched at once."""
        mover, lanes = self._mover, self._lanes
        place = mover.begins(roles, event.view)
        if place is None:
            return ()
        if len(lanes) >= self._max_keys:
            self.forget(mark)
            if len(lanes) >= self._max_keys:
                self.counts.refused_keys += 1
                return ()
        mover.holding = len(lanes) < self._lanes_held
        lane = Lane()
        matched = mover.begin(lane, place, event, time)
        if not lane.empty():
            lanes[key] = lane
            self._arm(lane, key, time + self._within + 1)
        return matched

    def _arm(self, lane: Lane, key: str, at: Instant) -> None:
        """The lane is to be looked at when the watermark has come to `at`: by itself where it may fire then."""
        lane.armed = at
        if self._pattern.waits:
            self._schedule(at, key, 0)
            return
        self._over.add(at, key)
        if self._over.crowded:
            self._over = self._expiries()
        if self._sweep is None or at < self._sweep:
            self._plan()

    def _look(self, lane: Lane, key: str, mark: Instant) -> Lane | None:
        """What is left of a lane at a watermark that has come to when it was to be looked at."""
        self._mover.expire(lane, mark - self._within)
        if lane.empty():
            del self._lanes[key]
            return None
        self._arm(lane, key, min(run.first for run in lane.all_runs()) + self._within + 1)
        return lane

    def _plan(self) -> None:
        """Schedules the next sweep, where one is needed before the one that is scheduled."""
        first = self._over.first
        if first is None:
            return
        at = max(first, self._rested)
        if self._sweep is None or at < self._sweep:
            self._sweep = at
            self._schedule(at, "", 0)

    def _expiries(self) -> Expiries:
        return Expiries((lane.armed, key) for key, lane in self._lanes.items())

    def _found(
        self,
        member: Running,
        key: str,
        run: Run,
        time: Instant,
        payload: bytes,
        event_type: str | None = None,
        event_source: str | None = None,
    ) -> Evaluation:
        run.settle()
        events, paths = run.events(), self._kept[member.rule.id].paths
        return Evaluation(
            key=key,
            time=time,
            truth=True,
            cause=msgspec.json.encode([seen.identity for seen in events]).decode(),
            values={name: excerpt(run.captured[name], below) for name, below in paths.items() if name in run.captured},
            events=len(events),
            event_ids=tuple([seen.id for seen in events]),
            payload=payload,
            event_type=event_type,
            event_source=event_source,
            steps=run.steps_seen(self._pattern),
        )

    def _describe(self, run: Run) -> dict[str, Json]:
        stages = zip(self._pattern.stages, run.steps, strict=True)
        return {
            "first": format_instant(run.first),
            "until": format_instant(run.first + self._within),
            "steps": [{"step": stage.name, "events": len(step), "of": stage.count} for stage, step in stages],
        }


def _trigger(rule: Rule) -> SequenceTrigger:
    assert isinstance(rule.trigger, SequenceTrigger)
    return rule.trigger
