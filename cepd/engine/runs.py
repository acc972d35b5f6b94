"""A run: the events of one key that serve the steps of a sequence so far.

A run keeps ids, identities and times of its events, and the values that conditions and texts name; never events.
"""

from bisect import insort
from operator import attrgetter
from typing import Protocol

import msgspec

from cepd.engine.identities import Identity, hold_identity, tell_identity
from cepd.engine.projection import View
from cepd.engine.steps import Captured, Kept, Pattern, Roles
from cepd.model.event import Happening
from cepd.model.firing import StepSeen
from cepd.model.instant import Instant
from cepd.model.json import Json


class Seen(msgspec.Struct, array_like=True, gc=False):
    """An event that serves a step."""

    time: Instant
    id: str
    identity: Identity

    def settle(self) -> str:
        """Its identity; from here on it holds no line."""
        identity = self.identity
        if identity.__class__ is not str:
            identity = self.identity = tell_identity(identity, self.id)
        return identity


def see(event: Happening, time: Instant, room: bool) -> Seen:
    """`time` is what the event has for the rule; `room` as in `hold_identity`."""
    return Seen(time, event.id, hold_identity(event, room))


NO_EVENTS: list[Seen] = []
"""The events of any stage that has none. Never changed."""

_TIME = attrgetter("time")


class Found(Protocol):
    """Events that serve all steps of a sequence."""

    @property
    def captured(self) -> Captured: ...

    @property
    def last(self) -> Instant:
        """Time of the newest."""

    def events(self) -> list[Seen]:
        """All of them in order of time; of equal times in order of the steps."""

    def steps_seen(self, pattern: Pattern) -> tuple[StepSeen, ...]: ...


class Run(msgspec.Struct, gc=False):
    """`steps[i]`: the events of stage i, oldest first; of equal times in journal order. `captured`: see
    `steps.Captured`. `carried`: what the event that joined last carries."""

    steps: list[list[Seen]]
    place: int
    """Of the first stage that lacks events; behind the last where none does."""
    first: Instant
    """Time of the oldest event, or of the one that is about to join an empty run."""
    last: Instant
    """Time of the newest, likewise."""
    captured: dict[str, dict[str, Json]] = msgspec.field(default_factory=dict)
    carried: dict[str, Json] = msgspec.field(default_factory=dict)

    @property
    def full(self) -> bool:
        return self.place == len(self.steps)

    def put(self, pattern: Pattern, place: int, seen: Seen, view: View, kept: Kept) -> None:
        """The event serves a stage that is not full."""
        stage, step, time = pattern.stages[place], self.steps[place], seen.time
        if not step:
            step = self.steps[place] = [seen]
        elif time >= self.last:
            step.append(seen)
        else:
            insort(step, seen, key=_TIME)
        if time >= self.last:
            self.last = time
        elif time < self.first:
            self.first = time
        if kept.carries is not None:
            self.carried = kept.carries(view)
        if len(step) == stage.count:
            capture = kept.captures[place]
            if capture is not None and stage.id is not None:
                self.captured[stage.id] = capture(view)
            if place == self.place:
                self._look(pattern, place + 1)

    def shed(self, pattern: Pattern, place: int) -> None:
        """Forgets the oldest event of a stage, and what depends on the stage."""
        stage = pattern.stages[place]
        del self.steps[place][0]
        for dependent in stage.dependents:
            self.steps[dependent] = NO_EVENTS
        if self.captured:
            undone = {stage.id, *(pattern.stages[dependent].id for dependent in stage.dependents)}
            self.captured = {name: values for name, values in self.captured.items() if name not in undone}
        left = [step for step in self.steps if step]
        if left:
            self.first, self.last = min(step[0].time for step in left), max(step[-1].time for step in left)
        self._look(pattern, 0)

    def prune(self, pattern: Pattern, oldest: Instant) -> None:
        """Forgets all events before a time, and what depends on them."""
        for place, step in enumerate(self.steps):
            while step and step[0].time < oldest:
                self.shed(pattern, place)

    def kills(self, pattern: Pattern, roles: Roles, view: View, time: Instant) -> bool:
        """Whether the event is one that must not come where the run stands."""
        guards = roles.guards[self.place]
        if not guards or not self.last <= time <= self.first + pattern.within:
            return False
        return any(guard is None or guard(view, self.captured) for guard in guards)

    def wants(self, pattern: Pattern, roles: Roles, view: View) -> int | None:
        """The stage that the event may serve next, whatever its time: the first that lacks one and takes it; in a
        strict order the first that lacks one."""
        for place, takes in roles.wanted[self.place]:
            lacks = place == self.place or len(self.steps[place]) < pattern.stages[place].count
            if lacks and (takes is None or takes(view, self.captured)):
                return place
        return None

    def fits(self, pattern: Pattern, time: Instant) -> bool:
        """Whether an event of that time may join: within the span, and in a strict order not before the newest."""
        if time < self.last:
            return not pattern.strict and self.last - min(self.first, time) <= pattern.within
        return time - self.first <= pattern.within

    def events(self) -> list[Seen]:
        """All events in order of time; of equal times in order of the steps."""
        return sorted([seen for step in self.steps for seen in step], key=_TIME)

    def settle(self) -> None:
        """From here on it holds no events."""
        for step in self.steps:
            for seen in step:
                seen.settle()

    def steps_seen(self, pattern: Pattern) -> tuple[StepSeen, ...]:
        seen = [
            StepSeen(stage.name, step[0].time, step[-1].time, tuple([one.id for one in step]))
            for stage, step in zip(pattern.stages, self.steps, strict=True)
        ]
        return tuple(seen)

    def _look(self, pattern: Pattern, place: int) -> None:
        """Finds the first stage that lacks events, from a place on."""
        while place < len(self.steps) and len(self.steps[place]) == pattern.stages[place].count:
            place += 1
        self.place = place


def new_run(pattern: Pattern, time: Instant) -> Run:
    """A run for an event of that time to join."""
    return Run([NO_EVENTS] * len(pattern.stages), 0, time, time)
