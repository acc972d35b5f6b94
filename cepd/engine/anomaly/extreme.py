"""How far a value is outside everything seen so far, in units of the range of it."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec

from cepd.engine.baseline import SMALLEST_SHARE, Finding, Method, measure
from cepd.model.instant import Instant

METHOD = Method(
    name="extreme",
    line=0.005,
    subject="the value",
    unit="ranges",
    reference="all values before it",
    details={"lowest": "lowest", "highest": "highest"},
)
METHODS = {METHOD.name: METHOD}


class Baseline(msgspec.Struct):
    """`lowest` and `highest` are those of a range without values until there is one: None, as JSON has no infinity."""

    lowest: float | None = None
    highest: float | None = None
    samples: int = 0

    @classmethod
    def new(cls, parameters: Mapping[str, Any]) -> Self:
        return cls()

    def judge(self, value: float, time: Instant) -> Sequence[Finding]:
        low, high = self.lowest, self.highest
        if low is None or high is None or self.samples < METHOD.least:
            return ()
        floor = SMALLEST_SHARE * (high if high > -low else -low)
        return (measure(METHOD, value, low, high, high - low, floor, self.samples),)

    def learn(self, value: float, time: Instant) -> Sequence[Finding]:
        found = self.judge(value, time)
        self.samples += 1
        if self.lowest is None or value <= self.lowest:
            self.lowest = value
        if self.highest is None or value >= self.highest:
            self.highest = value
        return found
