"""The rows that the engine applies. Each carries its clock; nothing else can change the engine's state."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

from cepd.model.event import Event
from cepd.model.instant import Instant

if TYPE_CHECKING:
    from cepd.engine.program import Program


class Batch(msgspec.Struct, frozen=True):
    """Events that came through one input, in order."""

    clock: Instant
    input: str
    events: Sequence[Event]


class Lines(msgspec.Struct, frozen=True):
    """Accepted lines that came through one input, as they came: JSON objects joined by newlines, one at least. `source`
    is that of events that name none; `origin` and the running numbers from `first` on identify those without an id."""

    clock: Instant
    input: str
    body: bytes
    source: str
    origin: str
    first: int


class Recorded(msgspec.Struct, frozen=True):
    """Lines of a recording that holds nothing but events: each is a row of its own, at the highest event time so far,
    and none is in the future. All sequences are of one length; `clock` is that of the first line."""

    clock: Instant
    input: str
    lines: Sequence[bytes]
    views: Sequence[Any]
    """What the running program's projection reads of the lines."""
    times: Sequence[Instant]
    """A line without a time has that of the clock."""
    clocks: Sequence[Instant]
    """The highest time up to each line."""
    numbers: Sequence[int]
    source: str


class Target(msgspec.Struct, frozen=True):
    """One event for one rule alone: a manual trigger, a chained rule, `simulate --payload`."""

    clock: Instant
    rule_id: str
    event: Event


class Tick(msgspec.Struct, frozen=True):
    """Time passed."""

    clock: Instant


class Swap(msgspec.Struct, frozen=True):
    """Another program runs from here on."""

    clock: Instant
    program: "Program"


class Resume(msgspec.Struct, frozen=True):
    """The daemon started again; the time since the row before it was downtime."""

    clock: Instant


class Reset(msgspec.Struct, frozen=True):
    """Somebody asked to forget the anomaly baseline of one key of a rule; it warms up again."""

    clock: Instant
    rule_id: str
    key: str
    """The key's text."""


class Disable(msgspec.Struct, frozen=True):
    """Somebody disabled a rule, which need not be there, until a clock."""

    clock: Instant
    rule_id: str
    until: Instant
    by: str
    reason: str


class Enable(msgspec.Struct, frozen=True):
    """Somebody ended that before its time."""

    clock: Instant
    rule_id: str


Row: TypeAlias = Batch | Lines | Recorded | Target | Tick | Swap | Resume | Reset | Disable | Enable
