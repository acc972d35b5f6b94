"""Events per second of the window's length."""

from collections.abc import Iterable

from cepd.engine.aggregates import count
from cepd.engine.paths import MISSING, Missing
from cepd.model.duration import SECOND, Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate


class Column(count.Column):
    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        """No value over a session of one instant: it has no length."""
        return self.counts[slot] * SECOND / span if span else MISSING

    def numbers(self, count: int, aggregate: Aggregate, span: Span) -> Iterable[Json | Missing]:
        return [found * SECOND / span if span else MISSING for found in self.counts]
