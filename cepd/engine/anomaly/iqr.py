"""How many interquartile ranges a value is outside the middle half of the last `window` values.

Quartiles are order statistics, those at a quarter and three quarters of the count; the range counts as one hundredth
of the whole at least, so that a series that mostly stands still does not make every move an anomaly. O(log n) a value,
and the shifting of an array.
"""

from bisect import bisect_left, insort
from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec

from cepd.engine.arrays import Floats, floats
from cepd.engine.baseline import SMALLEST_SHARE, Finding, Method, measure
from cepd.model.instant import Instant

METHOD = Method(
    name="iqr",
    line=3.0,
    subject="the value",
    unit="interquartile ranges",
    reference="the middle half of the values before it",
    details={"q1": "low", "q3": "high", "iqr": "spread"},
)
METHODS = {METHOD.name: METHOD}
_SHARE_OF_RANGE = 0.01


class Baseline(msgspec.Struct):
    """`ring` holds the values as they came, from `oldest` on where it is full; `ordered` the same by size."""

    window: int
    ring: Floats = msgspec.field(default_factory=floats)
    oldest: int = 0
    ordered: Floats = msgspec.field(default_factory=floats)
    samples: int = 0

    @classmethod
    def new(cls, parameters: Mapping[str, Any]) -> Self:
        return cls(parameters.get("window", 1500))

    def judge(self, value: float, time: Instant) -> Sequence[Finding]:
        ordered, count = self.ordered, len(self.ordered)
        if count < METHOD.least:
            return ()
        low, high = ordered[count // 4], ordered[3 * count // 4]
        least, smallest = _SHARE_OF_RANGE * (ordered[-1] - ordered[0]), SMALLEST_SHARE * abs(high)
        floor = least if least > smallest else smallest
        return (measure(METHOD, value, low, high, high - low, floor, self.samples),)

    def learn(self, value: float, time: Instant) -> Sequence[Finding]:
        found = self.judge(value, time)
        self.samples += 1
        insort(self.ordered, value)
        if len(self.ring) < self.window:
            self.ring.append(value)
            return found
        del self.ordered[bisect_left(self.ordered, self.ring[self.oldest])]
        self.ring[self.oldest] = value
        self.oldest = (self.oldest + 1) % self.window
        return found
