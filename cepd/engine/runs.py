"""A run: the events of one key that serve the steps of a sequence so far.

A run keeps ids, identities and times of its events, and the values that conditions and texts name; never events.
"""

from bisect import insort
from operator import attrgetter

import msgspec

from cepd.engine.marks import carried
from cepd.engine.steps import Kept, Pattern, excerpt
from cepd.model.event import Event
from cepd.model.firing import StepSeen
from cepd.model.instant import Instant
from cepd.model.json import Json


class Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An event that serves a step."""

    time: Instant
    id: str
    identity: str


_TIME = attrgetter("time")


class Run(msgspec.Struct):
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

    def put(self, pattern: Pattern, place: int, event: Event, time: Instant, kept: Kept) -> None:
        """The event serves a stage that is not full."""
        stage, step = pattern.stages[place], self.steps[place]
        seen = Seen(time, event.id, event.identity)
        if time >= self.last:
            step.append(seen)
            self.last = time
        else:
            insort(step, seen, key=_TIME)
            self.first = min(self.first, time)
        if stage.id in kept.paths and len(step) == stage.count:
            self.captured[stage.id] = excerpt(event.fields, kept.paths[stage.id])
        if kept.names:
            self.carried = carried(event.fields, kept.names)
        if place == self.place:
            self._look(pattern, place)

    def shed(self, pattern: Pattern, place: int) -> None:
        """Forgets the oldest event of a stage, and what depends on the stage."""
        stage = pattern.stages[place]
        del self.steps[place][0]
        for dependent in stage.dependents:
            self.steps[dependent].clear()
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

    def kills(self, pattern: Pattern, event: Event, time: Instant) -> bool:
        """Whether the event is one that must not come where the run stands."""
        guards = pattern.guards[self.place]
        if not guards or not self.last <= time <= self.first + pattern.within:
            return False
        return any(guard(event, self.captured) for guard in guards)

    def wants(self, pattern: Pattern, event: Event) -> int | None:
        """The stage that the event may serve next, whatever its time: the first that lacks one and takes it; in a
        strict order the first that lacks one."""
        for place in range(self.place, self.place + 1 if pattern.strict and not self.full else len(self.steps)):
            stage = pattern.stages[place]
            if len(self.steps[place]) < stage.count and stage.takes(event, self.captured):
                return place
        return None

    def fits(self, pattern: Pattern, time: Instant) -> bool:
        """Whether an event of that time may join: within the span, and in a strict order not before the newest."""
        if time < self.last:
            return not pattern.strict and self.last - min(self.first, time) <= pattern.within
        return time - self.first <= pattern.within

    def events(self) -> list[Seen]:
        """All events in order of time; of equal times in order of the steps."""
        return sorted((seen for step in self.steps for seen in step), key=_TIME)

    def steps_seen(self, pattern: Pattern) -> tuple[StepSeen, ...]:
        return tuple(
            StepSeen(id=stage.name, first=step[0].time, last=step[-1].time, event_ids=tuple(seen.id for seen in step))
            for stage, step in zip(pattern.stages, self.steps, strict=True)
        )

    def _look(self, pattern: Pattern, place: int) -> None:
        """Finds the first stage that lacks events, from a place on."""
        while place < len(self.steps) and len(self.steps[place]) == pattern.stages[place].count:
            place += 1
        self.place = place


def new_run(pattern: Pattern, time: Instant) -> Run:
    """A run for an event of that time to join."""
    return Run([[] for _ in pattern.stages], 0, time, time)
