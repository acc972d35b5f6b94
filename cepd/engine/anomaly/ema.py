"""How far a value is from the exponential moving average, in units of how far values usually are.

The spread is the exponentially weighted mean of the absolute residuals, times 1.2533: of a normal distribution that
is the standard deviation.
"""

from collections.abc import Mapping, Sequence
from math import pi, sqrt
from typing import Any, Self

import msgspec

from cepd.engine.baseline import SMALLEST_SHARE, Finding, Method, measure
from cepd.model.instant import Instant

METHOD = Method(
    name="ema",
    line=6.0,
    subject="the value",
    unit="usual residuals",
    reference="the moving average",
    details={"ema": "center", "usual_residual": "spread"},
)
METHODS = {METHOD.name: METHOD}
STD_OF_RESIDUAL = sqrt(pi / 2)
_RESIDUAL_ALPHA = 0.01


class Baseline(msgspec.Struct):
    alpha: float
    average: float = 0.0
    residual: float = 0.0
    samples: int = 0

    @classmethod
    def new(cls, parameters: Mapping[str, Any]) -> Self:
        return cls(parameters.get("alpha", 0.3))

    def judge(self, value: float, time: Instant) -> Sequence[Finding]:
        if self.samples < METHOD.least:
            return ()
        average = self.average
        floor = SMALLEST_SHARE * abs(average)
        return (measure(METHOD, value, average, average, STD_OF_RESIDUAL * self.residual, floor, self.samples),)

    def learn(self, value: float, time: Instant) -> Sequence[Finding]:
        found = self.judge(value, time)
        before = self.samples
        self.samples = before + 1
        if not before:
            self.average = value
            return found
        distance = value - self.average
        weight = 1 / before
        self.residual += (weight if weight > _RESIDUAL_ALPHA else _RESIDUAL_ALPHA) * (abs(distance) - self.residual)
        self.average += self.alpha * distance
        return found
