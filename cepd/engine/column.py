"""A column: one aggregate of a window, for all keys of it, one slot a key.

Columns keep a window with a million keys small: no object per key, numbers in arrays, and the window is dropped
whole. Each aggregate is one module of `cepd.engine.aggregates`, named as `fn` says it, whose class `Column` fulfils
the protocol. Nothing is ever subtracted.
"""

from importlib import import_module
from typing import Protocol, Self

from cepd.engine.paths import Missing
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate


class Column(Protocol):
    """A msgspec Struct: its fields are its state. Arrays of it are encoded by the snapshot's hooks."""

    def grow(self) -> None:
        """One more slot, without values."""

    def add(self, slot: int, value: Json | Missing, order: int) -> None:
        """Takes in one event's value of the aggregate's field; `MISSING` where the event has none, and where the
        aggregate names no field. `order` rises with each event of the unit, in journal order."""

    def merge(self, slot: int, other: Self, its: int) -> None:
        """Takes in all that a slot of another column of the same aggregate holds."""

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        """The aggregate now; `MISSING` where the values give none. `span` is the window's length in microseconds."""


def new_column(aggregate: Aggregate) -> Column:
    """An empty column for an aggregate."""
    column: Column = _module(aggregate.fn).Column()
    return column


def column_type(aggregate: Aggregate) -> type[Column]:
    """The class of an aggregate's columns, to decode a saved one with."""
    found: type[Column] = _module(aggregate.fn).Column
    return found


def _module(fn: str):  # type: ignore[no-untyped-def]
    return import_module(f"cepd.engine.aggregates.{fn}")
