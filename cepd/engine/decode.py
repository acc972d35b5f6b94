"""From accepted lines to events: the full decode of a line, and its envelope.

Intake has accepted the lines for good, so nothing here refuses one: a number that does not fit counts as missing.
"""

import msgspec

from cepd.model.duration import MINUTE, Span
from cepd.model.event import Event, complete, given_id, given_source, given_type
from cepd.model.instant import Instant, read_instant
from cepd.model.json import Json
from cepd.model.members import read_members

FARTHEST_FUTURE: Span = 5 * MINUTE
"""A time farther ahead of the arrival clock becomes the arrival clock."""


class DecodeCounts(msgspec.Struct):
    """What decoding had to put right."""

    future_times: int = 0
    unreadable_times: int = 0
    out_of_range: int = 0
    """Lines with a number that does not fit where rules name it."""
    undecodable: int = 0
    """Lines that do not decode at all: events without fields."""


def decode_fields(line: bytes, counts: DecodeCounts) -> dict[str, Json]:
    """The members of one JSON object. A member whose number does not fit is left out; in a list it is null."""
    fields, mended = read_members(line)
    if mended:
        setattr(counts, mended, getattr(counts, mended) + 1)
    return fields


def read_event(line: bytes, fields: dict[str, Json], time: Instant, *, source: str, origin: str, number: int) -> Event:
    """The event of one line. `fields` gets `type` and `source` of the envelope where the object has no such member.

    `source` is the source of events that name none; `origin` and `number` identify events without an id.
    """
    event_type = given_type(fields)
    event_source = given_source(fields, source)
    event_id = given_id(fields.get("id"))
    complete(fields, event_type, event_source)
    return Event(event_id, event_type, event_source, time, fields, line, origin, number)


def arrival_time(value: Json, clock: Instant, counts: DecodeCounts) -> Instant:
    """The time that an event says, which is null where it says none; the clock where it says none, where it cannot be
    read, or where it lies too far ahead."""
    if value is None:
        return clock
    time = read_instant(value)
    if time is None:
        counts.unreadable_times += 1
        return clock
    if time > clock + FARTHEST_FUTURE:
        counts.future_times += 1
        return clock
    return time
