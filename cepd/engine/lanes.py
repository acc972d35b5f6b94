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

from collections.abc import Sequence

import msgspec

from cepd.engine.projection import View
from cepd.engine.runs import Run, new_run, see
from cepd.engine.steps import Captured, Pattern, Roles, kept_of
from cepd.engine.unit import UnitCounts
from cepd.model.event import Happening
from cepd.model.instant import Instant


class Lane(msgspec.Struct, gc=False):
    """`runs` in the order in which they began; of `runs: one` the last is the one that goes on. `gathering`: with
    `runs: all`, the newest events of a first step that takes several. `armed`: when to look for what is over."""

    runs: list[Run] = msgspec.field(default_factory=list)
    gathering: Run | None = None
    armed: Instant = 0

    def all_runs(self) -> list[Run]:
        return self.runs if self.gathering is None else [*self.runs, self.gathering]


class Mover:
    """See `movers.Mover`."""

    def __init__(self, pattern: Pattern, counts: UnitCounts) -> None:
        self.pattern = pattern
        self.counts = counts
        self.kept = kept_of(pattern, ())
        self.max_runs = 1
        self.room = False
        self._begin = self._restart if pattern.one else self._begin_another
        self._gathers = not pattern.one and pattern.strict and pattern.stages[0].count > 1
        self._anew = pattern.strict and pattern.stages[0].count == 1
        """A restart leaves nothing of the run."""

    def begins(self, roles: Roles, view: View) -> int | None:
        return _first(roles, view, {})

    def begin(self, roles: Roles, event: Happening, time: Instant) -> tuple[Lane, Sequence[Run]] | None:
        place = _first(roles, event.view, {})
        if place is None:
            return None
        lane = Lane()
        self._add(lane, place, event, time)
        return lane, self._matched(lane)

    def move(self, track: Lane, roles: Roles, event: Happening, time: Instant) -> Sequence[Run] | None:
        lane = track
        pattern, view = self.pattern, event.view
        if roles.guards:
            lane.runs = [run for run in lane.runs if not run.kills(pattern, roles, view, time)]
        used = older = False
        for run in lane.runs:
            place = run.wants(pattern, roles, view) if roles.wanted[run.place] else None
            if place is None:
                continue
            if run.fits(pattern, time):
                run.put(pattern, place, see(event, time, self.room), view, self.kept)
                used = True
            elif time < run.last:
                older = True
        if roles.first and not (used and pattern.one):
            began = self._begin(lane, roles, event, time)
            used, older = used or began is True, older or began is False
        self.counts.out_of_order += older and not used
        matched = self._matched(lane) if used else ()
        return matched if matched or self.empty(lane) else None

    def expire(self, lane: Lane, oldest: Instant) -> None:
        """What is left of a run of `runs: one` goes on."""
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

    def empty(self, track: Lane) -> bool:
        return not track.runs and track.gathering is None

    def lane(self, track: Lane) -> Lane:
        return track

    def track(self, lane: Lane) -> Lane:
        return lane

    def _matched(self, lane: Lane) -> Sequence[Run]:
        runs, end = lane.runs, len(self.pattern.stages)
        for run in runs:
            if run.place == end and not self.pattern.waits:
                lane.runs = [run for run in runs if run.place < end]
                return [run for run in runs if run.place == end]
        return ()

    def _restart(self, lane: Lane, roles: Roles, event: Happening, time: Instant) -> bool | None:
        """The event begins the run of the lane anew. Whether it did; None where it serves no step that could."""
        pattern = self.pattern
        run = lane.runs[-1] if lane.runs else None
        if run is None or (run.full and time > run.first + pattern.within):
            return self._begin_another(lane, roles, event, time)
        place = self._renewed(run, roles, event.view)
        if place is None:
            return None
        if self._anew and time >= run.first:
            lane.runs[-1] = self._run(0, event, time)
            return True
        renewed = self._renew(run, place, event, time)
        if not any(run.steps):
            del lane.runs[-1]
        return renewed

    def _renewed(self, run: Run, roles: Roles, view: View) -> int | None:
        """The stage whose newest event this may become."""
        if self.pattern.strict:
            return self.begins(roles, view)
        wanted = run.wants(self.pattern, roles, view)
        return _first(roles, view, run.captured) if wanted is None else wanted

    def _renew(self, run: Run, place: int, event: Happening, time: Instant) -> bool:
        """Whether the event became the newest of the stage."""
        pattern, step = self.pattern, run.steps[place]
        full = len(step) == pattern.stages[place].count
        behind = time < step[-1].time if pattern.strict else time < run.last - pattern.within
        if behind or (full and time < step[0].time):
            return False
        if full:
            run.shed(pattern, place)
        if not any(run.steps):
            run.first = run.last = time
        run.put(pattern, place, see(event, time, self.room), event.view, self.kept)
        run.prune(pattern, run.last - pattern.within)
        return True

    def _begin_another(self, lane: Lane, roles: Roles, event: Happening, time: Instant) -> bool | None:
        """As `_restart`, with a run of its own."""
        place = self.begins(roles, event.view)
        return None if place is None else self._add(lane, place, event, time)

    def _add(self, lane: Lane, place: int, event: Happening, time: Instant) -> bool:
        if self._gathers:
            return self._gather(lane, event, time)
        self._join(lane, self._run(place, event, time))
        return True

    def _run(self, place: int, event: Happening, time: Instant) -> Run:
        run = new_run(self.pattern, time)
        run.put(self.pattern, place, see(event, time, self.room), event.view, self.kept)
        return run

    def _gather(self, lane: Lane, event: Happening, time: Instant) -> bool:
        """The newest events of the first step begin a run, once they are enough. Whether the event is one of them."""
        gathering = lane.gathering
        if gathering is None:
            gathering = lane.gathering = self._run(0, event, time)
        elif not self._renew(gathering, 0, event, time):
            return False
        if len(gathering.steps[0]) == self.pattern.stages[0].count:
            steps = [list(step) for step in gathering.steps]
            self._join(lane, msgspec.structs.replace(gathering, steps=steps, captured=dict(gathering.captured)))
        return True

    def _join(self, lane: Lane, run: Run) -> None:
        if len(lane.runs) < self.max_runs:
            lane.runs.append(run)
        else:
            self.counts.refused_keys += 1


def _first(roles: Roles, view: View, captured: Captured) -> int | None:
    """The first stage that an event with that view may begin a run with."""
    for place, takes in roles.first:
        if takes is None or takes(view, captured):
            return place
    return None
