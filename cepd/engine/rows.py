"""The rows that the engine applies. Each carries its clock; nothing else can change the engine's state."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

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


Row: TypeAlias = Batch | Target | Tick | Swap | Resume | Reset
