"""Rows of events as the engine's loop takes them: of each a view and its times, and the whole event for who hears it.

Lines are decoded here, many at once; a line with a named number that does not fit is decoded in full, and mended.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from cepd.engine.decode import FARTHEST_FUTURE, DecodeCounts, arrival_time, decode_fields
from cepd.engine.paths import MISSING
from cepd.engine.projection import Projecting, View
from cepd.engine.rows import Lines, Recorded
from cepd.model.event import Event, Happening, given_id, identity_of
from cepd.model.instant import MILLISECONDS_ABOVE, Instant, read_instant


class Arrivals(Protocol):
    @property
    def views(self) -> Sequence[View]: ...

    @property
    def times(self) -> Sequence[Instant]:
        """Of the events, in the order of the views."""

    @property
    def clocks(self) -> Sequence[Instant]:
        """When they arrived; none before the one in front of it."""

    @property
    def source(self) -> str:
        """That of events that name none."""

    def id(self, place: int) -> str:
        """See `Event.id`."""

    def event(self, place: int, view: View, event_type: str | None, time: Instant) -> Event:
        """The event at a place, with what is known of it."""

    def current(self, shared: "Current") -> Happening:
        """What stands for each of the events in its turn, once it was moved there."""


class Current:
    """The event that the engine is at: one object for all of them, which reads of its row what it is asked for. Most
    events make nothing fire, and of most nobody wants to know their id or their line."""

    __slots__ = ("place", "row", "time", "type", "view")

    def __init__(self, row: "Decoded") -> None:
        self.row = row
        self.place = 0
        self.view: View = None
        self.type: str | None = None
        self.time: Instant = 0

    @property
    def given(self) -> str | None:
        found = self.view.id
        return found if found.__class__ is str and found else given_id(found)

    @property
    def id(self) -> str:
        found = self.view.id
        return found if found.__class__ is str and found else self.row.id(self.place)

    @property
    def source(self) -> str:
        found = self.view.source
        return found if found.__class__ is str and found else self.row.source

    @property
    def line(self) -> bytes:
        row = self.row
        return (row.lines or row.split())[self.place]

    @property
    def identity(self) -> str:
        row = self.row
        return identity_of(self.source, self.given, self.line, row.origin, row.numbers[self.place])


class Decoded(msgspec.Struct):
    """Lines whose views are known; `body` is split into them when one of them is asked for."""

    views: Sequence[View]
    times: Sequence[Instant]
    clocks: Sequence[Instant]
    source: str
    origin: str
    numbers: Sequence[int]
    body: bytes
    lines: Sequence[bytes] | None = None

    def split(self) -> Sequence[bytes]:
        """The lines."""
        if self.lines is None:
            self.lines = self.body.split(b"\n")
        return self.lines

    def id(self, place: int) -> str:
        return given_id(self.views[place].id) or f"{self.origin}#{self.numbers[place]}"

    def event(self, place: int, view: View, event_type: str | None, time: Instant) -> Event:
        source = source_of(view, self.source)
        number = self.numbers[place]
        return Event(given_id(view.id), event_type, source, time, None, self.split()[place], self.origin, number, view)

    def current(self, shared: Current) -> Current:
        shared.row = self
        return shared


NO_ROW = Decoded((), (), (), "", "", (), b"")


class Known(msgspec.Struct):
    """One event that was decoded before."""

    known: Event
    views: Sequence[View]
    times: Sequence[Instant]
    clocks: Sequence[Instant]
    source: str

    def id(self, place: int) -> str:
        return self.known.id

    def event(self, place: int, view: View, event_type: str | None, time: Instant) -> Event:
        return self.known

    def current(self, shared: Current) -> Event:
        return self.known


def of_known(event: Event, clock: Instant, projection: Projecting) -> Known:
    """The event gets a view of that projection."""
    event.view = projection.of(event.fields)
    return Known(event, (event.view,), (event.time,), (clock,), event.source)


def of_lines(row: Lines, projection: Projecting, counts: DecodeCounts) -> Decoded:
    views = read_views(row.body, projection, counts)
    complete_views(views, row.source, projection)
    clock, count = row.clock, len(views)
    times = arrival_times(views, clock, counts)
    numbers = range(row.first, row.first + count)
    return Decoded(views, times, (clock,) * count, row.source, row.origin, numbers, row.body)


def arrival_times(views: Sequence[View], clock: Instant, counts: DecodeCounts) -> list[Instant]:
    """When events of one clock happened: see `decode.arrival_time`. Most say so in the same plain way, which is read
    here without a call."""
    farthest = clock + FARTHEST_FUTURE
    times = []
    for view in views:
        value = view.time
        if value is MISSING or value is None:
            value = view.timestamp
            if value is MISSING or value is None:
                value = view.ts
                if value is MISSING:
                    value = None
        if value.__class__ is float and 0.0 <= value <= MILLISECONDS_ABOVE:
            time: Instant | None = round(value * 1e6)
        else:
            time = clock if value is None else read_instant(value)
        if time is None or time > farthest:
            time = arrival_time(value, clock, counts)
        times.append(time)
    return times


def of_recorded(row: Recorded, projection: Projecting) -> Decoded:
    complete_views(row.views, row.source, projection)
    return Decoded(row.views, row.times, row.clocks, row.source, "", row.numbers, b"", row.lines)


def read_views(body: bytes, projection: Projecting, counts: DecodeCounts) -> list[View]:
    """The views of accepted lines that are joined by newlines."""
    try:
        return projection.decode_lines(body)
    except ValueError:
        return [read_view(line, projection, counts) for line in body.split(b"\n")]


def read_view(line: bytes, projection: Projecting, counts: DecodeCounts) -> View:
    """The view of one accepted line."""
    try:
        return projection.decode(line)
    except ValueError:
        return projection.of(decode_fields(line, counts))


def complete_views(views: Sequence[View], source: str, projection: Projecting) -> None:
    """Where rules name `type` or `source`, what an event does not say of them is that of its envelope."""
    if "source" in projection.names:
        for view in views:
            if view.source is MISSING:
                view.source = source
    if "type" in projection.names:
        for view in views:
            if view.type is MISSING:
                view.type = view.event_type if view.event_type.__class__ is str else MISSING


def source_of(view: View, default: str) -> str:
    """`source` where it is text and not empty."""
    found = view.source
    return found if found.__class__ is str and found else default
