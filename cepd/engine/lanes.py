"""A lane: the runs of a sequence for one key, and how an event moves them.

An event is first offered to each run in the order in which they began: what must not come where the run stands ends
it, what the run waits for advances it. The rest is policy. `runs: one`: an event that advanced nothing and serves the
first step restarts the run, which keeps the newest events of that step; with `order: any` it is the newest of its own
step, and what was compared with the one it replaces goes too. `runs: all`: every event that serves the first step (any
step, with `order: any`) begins a run of its own beside the others; where the first step takes several events, each
time its newest so many do.

An event never counts that is too old for the order: it would have had to come before one that is there already. Only a
run that has all its steps and waits for its span to end outlives the beginning of the next one of `runs: one`, if that
lies behind its span: nothing that comes there can matter to it any more.
"""

import msgspec

from cepd.engine.runs import Run, new_run
from cepd.engine.steps import Pattern, kept_of
from cepd.model.event import Event
from cepd.model.instant import Instant


class Lane(msgspec.Struct):
    """`runs` in the order in which they began; of `runs: one` the last is the one that goes on. `gathering`: with
    `runs: all`, the newest events of a first step that takes several. `armed`: what is scheduled for the key."""

    runs: list[Run] = msgspec.field(default_factory=list)
    gathering: Run | None = None
    armed: Instant | None = None

    def all_runs(self) -> list[Run]:
        return self.runs if self.gathering is None else [*self.runs, self.gathering]

    def empty(self) -> bool:
        return not self.runs and self.gathering is None


class Moved(msgspec.Struct):
    """What an event did. `matched`: runs that have all their steps and wait for nothing, gone from the lane."""

    matched: list[Run] = msgspec.field(default_factory=list)
    used: bool = False
    older: bool = False
    """A step would have taken it, had it come in time."""
    refused: bool = False
    """There was no room for one more run."""


class Mover:
    """Moves lanes of one sequence by one event at a time. `kept` and `max_runs` may change between events."""

    def __init__(self, pattern: Pattern) -> None:
        self.pattern = pattern
        self.kept = kept_of(pattern, ())
        self.max_runs = 1
        self._begin = self._restart if pattern.one else self._add

    def move(self, lane: Lane, event: Event, time: Instant) -> Moved:
        pattern, moved, kept = self.pattern, Moved(), []
        for run in lane.runs:
            if run.kills(pattern, event, time):
                continue
            kept.append(run)
            place = run.wants(pattern, event)
            if place is None:
                continue
            if run.fits(pattern, time):
                self._put(run, place, event, time, moved)
            elif time < run.last:
                moved.older = True
        lane.runs = kept
        if not (pattern.one and moved.used):
            self._begin(lane, event, time, moved)
        if moved.used and not pattern.waits:
            moved.matched = [run for run in lane.runs if run.full]
            if moved.matched:
                lane.runs = [run for run in lane.runs if not run.full]
        return moved

    def begins(self, event: Event) -> int | None:
        """The stage that the event would begin a run with."""
        stages = self.pattern.stages[:1] if self.pattern.strict else self.pattern.stages
        return next((place for place, stage in enumerate(stages) if stage.takes(event, {})), None)

    def expire(self, lane: Lane, oldest: Instant) -> None:
        """Forgets runs, and gathered events, whose span ended because they began before `oldest`. What is left of a
        run of `runs: one` goes on."""
        pattern = self.pattern
        if pattern.one:
            lane.runs = [run for run in lane.runs if run.first >= oldest or not run.full]
            for run in lane.runs:
                run.prune(pattern, oldest)
            lane.runs = [run for run in lane.runs if any(run.steps)]
        else:
            lane.runs = [run for run in lane.runs if run.first >= oldest]
        if lane.gathering is not None:
            lane.gathering.prune(pattern, oldest)
            lane.gathering = lane.gathering if any(lane.gathering.steps) else None

    def _put(self, run: Run, place: int, event: Event, time: Instant, moved: Moved) -> None:
        run.put(self.pattern, place, event, time, self.kept)
        moved.used = True

    def _restart(self, lane: Lane, event: Event, time: Instant, moved: Moved) -> None:
        run = lane.runs[-1] if lane.runs else None
        if run is None or (run.full and time > run.first + self.pattern.within):
            self._add(lane, event, time, moved)
            return
        place = self._renewed(run, event)
        if place is not None:
            self._renew(run, place, event, time, moved)
            lane.runs = lane.runs if any(run.steps) else lane.runs[:-1]

    def _renewed(self, run: Run, event: Event) -> int | None:
        """The stage whose newest event this may become."""
        stages = self.pattern.stages
        if self.pattern.strict:
            return 0 if stages[0].takes(event, {}) else None
        wanted = run.wants(self.pattern, event)
        if wanted is not None:
            return wanted
        return next((place for place, stage in enumerate(stages) if stage.takes(event, run.captured)), None)

    def _renew(self, run: Run, place: int, event: Event, time: Instant, moved: Moved) -> bool:
        """Whether the event became the newest of the stage."""
        pattern, step = self.pattern, run.steps[place]
        full = len(step) == pattern.stages[place].count
        behind = time < step[-1].time if pattern.strict else time < run.last - pattern.within
        if behind or (full and time < step[0].time):
            moved.older = True
            return False
        if full:
            run.shed(pattern, place)
        if not any(run.steps):
            run.first = run.last = time
        self._put(run, place, event, time, moved)
        run.prune(pattern, run.last - pattern.within)
        return True

    def _add(self, lane: Lane, event: Event, time: Instant, moved: Moved) -> None:
        place = self.begins(event)
        if place is None:
            return
        if not self.pattern.one and self.pattern.strict and self.pattern.stages[0].count > 1:
            run = self._gather(lane, event, time, moved)
        else:
            run = new_run(self.pattern, time)
            self._put(run, place, event, time, moved)
        if run is None:
            return
        if len(lane.runs) < self.max_runs:
            lane.runs.append(run)
        else:
            moved.refused = True

    def _gather(self, lane: Lane, event: Event, time: Instant, moved: Moved) -> Run | None:
        """The run that the newest events of the first step begin, once they are enough."""
        gathering = lane.gathering = lane.gathering or new_run(self.pattern, time)
        if not gathering.steps[0]:
            self._put(gathering, 0, event, time, moved)
        elif not self._renew(gathering, 0, event, time, moved):
            return None
        if len(gathering.steps[0]) < self.pattern.stages[0].count:
            return None
        steps = [list(step) for step in gathering.steps]
        return msgspec.structs.replace(gathering, steps=steps, captured=dict(gathering.captured))
