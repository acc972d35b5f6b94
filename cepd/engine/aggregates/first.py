"""The first value of a field in journal order."""

from cepd.engine.picking import ByOrder


class Column(ByOrder):
    def beats(self, order: int, held: int) -> bool:
        return order < held
