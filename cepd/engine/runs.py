"""A run: the events of one key that serve the steps of a sequence so far.

A run keeps ids, identities and times of its events, and the values that conditions and texts name; never events.
"""

from bisect import insort
from collections.abc import Iterator
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
    `steps.Captured`. `carried`: what the newest event to join carries."""

    steps: list[list[Seen]]
    captured: dict[str, dict[str, Json]] = msgspec.field(default_factory=dict)
    carried: dict[str, Json] = msgspec.field(default_factory=dict)

    @property
    def first(self) -> Instant:
        """Time of the oldest event; the run must not be empty."""
        return min(step[0].time for step in self.steps if step)

    @property
    def last(self) -> Instant:
        """Time of the newest event, likewise."""
        return max(step[-1].time for step in self.steps if step)

    def put(self, pattern: Pattern, place: int, event: Event, time: Instant, kept: Kept) -> None:
        """The event serves a stage that is not full."""
        stage, step = pattern.stages[place], self.steps[place]
        insort(step, Seen(time, event.id, event.identity), key=_TIME)
        if stage.id in kept.paths and len(step) == stage.count:
            self.captured[stage.id] = excerpt(event.fields, kept.paths[stage.id])
        self.carried = carried(event.fields, kept.names)

    def shed(self, pattern: Pattern, place: int) -> None:
        """Forgets the oldest event of a stage, and what depends on the stage."""
        stage = pattern.stages[place]
        del self.steps[place][0]
        for dependent in stage.dependents:
            self.steps[dependent].clear()
        undone = {stage.id, *(pattern.stages[dependent].id for dependent in stage.dependents)}
        self.captured = {name: values for name, values in self.captured.items() if name not in undone}

    def prune(self, pattern: Pattern, oldest: Instant) -> None:
        """Forgets all events before a time, and what depends on them."""
        for place, step in enumerate(self.steps):
            while step and step[0].time < oldest:
                self.shed(pattern, place)

    def unfilled(self, pattern: Pattern) -> Iterator[int]:
        """Places of the stages that lack events, in written order."""
        return (place for place, step in enumerate(self.steps) if len(step) < pattern.stages[place].count)

    def full(self, pattern: Pattern) -> bool:
        return next(self.unfilled(pattern), None) is None

    def kills(self, pattern: Pattern, event: Event, time: Instant) -> bool:
        """Whether the event is one that must not come where the run stands."""
        guards = pattern.guards[next(self.unfilled(pattern), len(self.steps))]
        if not guards or not self.last <= time <= self.first + pattern.within:
            return False
        return any(guard(event, self.captured) for guard in guards)

    def wants(self, pattern: Pattern, event: Event) -> int | None:
        """The stage that the event may serve next, whatever its time."""
        for place in self.unfilled(pattern):
            if pattern.stages[place].takes(event, self.captured):
                return place
            if pattern.strict:
                return None
        return None

    def fits(self, pattern: Pattern, time: Instant) -> bool:
        """Whether an event of that time may join: within the span, and in a strict order not before the newest."""
        first, last = self.first, self.last
        if pattern.strict and time < last:
            return False
        return max(last, time) - min(first, time) <= pattern.within

    def events(self) -> list[Seen]:
        """All events in order of time; of equal times in order of the steps."""
        return sorted((seen for step in self.steps for seen in step), key=_TIME)

    def steps_seen(self, pattern: Pattern) -> tuple[StepSeen, ...]:
        return tuple(
            StepSeen(id=stage.name, first=step[0].time, last=step[-1].time, event_ids=tuple(seen.id for seen in step))
            for stage, step in zip(pattern.stages, self.steps, strict=True)
        )


def new_run(pattern: Pattern) -> Run:
    return Run([[] for _ in pattern.stages])
