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


def added(sums: Sums, value: float) -> Sums:
    """The sums with one value more, by Welford's recurrence."""
    count, mean, squares = sums
    distance = value - mean
    mean += distance / (count + 1)
    return count + 1, mean, squares + distance * (value - mean)


def merged(one: Sums, other: Sums) -> Sums:
    """The sums of the values of both, by Chan, Golub and LeVeque."""
    if not one[0] or not other[0]:
        return one if one[0] else other
    count = one[0] + other[0]
    distance = other[1] - one[1]
    share = other[0] / count
    return count, one[1] + distance * share, one[2] + other[2] + distance * distance * (one[0] * share)


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
        self.back.append(value)
        self.back_sums = added(self.back_sums, value)

    def sums(self) -> Sums:
        if not self.means:
            return self.back_sums
        return merged((len(self.means), self.means[-1], self.squares[-1]), self.back_sums)

    def _turn(self) -> None:
        sums = NOTHING
        for value in reversed(self.back):
            sums = added(sums, value)
            self.means.append(sums[1])
            self.squares.append(sums[2])
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
        self.count += 1
        weight = max(self.alpha, 1 / self.count)
        distance = value - self.mean
        self.mean += weight * distance
        self.variance = (1 - weight) * (self.variance + weight * distance * distance)

    @property
    def std(self) -> float:
        return sqrt(self.variance)
