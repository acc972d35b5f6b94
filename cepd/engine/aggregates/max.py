"""The largest of a field's numbers."""

from cepd.engine.picking import ByValue


class Column(ByValue):
    def beats(self, value: float, best: float) -> bool:
        return value > best
