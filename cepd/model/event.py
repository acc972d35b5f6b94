"""An event, and how its envelope is read from plain JSON: id, type, source, time, severity.

Intake and engine both read envelopes and must agree to the letter, so the reading is here, once.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from cepd.model.instant import Instant, read_instant
from cepd.model.json import Json
from cepd.model.members import read_members

_EMPTY = hashlib.blake2b(digest_size=16)

TIME_FIELDS = ("time", "timestamp", "ts")
TYPE_FIELDS = ("type", "event_type")


class Happening(Protocol):
    """What the engine reads of an event while it deals with it; of `Event`, which may also be kept."""

    view: Any
    type: str | None
    time: Instant

    @property
    def given(self) -> str | None: ...

    @property
    def id(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def line(self) -> bytes: ...

    @property
    def identity(self) -> str: ...


class Event(msgspec.Struct, gc=False):
    """One accepted event as the engine sees it."""

    given: str | None
    """The sender's id as text."""
    type: str | None
    source: str
    time: Instant
    known: dict[str, Json] | None
    """The fields, once somebody asked for them."""
    line: bytes
    """The JSON object as it came, on one line."""
    origin: str
    number: int
    """With `origin` the identity of an event without an id: see `identity_of`."""
    view: Any = None
    """What the running program's rules name of it: see `cepd.engine.projection`."""

    @property
    def fields(self) -> dict[str, Json]:
        """All members of the object, with `type` and `source` of the envelope where it has none of its own. Decoded
        when asked for: only what fires needs it."""
        if self.known is None:
            self.known, _ = read_members(self.line)
            complete(self.known, self.type, self.source)
        return self.known

    @property
    def id(self) -> str:
        """The given id; where the sender gave none, `<origin>#<number>`."""
        return f"{self.origin}#{self.number}" if self.given is None else self.given

    @property
    def identity(self) -> str:
        """What makes it the same event again. Computed when asked for: only what fires needs it."""
        return identity_of(self.source, self.given, self.line, self.origin, self.number)


def complete(fields: dict[str, Json], event_type: str | None, source: str) -> None:
    """Gives the members `type` and `source` of the envelope where the object has no such member."""
    if event_type is not None:
        fields.setdefault("type", event_type)
    fields.setdefault("source", source)


def given_id(value: Json) -> str | None:
    """The sender's id as text: strings as they are, numbers and bools as their JSON text, other kinds are no id."""
    if value.__class__ is str:
        return value or None
    if value.__class__ is bool or value.__class__ is int or value.__class__ is float:
        return msgspec.json.encode(value).decode()
    return None


def given_type(fields: Mapping[str, Json]) -> str | None:
    """`type`, else `event_type`, where it is text."""
    for name in TYPE_FIELDS:
        value = fields.get(name)
        if value.__class__ is str:
            return str(value)
    return None


def given_source(fields: Mapping[str, Json], default: str) -> str:
    """`source` where it is non-empty text, else the input's or token's name."""
    value = fields.get("source")
    return value if value.__class__ is str and value else default


def said_time(fields: Mapping[str, Json]) -> Json:
    """The first of `time`, `timestamp`, `ts` that is there and not null; null where none is."""
    for name in TIME_FIELDS:
        value = fields.get(name)
        if value is not None:
            return value
    return None


def given_time(fields: Mapping[str, Json]) -> tuple[Instant | None, bool]:
    """(time, given): what `said_time` says. (None, True): something that cannot be read."""
    value = said_time(fields)
    return (None, False) if value is None else (read_instant(value), True)


def identity_of(source: str, event_id: str | None, line: bytes, origin: str, number: int) -> str:
    """The identity of an event: (source, id, digest of the line), or (origin, number) without a given id.

    The same id with other bytes is another event. `origin` is the journal's id (empty in simulate), `number` the
    running number of the event over the journal (in simulate: the line number of the input).
    """
    if event_id is None:
        return f"#{origin}#{number}"
    digest = _EMPTY.copy()  # a third less than to construct one
    digest.update(line)
    return f"{source}\x00{event_id}\x00{digest.hexdigest()}"
