"""How many events there are; with a field, how many of them have it. A field that holds null is there."""

from collections.abc import Iterable

import msgspec

from cepd.engine.column import Add, Exact, Reader
from cepd.engine.paths import MISSING, Missing
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate


class Column(Exact):
    counts: list[int] = msgspec.field(default_factory=list)

    def grow(self) -> None:
        self.counts.append(0)

    def adder(self, read: Reader) -> Add:
        counts = self.counts

        def add(slot: int, event: object, order: int) -> bool:
            if read(event) is MISSING:
                return False
            counts[slot] += 1
            return True

        return add

    def merge(self, slot: int, other: "Column", its: int) -> None:
        self.counts[slot] += other.counts[its]

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        return self.counts[slot]

    def numbers(self, count: int, aggregate: Aggregate, span: Span) -> Iterable[Json | Missing]:
        return self.counts
