"""How many standard deviations a value is from the mean of the last `window` values."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any, Self

import msgspec

from cepd.engine.baseline import SMALLEST_SHARE, Finding, Method, measure
from cepd.engine.moments import Rolling
from cepd.model.instant import Instant

METHOD = Method(
    name="zscore",
    line=4.0,
    subject="the value",
    unit="standard deviations",
    reference="the mean of the values before it",
    details={"mean": "center", "std": "spread"},
)
METHODS = {METHOD.name: METHOD}


class Baseline(msgspec.Struct):
    last: Rolling
    samples: int = 0

    @classmethod
    def new(cls, parameters: Mapping[str, Any]) -> Self:
        return cls(Rolling(parameters.get("window", 1000)))

    def judge(self, value: float, time: Instant) -> Sequence[Finding]:
        count, mean, squares = self.last.sums()
        if count < METHOD.least:
            return ()
        floor = SMALLEST_SHARE * abs(mean)
        return (measure(METHOD, value, mean, mean, sqrt(squares / count), floor, self.samples),)

    def learn(self, value: float, time: Instant) -> Sequence[Finding]:
        found = self.judge(value, time)
        self.last.push(value)
        self.samples += 1
        return found
