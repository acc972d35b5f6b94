"""The largest of a field's numbers, as it came: integers of any size compare exactly. Of equal ones the first."""

import msgspec

from cepd.engine.column import Exact
from cepd.engine.paths import MISSING, Missing
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate


class Column(Exact):
    found: list[int | float | None] = msgspec.field(default_factory=list)

    def grow(self) -> None:
        self.found.append(None)

    def add(self, slot: int, value: Json | Missing, order: int) -> bool:
        if value.__class__ is not int and value.__class__ is not float:
            return False
        best = self.found[slot]
        if best is None or value > best:
            self.found[slot] = value
        return True

    def merge(self, slot: int, other: "Column", its: int) -> None:
        self.add(slot, other.found[its], 0)

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        best = self.found[slot]
        return MISSING if best is None else best
