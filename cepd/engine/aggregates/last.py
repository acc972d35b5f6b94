"""The last value of a field in journal order: any JSON value, null included."""

import msgspec

from cepd.engine.arrays import Ints, ints
from cepd.engine.column import Exact
from cepd.engine.paths import MISSING, Missing
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate


class Column(Exact):
    values: list[Json] = msgspec.field(default_factory=list)
    orders: Ints = msgspec.field(default_factory=ints)
    """-1: there is no value yet."""

    def grow(self) -> None:
        self.values.append(None)
        self.orders.append(-1)

    def add(self, slot: int, value: Json | Missing, order: int) -> bool:
        if value is MISSING:
            return False
        held = self.orders[slot]
        if order > held:
            self.values[slot] = value
            self.orders[slot] = order
        return True

    def merge(self, slot: int, other: "Column", its: int) -> None:
        self.add(slot, other.values[its], other.orders[its])

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        return MISSING if self.orders[slot] < 0 else self.values[slot]
