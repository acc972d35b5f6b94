"""The course of a row: where its events lead the watermark, and how far they go before anything falls due.

What one event does to the watermark follows from the times and clocks before it, so that nothing has to be done about
it event by event: a row is dealt with in stretches in which time passes and nothing else happens.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

from cepd.engine.timers import Timers
from cepd.engine.watermarks import IDLE_AFTER, NOTHING_YET, Input, Watermark
from cepd.model.happenings import OWN
from cepd.model.instant import Instant


class Course:
    """Of the events of one row, by their places, which came through one input."""

    def __init__(self, watermark: Watermark, name: str, times: Sequence[Instant], clocks: Sequence[Instant]) -> None:
        self._watermark = watermark
        self.is_own = name == OWN
        """Whether they are cepd's own happenings, which move no watermark: nobody has to wait for the next one."""
        self._name = name
        self._clocks = clocks
        if self.is_own:
            times = [NOTHING_YET] * len(times)
        self._highest = list(accumulate(times, max, initial=watermark.highest(name)))
        """Of the input, before each event, and after the last one."""

    def begin(self, place: int) -> None:
        """The event at a place comes, at the watermark's clock. All else is asked after this, of this place and of
        those behind it."""
        if self.is_own:
            self._input, self._limit = Input(NOTHING_YET, self._watermark.clock), self._watermark.clock
        else:
            self._input, self._limit = self._watermark.begin_row(self._name)
        self.reach(place)

    def reach(self, place: int) -> None:
        """The watermark moves on to where it is with that event."""
        watermark, found = self._watermark, self._input
        clock, time = self._clocks[place], self._highest[place + 1]
        if clock > watermark.clock:
            watermark.clock = found.seen = self._limit = clock
            watermark.rise(found, time, clock)
        elif time > found.highest:
            watermark.rise(found, time, self._limit)

    def stretch(self, place: int, timers: Timers) -> int:
        """Where the stretch ends that goes on at a place: at the first event with which something may be due, or for
        which the clock has to be advanced by itself."""
        watermark, clocks = self._watermark, self._clocks
        if watermark.at >= timers.mark or watermark.clock >= timers.clock:
            return place
        needed = timers.mark + watermark.lateness
        if clocks[-1] > watermark.clock and watermark.alone(self._input):
            due = max(bisect_left(clocks, needed), self._first_with(needed))
            return self._awake_until(place, max(place, min(due, bisect_left(clocks, timers.clock))))
        end = bisect_right(clocks, watermark.clock)
        return end if needed > self._limit else min(end, max(place, self._first_with(needed)))

    def _first_with(self, time: Instant) -> int:
        """The first event that comes when so late a time was seen."""
        return bisect_left(self._highest, time) - 1

    def _awake_until(self, place: int, end: int) -> int:
        """The first of these events before which the input goes idle; `end` where it does not."""
        clocks = (self._watermark.clock, *self._clocks[place:end])
        if clocks[-1] - clocks[0] >= IDLE_AFTER:
            for later, (before, after) in enumerate(pairwise(clocks), place):
                if after - before >= IDLE_AFTER:
                    return later
        return end
