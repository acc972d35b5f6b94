"""From the lines of a file of events to rows of the engine, as intake would judge each of them, many at once.

Lines that are no events and duplicates are counted and skipped. Time goes on with the events: a line arrives at the
highest event time so far, and one that says no time at that very clock.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, islice, repeat
from typing import TypeAlias, TypedDict

from cepd.engine.arrivals import arrival_times, read_view
from cepd.engine.program import Program
from cepd.engine.projection import View
from cepd.engine.rows import Recorded
from cepd.intake.horizon import Horizon
from cepd.intake.limits import DEFAULT_LIMITS
from cepd.intake.lines import BLANKS, all_within, mended, reason_against
from cepd.model.instant import Instant

AT_ONCE = 500
"""Lines in a row. More gain nothing, and firings come late."""

REJECTIONS_KEPT = 20

_NEVER: Instant = 1 << 62
"""In the place of a time that is not said: later than all that are."""


class Rejection(TypedDict):
    line: int
    reason: str


_Judged: TypeAlias = tuple[Sequence[bytes], Sequence[View], Sequence[int]]
"""Lines that are events, the views of them, their numbers."""


class RecordedLines:
    """What the lines so far were. `earliest` and `latest` are the times that they said."""

    def __init__(self, program: Program, source: str, start: Instant) -> None:
        """`source` is the input's name, and the source of events that name none; the clock begins at `start`."""
        self.clock = start
        self.events = self.rejected = self.duplicates = 0
        self.rejections: list[Rejection] = []
        self.earliest: Instant | None = None
        self.latest: Instant | None = None
        self._program = program
        self._source = source
        self._horizon = Horizon()

    def rows(self, lines: Iterable[bytes], at_once: int = AT_ONCE) -> Iterator[Recorded]:
        """The events, up to `at_once` lines in a row; a line's number is the event's."""
        rest, first = iter(lines), 1
        while some := list(islice(rest, at_once)):
            numbers: Sequence[int] = range(first, first + len(some))
            first += len(some)
            row = self._row(*self._judged(list(map(bytes.strip, some, repeat(BLANKS))), numbers))
            if row is not None:
                yield row

    def _judged(self, lines: list[bytes], numbers: Sequence[int]) -> _Judged:
        """The lines that are events, with their views and numbers."""
        text = b"\n".join(lines)
        whole = mended(text)
        if whole is not text:
            lines = whole.split(b"\n")
        try:
            if not text.isascii():
                text.decode()
            if all(lines) and all_within(DEFAULT_LIMITS, lines, whole):
                return lines, list(map(self._program.projection.decode, lines)), numbers
        except ValueError:
            return self._judged_singly(lines, numbers)
        return self._judged_singly(lines, numbers)

    def _judged_singly(self, lines: Sequence[bytes], numbers: Sequence[int]) -> _Judged:
        good = []
        for line, number in zip(lines, numbers, strict=True):
            reason = _utf8_fault(line) or reason_against(line, DEFAULT_LIMITS) if line else None
            if reason is not None:
                self._reject(number, reason)
            elif line:
                good.append((line, number))
        program = self._program
        views = [read_view(line, program.projection, program.counts) for line, _ in good]
        return [line for line, _ in good], views, [number for _, number in good]

    def _row(self, lines: Sequence[bytes], views: Sequence[View], numbers: Sequence[int]) -> Recorded | None:
        new = self._horizon.admit_all(lines, views, self._source)
        if len(new) < len(lines):
            self.duplicates += len(lines) - len(new)
            lines, views, numbers = _only(new, lines, views, numbers)
        if not lines:
            return None
        self.events += len(lines)
        times, clocks = self._times(views)
        return Recorded(clocks[0], self._source, lines, views, times, clocks, numbers, self._source)

    def _times(self, views: Sequence[View]) -> tuple[Sequence[Instant], Sequence[Instant]]:
        """When the events happened and when they arrived; the clock goes on."""
        times = arrival_times(views, _NEVER, self._program.counts)
        said = ordered = sorted(times)
        if ordered[-1] == _NEVER:
            said = ordered[: ordered.index(_NEVER)]
            self._fill_in(times)
        before = self.clock
        if said:
            self.span(said[0], said[-1])
            self.clock = max(before, said[-1])
        if ordered == times and times[0] >= before:
            return times, times
        return times, list(accumulate(times, max, initial=before))[1:]

    def _fill_in(self, times: list[Instant]) -> None:
        """Events that say no time happen at the clock."""
        clock = self.clock
        for place, time in enumerate(times):
            if time == _NEVER:
                times[place] = clock
            else:
                clock = max(clock, time)

    def span(self, earliest: Instant, latest: Instant) -> None:
        """Events happened between these."""
        self.earliest = earliest if self.earliest is None else min(self.earliest, earliest)
        self.latest = latest if self.latest is None else max(self.latest, latest)

    def _reject(self, number: int, reason: str) -> None:
        self.rejected += 1
        if len(self.rejections) < REJECTIONS_KEPT:
            self.rejections.append({"line": number, "reason": reason})


def _only(new: Sequence[bytes], lines: Sequence[bytes], views: Sequence[View], numbers: Sequence[int]) -> _Judged:
    """What belongs to the new lines: they are some of the lines, in order, each the very same object."""
    left = iter([*new, None])
    wanted = next(left)
    kept_views, kept_numbers = [], []
    for line, view, number in zip(lines, views, numbers, strict=True):
        if line is wanted:
            kept_views.append(view)
            kept_numbers.append(number)
            wanted = next(left)
    return list(new), kept_views, kept_numbers


def _utf8_fault(line: bytes) -> str | None:
    try:
        line.decode()
    except UnicodeDecodeError as error:
        return f"not UTF-8: byte {error.start + 1} is 0x{line[error.start]:02x}"
    return None
