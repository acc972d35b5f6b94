"""What waits for a point in time: two wheels, one by the watermark, one by the clock for rules of `time: arrival`."""

from collections.abc import Iterable
from enum import IntEnum
from heapq import heapify, heappop, heappush

import msgspec

from cepd.engine.watermarks import Watermark
from cepd.model.duration import SECOND
from cepd.model.instant import Instant


class Kind(IntEnum):
    """What falls due; of one rule at one time in this order."""

    UNIT = 0
    """Something of a unit."""
    SILENCE = 1
    """`resolve: {after}` of an open episode."""
    SUPPRESS = 2
    """The end of a suppress window."""
    MINUTE = 3
    """The end of a storm minute."""


class Deadline(msgspec.Struct, frozen=True, order=True, gc=False):
    at: Instant
    kind: Kind
    owner: int
    """Place of the unit, or of the rule, in the program."""
    key: str
    """Text of the key; empty where there is none."""
    start: Instant
    """Start of what ends."""


SPARE = 10_000
"""Entries that may always wait in vain."""

NEVER: Instant = 1 << 62
"""Later than every deadline."""


class Wheel:
    """Deadlines by the second they are in: an entry costs the same however many wait (measured: a fifth of a heap's
    with a hundred thousand). Only the second whose turn it is gets ordered, to the microsecond."""

    def __init__(self) -> None:
        self.first = NEVER
        """`at` of the first of all."""
        self.length = 0
        self._slots: dict[int, list[Deadline]] = {}
        self._seconds: list[int] = []
        """A heap of those that have a slot."""
        self._ordered = -1
        """The second whose slot is a heap."""

    def add(self, deadline: Deadline) -> None:
        at = deadline.at
        second = at // SECOND
        slot = self._slots.get(second)
        if slot is None:
            self._slots[second] = [deadline]
            heappush(self._seconds, second)
        elif second == self._ordered:
            heappush(slot, deadline)
        else:
            slot.append(deadline)
        self.length += 1
        if at < self.first:
            self.first = at

    def pop(self) -> list[Deadline]:
        """Takes off all that have the first deadline, in order. There is one."""
        if self._ordered != self._seconds[0]:
            self._order()
        slot = self._slots[self._ordered]
        found = [heappop(slot)]
        while slot and slot[0].at == self.first:
            found.append(heappop(slot))
        self.length -= len(found)
        if slot:
            self.first = slot[0].at
        else:
            del self._slots[heappop(self._seconds)]
            self._order()
        return found

    def _order(self) -> None:
        """Another second is the first."""
        if not self._seconds:
            self.first = NEVER
            return
        self._ordered = self._seconds[0]
        slot = self._slots[self._ordered]
        heapify(slot)
        self.first = slot[0].at


class Timers:
    """Entries are never taken back: whoever made one looks, when it comes up, whether it still holds. Those that hold
    no more go when there are too many of them: see `crowded`."""

    def __init__(self, pending: Iterable[tuple[Deadline, bool]] = ()) -> None:
        """`pending`: deadlines that hold, each with whether it goes by the clock."""
        self._by_watermark = Wheel()
        self._by_clock = Wheel()
        self.mark = NEVER
        """Nothing that goes by the watermark is due while it is below."""
        self.clock = NEVER
        """Nothing that goes by the clock is due while it is below."""
        for deadline, by_clock in pending:
            self.add(deadline, by_clock=by_clock)
        self._most = 2 * len(self) + SPARE

    def __len__(self) -> int:
        return self._by_watermark.length + self._by_clock.length

    @property
    def crowded(self) -> bool:
        """Whether more than half may be entries that hold no more: time to begin anew with those that do."""
        return len(self) > self._most

    def add(self, deadline: Deadline, *, by_clock: bool) -> None:
        if by_clock:
            self._by_clock.add(deadline)
            self.clock = self._by_clock.first
        else:
            self._by_watermark.add(deadline)
            self.mark = self._by_watermark.first

    def first_clock(self, watermark: Watermark) -> Instant | None:
        """The clock at which the first of all is due if no event comes."""
        due, _ = min(self._firsts(watermark))
        return None if due == NEVER else due

    def pop_due(self, watermark: Watermark, clock: Instant) -> tuple[Instant, list[Deadline]] | None:
        """Takes off all that have the first deadline, if that is due by `clock`, with the clock at which it is."""
        if self.quiet(watermark, clock) and (clock == watermark.clock or watermark.stands_until(clock)):
            return None
        by_mark, by_clock = self._firsts(watermark)
        first = min(by_mark, by_clock)
        if first[0] > clock:
            return None
        found: list[Deadline] = []
        if by_mark == first:
            found += self._by_watermark.pop()
            self.mark = self._by_watermark.first
        if by_clock == first:
            found += self._by_clock.pop()
            self.clock = self._by_clock.first
        return first[0], list(dict.fromkeys(found)) if len(found) > 1 else found

    def quiet(self, watermark: Watermark, clock: Instant) -> bool:
        """Whether nothing is due by `clock`, while the watermark stands where it is."""
        return watermark.at < self.mark and clock < self.clock

    def _firsts(self, watermark: Watermark) -> tuple[tuple[Instant, Instant], tuple[Instant, Instant]]:
        """Of each wheel the clock at which its first is due, and that first; `NEVER` where it is empty."""
        by_mark = NEVER if self.mark == NEVER else watermark.reaches(self.mark)
        return (by_mark, self.mark), (max(self.clock, watermark.clock), self.clock)
