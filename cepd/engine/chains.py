"""A chain: how far one key is with a plain sequence, of steps in their order with one event each, one run at a time.

What an event does to it is what `lanes` say of such a sequence: it serves the step that comes next, or begins the
chain anew. So a chain is no more than a list of events, one for each step that is done, and nothing is searched.
"""

from collections.abc import Sequence

import msgspec

from cepd.engine.lanes import Lane
from cepd.engine.projection import View
from cepd.engine.runs import NO_EVENTS, Found, Run, Seen, see
from cepd.engine.steps import Captured, Pattern, Roles, kept_of
from cepd.engine.unit import UnitCounts
from cepd.model.event import Happening
from cepd.model.firing import StepSeen
from cepd.model.instant import Instant
from cepd.model.json import Json

_NOTHING: dict[str, dict[str, Json]] = {}
"""What most chains capture. Never changed."""


class Chain(msgspec.Struct, gc=False):
    """`steps`: the events of the steps that are done. `captured`, `armed`: see `Run` and `Lane`."""

    steps: list[Seen]
    captured: Captured
    armed: Instant = 0


class Served(msgspec.Struct, gc=False):
    """A chain that is complete. See `runs.Found`."""

    steps: list[Seen]
    captured: Captured

    @property
    def last(self) -> Instant:
        return self.steps[-1].time

    def events(self) -> list[Seen]:
        return self.steps

    def steps_seen(self, pattern: Pattern) -> tuple[StepSeen, ...]:
        return tuple(
            [
                StepSeen(stage.name, seen.time, seen.time, (seen.id,))
                for stage, seen in zip(pattern.stages, self.steps, strict=True)
            ]
        )


class Mover:
    """See `movers.Mover`."""

    def __init__(self, pattern: Pattern, counts: UnitCounts) -> None:
        self.pattern = pattern
        self.counts = counts
        self.kept = kept_of(pattern, ())
        self.max_runs = 1
        self.room = False
        self._within = pattern.within
        self._length = len(pattern.stages)

    def begins(self, roles: Roles, view: View) -> int | None:
        for place, takes in roles.first:
            if takes is None or takes(view, _NOTHING):
                return place
        return None

    def begin(self, roles: Roles, event: Happening, time: Instant) -> tuple[Chain, Sequence[Found]] | None:
        for _, takes in roles.first:
            if takes is None or takes(event.view, _NOTHING):
                captured = self._captured(_NOTHING, 0, event) if self.kept.paths else _NOTHING
                return Chain([see(event, time, self.room)], captured), ()
        return None

    def move(self, track: Chain, roles: Roles, event: Happening, time: Instant) -> Sequence[Found] | None:
        steps, older = track.steps, False
        for place, takes in roles.wanted[len(steps)]:
            if takes is None or takes(event.view, track.captured):
                if time < steps[-1].time:
                    older = True
                elif time - steps[0].time <= self._within:
                    steps.append(see(event, time, self.room))
                    if self.kept.paths:
                        track.captured = self._captured(track.captured, place, event)
                    return None if len(steps) < self._length else self._match(track)
        for _, takes in roles.first:
            if takes is None or takes(event.view, _NOTHING):
                if time >= steps[0].time:
                    track.steps = [see(event, time, self.room)]
                    track.captured = self._captured(_NOTHING, 0, event) if self.kept.paths else _NOTHING
                    return None
                older = True
        if older:
            self.counts.out_of_order += 1
        return None

    def empty(self, track: Chain) -> bool:
        return not track.steps

    def expire(self, track: Chain, oldest: Instant) -> None:
        if track.steps[0].time < oldest:
            track.steps = []

    def lane(self, track: Chain) -> Lane:
        return Lane([self._run(track)] if track.steps else [], None, track.armed)

    def track(self, lane: Lane) -> Chain:
        (run,) = lane.runs
        return Chain([seen for step in run.steps for seen in step], run.captured, lane.armed)

    def _captured(self, before: Captured, place: int, event: Happening) -> Captured:
        """With what is kept of an event that serves a step."""
        capture, name = self.kept.captures[place], self.pattern.stages[place].id
        return before if capture is None or name is None else {**before, name: capture(event.view)}

    def _match(self, track: Chain) -> Sequence[Served]:
        found = [Served(track.steps, track.captured)]
        track.steps = []
        return found

    def _run(self, track: Chain) -> Run:
        steps = track.steps
        lists = [[seen] for seen in steps] + [NO_EVENTS] * (self._length - len(steps))
        return Run(lists, len(steps), steps[0].time, steps[-1].time, dict(track.captured))
