"""What waits for a point in time: two heaps, one by the watermark, one by the clock for rules of `time: arrival`."""

import heapq
from typing import NamedTuple

from cepd.engine.watermarks import Watermark
from cepd.model.instant import Instant


class Deadline(NamedTuple):
    """The order of the fields is the order in which those due at one clock fire."""

    at: Instant
    position: int
    """Of the rule in the program."""
    key: str
    """Text of the key whose suppress window ends; empty: the end of a storm minute."""
    start: Instant
    """Start of that window or minute."""


class Timers:
    def __init__(self) -> None:
        self._by_watermark: list[Deadline] = []
        self._by_clock: list[Deadline] = []

    def add(self, deadline: Deadline, *, by_clock: bool) -> None:
        heapq.heappush(self._by_clock if by_clock else self._by_watermark, deadline)

    def first_clock(self, watermark: Watermark) -> Instant | None:
        """The clock at which the first of all is due if no event comes."""
        return min((clock for clock, _ in self._firsts(watermark)), default=None)

    def pop_due(self, watermark: Watermark, clock: Instant) -> tuple[Instant, Deadline] | None:
        """Takes off the first that is due by `clock`, with the clock at which it is."""
        firsts = self._firsts(watermark)
        due, heap = min(firsts, key=lambda found: (found[0], found[1][0]), default=(clock + 1, []))
        return (due, heapq.heappop(heap)) if due <= clock else None

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
            firsts.append((self._by_clock[0].at, self._by_clock))
        return firsts
