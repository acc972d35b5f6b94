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
from cepd.engine.lanes import Lane, Mover
from cepd.engine.marks import carried
from cepd.engine.running import Running
from cepd.engine.runs import Run
from cepd.engine.steps import compile_steps, excerpt, kept_of
from cepd.engine.unit import Schedule, UnitCounts, UnitStatus, most_keys
from cepd.model.duration import Span
from cepd.model.event import Event
from cepd.model.instant import Instant, format_instant
from cepd.model.json import Json
from cepd.model.rule import Rule, SequenceTrigger


class Unit:
    def __init__(self, rule: Rule) -> None:
        self.counts = UnitCounts()
        self._pattern = compile_steps(_trigger(rule))
        self._mover = Mover(self._pattern)
        self._lanes: dict[str, Lane] = {}

    def bind(self, members: Sequence[Running], schedule: Schedule) -> None:
        rules = [member.rule for member in members]
        self._schedule = schedule
        self._max_keys = max(most_keys(rule) for rule in rules)
        self._kept = {rule.id: kept_of(self._pattern, rule.carries) for rule in rules}
        self._mover.kept = kept_of(self._pattern, sorted({path for rule in rules for path in rule.carries}))
        self._mover.max_runs = max(_trigger(rule).max_runs for rule in rules)

    def feed(self, event: Event, time: Instant, key: str, mark: Instant) -> None:
        self._event, self._key = event, key
        self._matched: list[Run] = []
        limit = time + self._pattern.within
        if limit < mark:
            self.counts.late += self._mover.begins(event) is not None
            return
        lane = self._lanes.get(key)
        if lane is None:
            if self._mover.begins(event) is None:
                return
            if len(self._lanes) >= self._max_keys:
                self.counts.refused_keys += 1
                return
            lane = self._lanes[key] = Lane()
        moved = self._mover.move(lane, event, time)
        self.counts.out_of_order += moved.older and not moved.used
        self.counts.refused_keys += moved.refused
        self._matched = moved.matched
        if lane.empty():
            del self._lanes[key]
        elif lane.armed is None or limit + 1 < lane.armed:
            lane.armed = limit + 1
            self._schedule(lane.armed, key, 0)

    def read(self, member: Running) -> Sequence[Evaluation]:
        event = self._event
        return [
            msgspec.structs.replace(
                self._found(member, self._key, run, run.last),
                payload=event.line,
                event_type=event.type,
                event_source=event.source,
            )
            for run in self._matched
        ]

    def due(self, member: Running, key: str, start: Instant, at: Instant) -> Iterable[Evaluation]:
        lane, names = self._lanes.get(key), self._kept[member.rule.id].names
        for run in [] if lane is None else lane.runs:
            end = run.first + self._pattern.within
            if end < at and run.full:
                payload = msgspec.json.encode(carried(run.carried, names)) if names else b""
                yield msgspec.structs.replace(self._found(member, key, run, end), payload=payload)

    def drop(self, key: str, start: Instant, at: Instant) -> None:
        lane = self._lanes.get(key)
        if lane is None or lane.armed != at:
            return
        self._mover.expire(lane, at - self._pattern.within)
        if lane.empty():
            del self._lanes[key]
        else:
            lane.armed = min(run.first for run in lane.all_runs()) + self._pattern.within + 1
            self._schedule(lane.armed, key, 0)

    def deadlines(self) -> Iterable[tuple[Instant, str, Instant]]:
        return [(lane.armed, key, 0) for key, lane in self._lanes.items() if lane.armed is not None]

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
        return msgspec.json.encode(self._lanes)

    def load(self, data: bytes) -> None:
        self._lanes = msgspec.json.decode(data, type=dict[str, Lane])
        if any(len(run.steps) != len(self._pattern.stages) for lane in self._lanes.values() for run in lane.all_runs()):
            raise ValueError("a run has other steps than the sequence")

    def _found(self, member: Running, key: str, run: Run, time: Instant) -> Evaluation:
        events, paths = run.events(), self._kept[member.rule.id].paths
        return Evaluation(
            key=key,
            time=time,
            truth=True,
            cause=msgspec.json.encode([seen.identity for seen in events]).decode(),
            values={name: excerpt(run.captured[name], below) for name, below in paths.items() if name in run.captured},
            events=len(events),
            event_ids=tuple(seen.id for seen in events),
            steps=run.steps_seen(self._pattern),
        )

    def _describe(self, run: Run) -> dict[str, Json]:
        stages = zip(self._pattern.stages, run.steps, strict=True)
        return {
            "first": format_instant(run.first),
            "until": format_instant(run.first + self._pattern.within),
            "steps": [{"step": stage.name, "events": len(step), "of": stage.count} for stage, step in stages],
        }


def _trigger(rule: Rule) -> SequenceTrigger:
    assert isinstance(rule.trigger, SequenceTrigger)
    return rule.trigger
