"""The watermark: event time up to which the rules wait for nothing more.

Kept per input. The watermark of one is min(highest event time seen, clock of its latest row) - lateness; the rules go
by the least of those inputs that are not idle. An input is idle once it has sent nothing for 30 s. While all are idle
the watermark moves on by elapsed clock from where it stood. Once an input was seen it never goes back.
"""

from collections.abc import Iterable

import msgspec

from cepd.model.duration import SECOND, Span
from cepd.model.instant import Instant

IDLE_AFTER: Span = 30 * SECOND


class Input(msgspec.Struct):
    highest: Instant
    """Highest event time seen."""
    seen: Instant
    """Clock of its latest row."""


class Watermark(msgspec.Struct):
    """`at` is the watermark, `clock` the engine's clock, `began` the clock of the first row.

    Before any input was seen it counts as idle from the first row on.
    """

    lateness: Span
    at: Instant
    clock: Instant
    began: Instant
    inputs: dict[str, Input] = msgspec.field(default_factory=dict)

    @classmethod
    def begin(cls, clock: Instant, lateness: Span) -> "Watermark":
        """The watermark at the first row of all."""
        return cls(lateness=lateness, at=clock - lateness, clock=clock, began=clock)

    def observe(self, name: str, time: Instant) -> bool:
        """Takes in the time of an event that came through an input at the clock; tells whether `at` moved."""
        found = self.inputs.get(name)
        if found is None:
            self.inputs[name] = Input(time, self.clock)
        elif time > found.highest or found.seen != self.clock:
            found.highest = max(time, found.highest)
            found.seen = self.clock
        else:
            return False
        return self._rise(self._least(self._awake(self.clock)))

    def stands_until(self, clock: Instant) -> bool:
        """Whether no input goes idle, and so `at` stays where it is, up to that clock if no event comes."""
        return bool(self.inputs) and clock < min(found.seen for found in self.inputs.values()) + IDLE_AFTER

    def advance(self, clock: Instant) -> None:
        """Moves on to a clock that is not before its own, without events."""
        idle = self._idle_from()
        if clock < idle:
            if not self.stands_until(clock):
                self._rise(self._least(self._awake(clock)))
        else:
            self.at = self._at_idle(idle) + clock - max(idle, self.clock)
        self.clock = clock

    def reaches(self, deadline: Instant) -> Instant:
        """The earliest clock, from now on, at which `at` is not below `deadline` if no event comes."""
        if self.at >= deadline:
            return self.clock
        for asleep in sorted({found.seen + IDLE_AFTER for found in self._awake(self.clock)})[:-1]:
            if self._least(self._awake(asleep)) >= deadline:
                return asleep
        idle = self._idle_from()
        return max(idle, self.clock) + max(0, deadline - self._at_idle(idle))

    def relate(self, lateness: Span) -> None:
        """Goes by another lateness from here on; before any input was seen, as if it always had."""
        self.lateness = lateness
        awake = self._awake(self.clock)
        if awake:
            self._rise(self._least(awake))
        elif not self.inputs:
            self.at = self.clock - lateness

    def _awake(self, clock: Instant) -> list[Input]:
        return [found for found in self.inputs.values() if found.seen + IDLE_AFTER > clock]

    def _idle_from(self) -> Instant:
        """The clock at which the last input goes idle if no event comes."""
        if not self.inputs:
            return self.began
        return max(found.seen for found in self.inputs.values()) + IDLE_AFTER

    def _at_idle(self, idle: Instant) -> Instant:
        """Where the watermark stands when the last inputs go idle; where it stands now if they have."""
        if self.clock >= idle:
            return self.at
        latest = [found for found in self.inputs.values() if found.seen + IDLE_AFTER == idle]
        return max(self.at, self._least(latest))

    def _least(self, inputs: Iterable[Input]) -> Instant:
        return min(min(found.highest, found.seen) for found in inputs) - self.lateness

    def _rise(self, mark: Instant) -> bool:
        if mark <= self.at:
            return False
        self.at = mark
        return True
