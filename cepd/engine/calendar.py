"""Windows that begin with hours, days or weeks of a zone's calendar.

A boundary is the first instant at which the zone's clock shows the boundary's local time or a later one. So a day
without midnight begins when the clock jumps over it, and one with two midnights at the first of them; the day, or the
part of a day, in which a clock is set forward or back is shorter or longer by that. Nothing here reads time; the
zone's rules are read once, when a calendar is made.
"""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from cepd.model.duration import DAY, HOUR, Span, format_duration
from cepd.model.instant import Instant

_WEEK = 7 * DAY
_SIZES: tuple[Span, ...] = (*(hours * HOUR for hours in (1, 2, 3, 4, 6, 8, 12)), DAY, _WEEK)
_MONDAY = 4 * DAY
"""The first Monday of the local calendar counted from 1970-01-01; weeks begin there."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST = (datetime(1, 1, 2, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LATEST = (datetime(9999, 12, 30, tzinfo=UTC) - _EPOCH) // _MICROSECOND
"""Beyond these two, datetime ends; a zone's offset is taken to stay what it is there."""


def calendar_fault(size: Span) -> str | None:
    """Why windows of a calendar cannot have this size, in words; None where they can."""
    if size in _SIZES:
        return None
    return f"{format_duration(size)} is no size of a calendar's windows: 1h, 2h, 3h, 4h, 6h, 8h, 12h, 1d and 7d are"


class Calendar:
    """The calendar of a zone, cut into windows of one size. `timezone` None: UTC. The size has no `calendar_fault`;
    a zone that is not known raises `zoneinfo.ZoneInfoNotFoundError`."""

    def __init__(self, size: Span, timezone: str | None) -> None:
        self._size = size
        self._zone: tzinfo = UTC if timezone is None else ZoneInfo(timezone)
        self._last: tuple[Instant, Instant] = (0, 0)

    def bounds(self, time: Instant) -> tuple[Instant, Instant]:
        """`(start, end)` of the window that holds the time."""
        if not self._last[0] <= time < self._last[1]:
            self._last = self._find(time)
        return self._last

    def _find(self, time: Instant) -> tuple[Instant, Instant]:
        local = self._wall(time)
        local -= (local - _MONDAY) % self._size
        start, end = self._first(local), self._first(local + self._size)
        while end <= time:  # the clock was set back over the boundary: it shows times before it again
            local += self._size
            start, end = end, self._first(local + self._size)
        return start, end

    def _wall(self, time: Instant) -> Instant:
        """What the zone's clock shows, as microseconds from 1970-01-01T00:00:00 of its own calendar."""
        moment = _EPOCH + _MICROSECOND * _within(time)
        return time + _span(moment.astimezone(self._zone))

    def _first(self, local: Instant) -> Instant:
        """The first instant at which the clock shows the local time or a later one."""
        naive = (_EPOCH + _MICROSECOND * _within(local)).replace(tzinfo=self._zone)
        early, late = sorted(local - _span(naive.replace(fold=fold)) for fold in (0, 1))
        if self._wall(early) >= local:
            return early
        while late - early > 1:  # the clock jumps over the local time, somewhere between the two
            middle = (early + late) // 2
            early, late = (early, middle) if self._wall(middle) >= local else (middle, late)
        return late


def _within(time: Instant) -> Instant:
    return max(_EARLIEST, min(time, _LATEST))


def _span(moment: datetime) -> Span:
    """The offset from UTC that is in force."""
    offset = moment.utcoffset()
    assert offset is not None
    return offset // _MICROSECOND
