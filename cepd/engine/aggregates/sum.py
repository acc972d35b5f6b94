"""The sum of a field's numbers: exact for integers, 0 for none."""

import msgspec

from cepd.engine.column import Add, Exact, Reader
from cepd.engine.numeric import computable
from cepd.engine.paths import MISSING, Missing
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate


class Column(Exact):
    sums: list[int | float | None] = msgspec.field(default_factory=list)
    """None: it grew larger than a float can hold, and has no value any more."""

    def grow(self) -> None:
        self.sums.append(0)

    def adder(self, read: Reader) -> Add:
        take_in = self._take_in

        def add(slot: int, event: object, order: int) -> bool:
            number = computable(read(event))
            if number is None:
                return False
            take_in(slot, number)
            return True

        return add

    def merge(self, slot: int, other: "Column", its: int) -> None:
        self._take_in(slot, other.sums[its])

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        found = self.sums[slot]
        return MISSING if found is None else found

    def _take_in(self, slot: int, number: int | float | None) -> None:
        so_far = self.sums[slot]
        self.sums[slot] = None if so_far is None or number is None else computable(so_far + number)
