"""What waits for a point in time: two heaps, one by the watermark, one by the clock for rules of `time: arrival`."""

import heapq
from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from cepd.engine.watermarks import Watermark
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


class Deadline(NamedTuple):
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


class Timers:
    """Entries are never taken back: whoever made one looks, when it comes up, whether it still holds. Those that hold
    no more go when there are too many of them: see `crowded`."""

    def __init__(self, pending: Iterable[tuple[Deadline, bool]] = ()) -> None:
        """`pending`: deadlines that hold, each with whether it goes by the clock."""
        self._by_watermark: list[Deadline] = []
        self._by_clock: list[Deadline] = []
        for deadline, by_clock in pending:
            self.add(deadline, by_clock=by_clock)
        self._most = 2 * len(self) + SPARE

    def __len__(self) -> int:
        return len(self._by_watermark) + len(self._by_clock)

    @property
    def crowded(self) -> bool:
        """Whether more than half may be entries that hold no more: time to begin anew with those that do."""
        return len(self) > self._most

    def add(self, deadline: Deadline, *, by_clock: bool) -> None:
        heapq.heappush(self._by_clock if by_clock else self._by_watermark, deadline)

    def first_clock(self, watermark: Watermark) -> Instant | None:
        """The clock at which the first of all is due if no event comes."""
        return min((clock for clock, _ in self._firsts(watermark)), default=None)

    def pop_due(self, watermark: Watermark, clock: Instant) -> tuple[Instant, list[Deadline]] | None:
        """Takes off all that have the first deadline, if that is due by `clock`, with the clock at which it is."""
        firsts = self._firsts(watermark)
        first = min(((due, heap[0].at) for due, heap in firsts), default=None)
        if first is None or first[0] > clock:
            return None
        found: dict[Deadline, None] = {}
        for due, heap in firsts:
            while due == first[0] and heap and heap[0].at == first[1]:
                found[heapq.heappop(heap)] = None
        return first[0], list(found)

    def quiet(self, watermark: Watermark, clock: Instant) -> bool:
        """Whether nothing is due by `clock`, while the watermark stands where it is."""
        if self._by_clock and self._by_clock[0].at <= clock:
            return False
        return not self._by_watermark or self._by_watermark[0].at > watermark.at

    def _firsts(self, watermark: Watermark) -> list[tuple[Instant, list[Deadline]]]:
        firsts = []
        if self._by_watermark:
            firsts.append((watermark.reaches(self._by_watermark[0].at), self._by_watermark))
        if self._by_clock:
            firsts.append((max(self._by_clock[0].at, watermark.clock), self._by_clock))
        return firsts
