"""How many events there are; with a field, how many of them have it. A field that holds null is there."""

import msgspec

from cepd.engine.arrays import Ints, ints
from cepd.engine.column import Exact
from cepd.engine.paths import MISSING, Missing
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate


class Column(Exact):
    counts: Ints = msgspec.field(default_factory=ints)

    def grow(self) -> None:
        self.counts.append(0)

    def add(self, slot: int, value: Json | Missing, order: int) -> bool:
        if value is MISSING:
            return False
        self.counts[slot] += 1
        return True

    def merge(self, slot: int, other: "Column", its: int) -> None:
        self.counts[slot] += other.counts[its]

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        return self.counts[slot]
