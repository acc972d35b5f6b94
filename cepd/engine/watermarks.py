"""The watermark: event time up to which the rules wait for nothing more.

Kept per input. The watermark of one is min(highest event time seen, clock of its latest row) - lateness; the rules go
by the least of those inputs that are not idle. An input is idle once it has sent nothing for 30 s. While all are idle
the watermark moves on by elapsed clock from where it stood. Once an input was seen it never goes back. Of cepd's
own happenings none is kept: see `cepd.engine.course`.
"""

from collections.abc import Iterable

import msgspec

from cepd.model.duration import SECOND, Span
from cepd.model.instant import Instant

IDLE_AFTER: Span = 30 * SECOND

NOTHING_YET: Instant = -(1 << 62)
"""Of an input whose first event is still to be read: before every time."""


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
        before = self.at
        found, limit = self.begin_row(name)
        if time > found.highest:
            self.rise(found, time, limit)
        return self.at > before

    def begin_row(self, name: str) -> tuple[Input, Instant]:
        """Events come through an input at the clock, at least one. Gives the input, and how far its events can lead:
        the time at which other inputs, or the clock, hold the watermark back.

        Both hold as long as the clock stands. Of these events, one whose time is not above `highest` changes nothing,
        and of any other `rise` is to be told.
        """
        limit = clock = self.clock
        found = self.inputs.get(name)
        if found is None:
            found = self.inputs[name] = Input(NOTHING_YET, clock)
        else:
            found.seen = clock
        for other in self.inputs.values():
            if other is not found and other.seen + IDLE_AFTER > clock:
                limit = min(limit, other.highest, other.seen)
        self.at = max(self.at, min(found.highest, limit) - self.lateness)
        return found, limit

    def highest(self, name: str) -> Instant:
        """The highest event time that came through an input; before every time where none did."""
        found = self.inputs.get(name)
        return NOTHING_YET if found is None else found.highest

    def alone(self, found: Input) -> bool:
        """Whether no other input is awake at the clock."""
        return all(other is found or other.seen + IDLE_AFTER <= self.clock for other in self.inputs.values())

    def rise(self, found: Input, time: Instant, limit: Instant) -> None:
        """Takes in a time above the input's highest; both others as `begin_row` gave them."""
        found.highest = time
        mark = (time if time < limit else limit) - self.lateness
        if mark > self.at:
            self.at = mark

    def stands_until(self, clock: Instant) -> bool:
        """Whether no input goes idle, and so `at` stays where it is, up to that clock if no event comes."""
        for found in self.inputs.values():
            if found.seen + IDLE_AFTER <= clock:
                return False
        return bool(self.inputs)

    def advance(self, clock: Instant) -> None:
        """Moves on to a clock that is not before its own, without events."""
        if clock == self.clock:
            return
        if not self.stands_until(clock):
            idle = self._idle_from()
            if clock < idle:
                self.at = max(self.at, self._least(self._awake(clock)))
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
            self.at = max(self.at, self._least(awake))
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
