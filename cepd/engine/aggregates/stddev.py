"""The sample standard deviation of a field's numbers; none for fewer than two.

Adds by Welford, merges by Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
variances" (1979): sums of squares lose all digits where the mean is large beside the spread.
"""

from math import isfinite, sqrt

import msgspec

from cepd.engine.arrays import Floats, floats
from cepd.engine.column import Add, Exact, Reader
from cepd.engine.numeric import computable
from cepd.engine.paths import MISSING, Missing
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate


class Column(Exact):
    counts: list[int] = msgspec.field(default_factory=list)
    means: Floats = msgspec.field(default_factory=floats)
    squares: Floats = msgspec.field(default_factory=floats)
    """Sum of the squared distances from the mean."""

    def grow(self) -> None:
        self.counts.append(0)
        self.means.append(0.0)
        self.squares.append(0.0)

    def adder(self, read: Reader) -> Add:
        counts, means, squares = self.counts, self.means, self.squares

        def add(slot: int, event: object, order: int) -> bool:
            number = computable(read(event))
            if number is None:
                return False
            count, mean = counts[slot] + 1, means[slot]
            distance = number - mean
            mean += distance / count
            counts[slot] = count
            means[slot] = mean
            squares[slot] += distance * (number - mean)
            return True

        return add

    def merge(self, slot: int, other: "Column", its: int) -> None:
        count, more = self.counts[slot], other.counts[its]
        if not more:
            return
        distance = other.means[its] - self.means[slot]
        share = more / (count + more)
        self.counts[slot] += more
        self.means[slot] += distance * share
        self.squares[slot] += other.squares[its] + distance * (distance * (count * share))

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        count, squares = self.counts[slot], self.squares[slot]
        return sqrt(squares / (count - 1)) if count > 1 and isfinite(squares) else MISSING
