"""How many standard deviations the mean of the last twelve values is from all that came before them.

Twelve values in a row tell a new level from a spike; what they are compared with is weighted exponentially and learns
a value only when it leaves them, so that a new level is not compared with itself.
"""

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any, Self

import msgspec

from cepd.engine.arrays import Floats, floats
from cepd.engine.baseline import SMALLEST_SHARE, Finding, Method, measure
from cepd.engine.moments import Weighted
from cepd.model.instant import Instant

RECENT = 12
_ALPHA = 0.001

METHOD = Method(
    name="level_shift",
    line=2.0,
    subject=f"the mean of the last {RECENT} values",
    unit="standard deviations",
    reference="the mean of the values before them",
    details={f"mean_last_{RECENT}": "shown", "baseline_mean": "center", "baseline_std": "spread"},
    least=60,
)
METHODS = {METHOD.name: METHOD}


class Baseline(msgspec.Struct):
    """`recent`: the values that `past` has not learned yet."""

    past: Weighted
    recent: Floats = msgspec.field(default_factory=floats)
    samples: int = 0

    @classmethod
    def new(cls, parameters: Mapping[str, Any]) -> Self:
        return cls(Weighted(_ALPHA))

    def judge(self, value: float, time: Instant) -> Sequence[Finding]:
        past = self.past
        if past.count < METHOD.least:
            return ()
        mean = (fsum(self.recent) + value) / RECENT
        center = past.mean
        return (measure(METHOD, mean, center, center, past.std, SMALLEST_SHARE * abs(center), past.count),)

    def learn(self, value: float, time: Instant) -> Sequence[Finding]:
        found = self.judge(value, time)
        self.samples += 1
        self.recent.append(value)
        if len(self.recent) == RECENT:
            self.past.add(self.recent.pop(0))
        return found
