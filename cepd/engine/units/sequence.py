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

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from cepd.engine.evaluation import Evaluation
from cepd.engine.expiries import Expiries
from cepd.engine.identities import MOST_HELD
from cepd.engine.lanes import Lane
from cepd.engine.marks import carried
from cepd.engine.movers import Track, make_mover
from cepd.engine.pieces import of_items
from cepd.engine.running import Running
from cepd.engine.runs import Found, Run
from cepd.engine.steps import Captured, Paths, Roles, compile_steps, excerpt, kept_of
from cepd.engine.unit import Schedule, UnitCounts, UnitStatus, most_keys
from cepd.model.duration import Span
from cepd.model.event import Happening
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
        self._mover = make_mover(pattern, self.counts)
        self._tracks: dict[str, Track] = {}

    def bind(self, members: Sequence[Running], schedule: Schedule) -> None:
        rules = [member.rule for member in members]
        self._members = members
        self._schedule = schedule
        self._max_keys = max(most_keys(rule) for rule in rules)
        self._kept = {rule.id: kept_of(self._pattern, rule.carries) for rule in rules}
        self._mover.kept = kept_of(self._pattern, sorted({path for rule in rules for path in rule.carries}))
        self._mover.max_runs = max(_trigger(rule).max_runs for rule in rules)
        runs = 1 if self._pattern.one else self._mover.max_runs
        self._most_held = MOST_HELD // (runs * sum(stage.count for stage in self._pattern.stages))
        waits = self._pattern.waits
        self._over = Expiries(list if waits else self._pending, schedule, self._within // SWEEPS)
        self._alarm = self._by_itself if waits else self._over.add

    def feed(self, event: Happening, time: Instant, key: str, mark: Instant) -> Sequence[Running]:
        self._matched: Sequence[Found] = ()
        roles = self._roles.get(event.type, self._others)
        if roles is None:
            return ()
        limit = time + self._within
        if limit < mark:
            self.counts.late += self._mover.begins(roles, event.view) is not None
            return ()
        track = self._tracks.get(key)
        if track is not None and track.armed <= mark:
            track = self._look(track, key, mark)
        if track is None:
            matched = self._open(roles, event, time, key, mark) if roles.first else None
        else:
            matched = self._mover.move(track, roles, event, time)
            if matched is not None and self._mover.empty(track):
                del self._tracks[key]
            elif limit < track.armed - 1:
                track.armed = limit + 1
                self._alarm(track.armed, key)
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
        track, names = self._tracks.get(key), self._kept[member.rule.id].names
        for run in [] if track is None else self._mover.lane(track).runs:
            end = run.first + self._within
            if end < at and run.full:
                payload = msgspec.json.encode(carried(run.carried, names)) if names else b""
                yield self._found(member, key, run, end, payload)

    def drop(self, key: str, start: Instant, at: Instant) -> None:
        if self._pattern.waits:
            track = self._tracks.get(key)
            if track is not None and track.armed == at:
                self._look(track, key, at)
        elif at == self._over.sweep:
            self.forget(at)
            self._over.swept(at)

    def forget(self, mark: Instant) -> None:
        """Forgets the keys that are over at a watermark, if the next sweep would only do so later."""
        for at, key in self._over.take(mark):
            track = self._tracks.get(key)
            if track is not None and track.armed == at:
                self._look(track, key, mark)

    def deadlines(self) -> Iterable[tuple[Instant, str, Instant]]:
        if self._pattern.waits:
            return [(at, key, 0) for at, key in self._pending()]
        return () if self._over.sweep is None else [(self._over.sweep, "", 0)]

    def open_ends(self) -> Iterable[tuple[Instant, str, Instant]]:
        return ()

    def resume(self, downtime: Span) -> None:
        """Spans are measured between events; downtime is in none of them."""

    def status(self) -> UnitStatus:
        return UnitStatus(keys=len(self._tracks), windows=sum(len(lane.all_runs()) for _, lane in self._lanes()))

    def describe(self, key: str) -> dict[str, Json]:
        track = self._tracks.get(key)
        return {} if track is None else {"runs": [self._describe(run) for run in self._mover.lane(track).all_runs()]}

    def saving(self) -> Iterator[bytes]:
        return of_items(self._settled())

    def load(self, data: bytes) -> None:
        lanes = msgspec.json.decode(data, type=dict[str, Lane])
        if any(len(run.steps) != len(self._pattern.stages) for lane in lanes.values() for run in lane.all_runs()):
            raise ValueError("a run has other steps than the sequence")
        self._tracks = {key: self._mover.track(lane) for key, lane in lanes.items()}

    def _lanes(self) -> Iterator[tuple[str, Lane]]:
        return ((key, self._mover.lane(track)) for key, track in self._tracks.items())

    def _settled(self) -> Iterator[tuple[str, Lane]]:
        """As `_lanes`; none of them holds a line when its turn is over."""
        for key, lane in self._lanes():
            for run in lane.all_runs():
                run.settle()
            yield key, lane

    def _open(self, roles: Roles, event: Happening, time: Instant, key: str, mark: Instant) -> Sequence[Found]:
        """An event of a key that has no track; what matched at once."""
        tracks = self._tracks
        self._mover.room = len(tracks) < self._most_held
        begun = self._mover.begin(roles, event, time)
        if begun is None:
            return ()
        if len(tracks) >= self._max_keys:
            self.forget(mark)
            if len(tracks) >= self._max_keys:
                self.counts.refused_keys += 1
                return ()
        track, matched = begun
        if not matched:
            tracks[key] = track
            track.armed = time + self._within + 1
            self._alarm(track.armed, key)
        return matched

    def _look(self, track: Track, key: str, mark: Instant) -> Track | None:
        """What is left of a track at a watermark that has come to when it was to be looked at."""
        self._mover.expire(track, mark - self._within)
        if self._mover.empty(track):
            del self._tracks[key]
            return None
        first = min(run.first for run in self._mover.lane(track).all_runs())
        track.armed = first + self._within + 1
        self._alarm(track.armed, key)
        return track

    def _by_itself(self, at: Instant, key: str) -> None:
        self._schedule(at, key, 0)

    def _pending(self) -> list[tuple[Instant, str]]:
        return [(track.armed, key) for key, track in self._tracks.items()]

    def _found(
        self,
        member: Running,
        key: str,
        run: Found,
        time: Instant,
        payload: bytes,
        event_type: str | None = None,
        event_source: str | None = None,
    ) -> Evaluation:
        events, paths = run.events(), self._kept[member.rule.id].paths
        return Evaluation(  # by place: so many names would take longer than all else here
            key,
            time,
            True,
            msgspec.json.encode([seen.settle() for seen in events]).decode(),
            _values(run.captured, paths) if paths else {},
            None,
            len(events),
            tuple([seen.id for seen in events]),
            payload,
            event_type,
            event_source,
            run.steps_seen(self._pattern),
        )

    def _describe(self, run: Run) -> dict[str, Json]:
        stages = zip(self._pattern.stages, run.steps, strict=True)
        return {
            "first": format_instant(run.first),
            "until": format_instant(run.first + self._within),
            "steps": [{"step": stage.name, "events": len(step), "of": stage.count} for stage, step in stages],
        }


def _values(captured: Captured, paths: Paths) -> dict[str, Json]:
    return {name: excerpt(captured[name], below) for name, below in paths.items() if name in captured}


def _trigger(rule: Rule) -> SequenceTrigger:
    assert isinstance(rule.trigger, SequenceTrigger)
    return rule.trigger
