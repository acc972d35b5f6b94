"""A column: one aggregate of a window, for all keys of it, one slot a key.

Columns keep a window with a million keys small: no object per key, numbers in arrays, and the window is dropped
whole. Each aggregate is one module of `cepd.engine.aggregates`, named as `fn` says it, whose class `Column` fulfils
the protocol. Nothing is ever subtracted.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol, Self, TypeAlias

import msgspec

from cepd.engine.paths import Missing, read_member
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate

Reader: TypeAlias = Callable[[Any], Json | Missing]


class Column(Protocol):
    """A msgspec Struct: its fields are its state. Arrays of it are encoded by the hooks of `cepd.engine.arrays`."""

    def grow(self) -> None:
        """One more slot, without values."""

    def add(self, slot: int, value: Json | Missing, order: int) -> bool:
        """Takes in what the aggregate's `reader` found in one event. False where that is nothing that the aggregate
        can use; it then stays as it was. `order` is not negative and rises with each event of the unit, in journal
        order."""

    def merge(self, slot: int, other: Self, its: int) -> None:
        """Takes in all that a slot of another column of the same aggregate holds."""

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        """The aggregate now; `MISSING` where the values give none. `span` is the window's length in microseconds."""

    def approximate(self, slot: int) -> bool:
        """Whether `value` is an estimate: there were more values than are kept one by one."""


class Exact(msgspec.Struct):
    """Base of the columns that never estimate."""

    def approximate(self, slot: int) -> bool:
        return False


def reader(aggregate: Aggregate, field: Callable[[str], Reader] = read_member) -> Reader:
    """What of an event's fields a column of the aggregate takes in: the field's value, `MISSING` where the event has
    none. An aggregate without a field takes in the event itself, for which null stands. `field` makes the reader of a
    path: of an event's fields, or of a view."""
    return _nothing if aggregate.field is None else field(aggregate.field)


def _nothing(event: Any) -> None:
    return None


def new_column(aggregate: Aggregate) -> Column:
    """An empty column for an aggregate."""
    return column_type(aggregate)()


def column_type(aggregate: Aggregate) -> type[Column]:
    """The class of an aggregate's columns, to decode a saved one with."""
    found: type[Column] = import_module(f"cepd.engine.aggregates.{aggregate.fn}").Column
    return found
