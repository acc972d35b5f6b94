"""Columns that pick one value as it came: by what it is (`min`, `max`), or by when it came (`first`, `last`)."""

from collections.abc import Callable
from typing import Any, ClassVar, TypeAlias

import msgspec

from cepd.engine.arrays import Ints, ints
from cepd.engine.column import Add, Exact, Reader
from cepd.engine.paths import MISSING, Missing
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate

Beats: TypeAlias = Callable[[Any, Any], bool]


class ByValue(Exact):
    """Numbers alone; integers of any size compare exactly. Of equal ones the first stays."""

    beats: ClassVar[Beats]
    """Whether a number is picked instead of the one that was."""

    found: list[int | float | None] = msgspec.field(default_factory=list)

    def grow(self) -> None:
        self.found.append(None)

    def adder(self, read: Reader) -> Add:
        found, beats = self.found, self.__class__.beats

        def add(slot: int, event: object, order: int) -> bool:
            value = read(event)
            if value.__class__ is not float and value.__class__ is not int:
                return False
            best = found[slot]
            if best is None or beats(value, best):
                found[slot] = value
            return True

        return add

    def merge(self, slot: int, other: "ByValue", its: int) -> None:
        best, more = self.found[slot], other.found[its]
        if best is None or (more is not None and self.__class__.beats(more, best)):
            self.found[slot] = more

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        best = self.found[slot]
        return MISSING if best is None else best


class ByOrder(Exact):
    """Any JSON value, null included, by its place in the journal."""

    beats: ClassVar[Beats]
    """Whether a value of an order is picked instead of the one that was."""

    values: list[Json] = msgspec.field(default_factory=list)
    orders: Ints = msgspec.field(default_factory=ints)
    """-1: there is no value yet."""

    def grow(self) -> None:
        self.values.append(None)
        self.orders.append(-1)

    def adder(self, read: Reader) -> Add:
        values, orders, beats = self.values, self.orders, self.__class__.beats

        def add(slot: int, event: object, order: int) -> bool:
            value = read(event)
            if value is MISSING:
                return False
            held = orders[slot]
            if held < 0 or beats(order, held):
                values[slot] = value
                orders[slot] = order
            return True

        return add

    def merge(self, slot: int, other: "ByOrder", its: int) -> None:
        order, held = other.orders[its], self.orders[slot]
        if order >= 0 and (held < 0 or self.__class__.beats(order, held)):
            self.values[slot] = other.values[its]
            self.orders[slot] = order

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        return MISSING if self.orders[slot] < 0 else self.values[slot]
