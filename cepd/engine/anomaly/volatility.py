"""How unlike the usual the spread of the last sixty values is: the logarithm of their variance against its past.

The variance has a floor of one millionth of the value, squared, and its logarithm a spread of 0.05 at least: a series
that stands still has no logarithm.
"""

from collections.abc import Mapping, Sequence
from math import exp, log, sqrt
from typing import Any, Self

import msgspec

from cepd.engine.baseline import SMALLEST_SHARE, Finding, Method, measure
from cepd.engine.moments import Rolling, Weighted
from cepd.model.instant import Instant

RECENT = 60
_ALPHA = 0.001
_SMALLEST_VARIANCE = 1e-12
_SMALLEST_SPREAD = 0.05
_LARGEST_LOGARITHM = 1400.0


def _std(log_variance: float) -> float:
    return exp(min(log_variance, _LARGEST_LOGARITHM) / 2)


METHOD = Method(
    name="volatility",
    line=3.0,
    subject=f"the standard deviation of the last {RECENT} values",
    unit="usual steps of its logarithm",
    reference="its past",
    details={f"std_last_{RECENT}": "shown", "usual_std": "center", "usual_step": "spread"},
    least=200,
    shown=_std,
)
METHODS = {METHOD.name: METHOD}


class Baseline(msgspec.Struct):
    """`recent`: the last values but for the one to come; `past`: of the logarithms."""

    past: Weighted
    recent: Rolling
    samples: int = 0

    @classmethod
    def new(cls, parameters: Mapping[str, Any]) -> Self:
        return cls(Weighted(_ALPHA), Rolling(RECENT - 1))

    def judge(self, value: float, time: Instant) -> Sequence[Finding]:
        return self._found(self._log_variance(value))

    def learn(self, value: float, time: Instant) -> Sequence[Finding]:
        self.samples += 1
        if self.samples < RECENT:
            self.recent.push(value)
            return ()
        measured = self._log_variance(value)
        found = self._found(measured)
        self.past.add(measured)
        self.recent.push(value)
        return found

    def _found(self, measured: float) -> Sequence[Finding]:
        past = self.past
        if past.count < METHOD.least:
            return ()
        center = past.mean
        return (measure(METHOD, measured, center, center, sqrt(past.variance), _SMALLEST_SPREAD, past.count),)

    def _log_variance(self, value: float) -> float:
        count, mean, squares = self.recent.sums()
        distance = value - mean
        count += 1
        mean += distance / count
        variance, smallest = (squares + distance * (value - mean)) / count, SMALLEST_SHARE * value
        floor = _SMALLEST_VARIANCE + smallest * smallest
        return log(variance if variance > floor else floor)
