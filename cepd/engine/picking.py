"""Columns that pick one value as it came: by what it is (`min`, `max`), or by when it came (`first`, `last`)."""

from abc import abstractmethod

import msgspec

from cepd.engine.arrays import Ints, ints
from cepd.engine.column import Exact
from cepd.engine.paths import MISSING, Missing
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate


class ByValue(Exact):
    """Numbers alone; integers of any size compare exactly. Of equal ones the first stays."""

    found: list[int | float | None] = msgspec.field(default_factory=list)

    @abstractmethod
    def beats(self, value: float, best: float) -> bool:
        """Whether a number is picked instead of the one that was."""

    def grow(self) -> None:
        self.found.append(None)

    def add(self, slot: int, value: Json | Missing, order: int) -> bool:
        if value.__class__ is not int and value.__class__ is not float:
            return False
        best = self.found[slot]
        if best is None or self.beats(value, best):
            self.found[slot] = value
        return True

    def merge(self, slot: int, other: "ByValue", its: int) -> None:
        self.add(slot, other.found[its], 0)

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        best = self.found[slot]
        return MISSING if best is None else best


class ByOrder(Exact):
    """Any JSON value, null included, by its place in the journal."""

    values: list[Json] = msgspec.field(default_factory=list)
    orders: Ints = msgspec.field(default_factory=ints)
    """-1: there is no value yet."""

    @abstractmethod
    def beats(self, order: int, held: int) -> bool:
        """Whether a value of that order is picked instead of the one that was."""

    def grow(self) -> None:
        self.values.append(None)
        self.orders.append(-1)

    def add(self, slot: int, value: Json | Missing, order: int) -> bool:
        if value is MISSING:
            return False
        held = self.orders[slot]
        if held < 0 or self.beats(order, held):
            self.values[slot] = value
            self.orders[slot] = order
        return True

    def merge(self, slot: int, other: "ByOrder", its: int) -> None:
        if other.orders[its] >= 0:
            self.add(slot, other.values[its], other.orders[its])

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        return MISSING if self.orders[slot] < 0 else self.values[slot]
