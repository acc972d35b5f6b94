"""A column: one aggregate of a window, for all keys of it, one slot a key.

Columns keep a window with a million keys small: no object per key, numbers in arrays, and the window is dropped
whole. Each aggregate is one module of `cepd.engine.aggregates`, named as `fn` says it, whose class `Column` fulfils
the protocol. Nothing is ever subtracted.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any, Protocol, Self, TypeAlias

import msgspec

from cepd.engine.paths import Missing, read_member
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate

Reader: TypeAlias = Callable[[Any], Json | Missing]

Add: TypeAlias = Callable[[int, Any, int], bool]
"""(slot, event, order): takes in what the aggregate's `reader` finds in one event, or its view. False where that is
nothing that the aggregate can use; it then stays as it was. `order` is not negative and rises with each event of the
unit, in journal order."""


AddAll: TypeAlias = Callable[[Sequence[int], Sequence[Any], int], int]
"""(slots, events, order): as `Add` of each event into its slot, the order rising from the given one. How many the
aggregate could not use."""


class Column(Protocol):
    """A msgspec Struct: its fields are its state. Arrays of it are encoded by the hooks of `cepd.engine.arrays`."""

    def grow(self) -> None:
        """One more slot, without values."""

    def adder(self, read: Reader) -> Add:
        """A function with this column's state at hand, so that an event looks nothing up; good for as long as the
        column is."""

    def adder_of_all(self, read: Reader) -> AddAll:
        """As `adder`, for many events at once."""

    def starter(self, read: Reader) -> Add:
        """As `adder`, for a slot that is not there yet: it is the next one, which this makes."""

    def starter_of_all(self, read: Reader) -> AddAll:
        """As `starter`, for many events at once, which each begin a slot."""

    def add(self, slot: int, value: Json | Missing, order: int) -> bool:
        """As `Add`, of a value that was read already."""

    def merge(self, slot: int, other: Self, its: int) -> None:
        """Takes in all that a slot of another column of the same aggregate holds."""

    def absorb(self, slots: Sequence[int], other: Self, begin: int = 0) -> None:
        """Merges slots of another column, from `begin` on as many as `slots` names the slots for, in order."""

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        """The aggregate now; `MISSING` where the values give none. `span` is the window's length in microseconds."""

    def numbers(self, count: int, aggregate: Aggregate, span: Span) -> Iterable[Json | Missing]:
        """What `value` gives for the first `count` slots, to find those that may cross a threshold. Where `value`
        gives none it may also be infinite or NaN."""

    def approximate(self, slot: int) -> bool:
        """Whether `value` is an estimate: there were more values than are kept one by one."""


class Slots(msgspec.Struct):
    """Base of columns: what follows from their `grow`, `adder`, `merge` and `value`."""

    @abstractmethod
    def grow(self) -> None: ...

    @abstractmethod
    def adder(self, read: Reader) -> Add: ...

    @abstractmethod
    def merge(self, slot: int, other: Self, its: int) -> None: ...

    @abstractmethod
    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing: ...

    def adder_of_all(self, read: Reader) -> AddAll:
        return each(self.adder(read))

    def starter(self, read: Reader) -> Add:
        grow, add = self.grow, self.adder(read)

        def start(slot: int, event: Any, order: int) -> bool:
            grow()
            return add(slot, event, order)

        return start

    def starter_of_all(self, read: Reader) -> AddAll:
        return each(self.starter(read))

    def add(self, slot: int, value: Json | Missing, order: int) -> bool:
        return self.adder(_itself)(slot, value, order)

    def absorb(self, slots: Sequence[int], other: Self, begin: int = 0) -> None:
        merge = self.merge
        for its, slot in enumerate(slots, begin):
            merge(slot, other, its)

    def numbers(self, count: int, aggregate: Aggregate, span: Span) -> Iterable[Json | Missing]:
        value = self.value
        return (value(slot, aggregate, span) for slot in range(count))


class Exact(Slots):
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


def _itself(value: Any) -> Json | Missing:
    return value


def nowhere(slot: int, event: Any, order: int) -> bool:
    """The `Add` of no column."""
    return True


def together(adders: Sequence[Add]) -> Add:
    """One `Add` for several columns; False where one of them had no use for the event."""
    if len(adders) <= 1:
        return adders[0] if adders else nowhere

    def add(slot: int, event: Any, order: int) -> bool:
        usable = True
        for into in adders:
            if not into(slot, event, order):
                usable = False
        return usable

    return add


def new_column(aggregate: Aggregate) -> Column:
    """An empty column for an aggregate."""
    return column_type(aggregate)()


def column_type(aggregate: Aggregate) -> type[Column]:
    """The class of an aggregate's columns, to decode a saved one with."""
    found: type[Column] = import_module(f"cepd.engine.aggregates.{aggregate.fn}").Column
    return found


def each(add: Add) -> AddAll:
    """An `AddAll` that takes in one after the other."""

    def add_all(slots: Sequence[int], events: Sequence[Any], order: int) -> int:
        unusable = 0
        for at, (slot, event) in enumerate(zip(slots, events, strict=True), order):
            if not add(slot, event, at):
                unusable += 1
        return unusable

    return add_all
