"""Running means and variances: of the last values, and weighted towards the newest.

Sums are never subtracted from: a large value that leaves takes all of itself along, and no digits of the others.
"""

from math import sqrt
from typing import TypeAlias

import msgspec

from cepd.engine.arrays import Floats, floats

Sums: TypeAlias = tuple[int, float, float]
"""(count, mean, sum of the squared distances from the mean)."""

NOTHING: Sums = (0, 0.0, 0.0)


class Rolling(msgspec.Struct):
    """The last `size` values, two or more of them, by the queue of two stacks: O(1) a value, amortised.

    `back` holds the newest values as they are. `means` and `squares` are a stack over the older ones: the item at `i`
    sums up the newest `i + 1` of them, so that to pop one is to drop the oldest value. Empty, it is made of `back`.
    """

    size: int
    back: Floats = msgspec.field(default_factory=floats)
    back_sums: Sums = NOTHING
    means: Floats = msgspec.field(default_factory=floats)
    squares: Floats = msgspec.field(default_factory=floats)

    def push(self, value: float) -> None:
        if len(self.back) + len(self.means) == self.size:
            if not self.means:
                self._turn()
            self.means.pop()
            self.squares.pop()
        self.back.append(value)  # by Welford's recurrence
        count, mean, squares = self.back_sums
        count += 1
        distance = value - mean
        mean += distance / count
        self.back_sums = count, mean, squares + distance * (value - mean)

    def sums(self) -> Sums:
        """Those of both, by Chan, Golub and LeVeque."""
        means = self.means
        if not means:
            return self.back_sums
        its, mean, squares = len(means), means[-1], self.squares[-1]
        more, its_mean, its_squares = self.back_sums
        if not more:
            return its, mean, squares
        count = its + more
        distance = its_mean - mean
        share = more / count
        return count, mean + distance * share, squares + its_squares + distance * distance * (its * share)

    def _turn(self) -> None:
        put_mean, put_squares = self.means.append, self.squares.append
        count, mean, squares = NOTHING
        for value in reversed(self.back):
            count += 1
            distance = value - mean
            mean += distance / count
            squares += distance * (value - mean)
            put_mean(mean)
            put_squares(squares)
        self.back = floats()
        self.back_sums = NOTHING


class Weighted(msgspec.Struct):
    """Mean and variance in which a value counts `alpha` as it comes and less with each that follows; the first
    `1 / alpha` values count alike. By West, "Updating mean and variance estimates" (1979), with weights that decay."""

    alpha: float
    count: int = 0
    mean: float = 0.0
    variance: float = 0.0

    def add(self, value: float) -> None:
        self.count = count = self.count + 1
        weight = 1 / count
        if weight < self.alpha:
            weight = self.alpha
        mean = self.mean
        distance = value - mean
        self.mean = mean + weight * distance
        self.variance = (1 - weight) * (self.variance + weight * distance * distance)

    @property
    def std(self) -> float:
        return sqrt(self.variance)
