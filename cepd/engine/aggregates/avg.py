"""The mean of a field's numbers: their sum as a float by how many there are."""

from math import isfinite

import msgspec

from cepd.engine.arrays import Floats, Ints, floats, ints
from cepd.engine.column import Exact
from cepd.engine.numeric import computable, whole
from cepd.engine.paths import MISSING, Missing
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate


class Column(Exact):
    sums: Floats = msgspec.field(default_factory=floats)
    counts: Ints = msgspec.field(default_factory=ints)

    def grow(self) -> None:
        self.sums.append(0.0)
        self.counts.append(0)

    def add(self, slot: int, value: Json | Missing, order: int) -> bool:
        number = computable(value)
        if number is None:
            return False
        self.sums[slot] += number
        self.counts[slot] += 1
        return True

    def merge(self, slot: int, other: "Column", its: int) -> None:
        self.sums[slot] += other.sums[its]
        self.counts[slot] += other.counts[its]

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        count, sum_ = self.counts[slot], self.sums[slot]
        return whole(sum_ / count) if count and isfinite(sum_) else MISSING
