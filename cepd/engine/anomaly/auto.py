"""Any of four at once: a record, a new level, a departure from the profile of the day, another volatility.

The lines of its sensitivities are round numbers, not fitted to any data. That of `level_shift` goes no lower than 2:
the nights of a series with a daily cycle reach 1.5.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import msgspec

from cepd.engine.anomaly import extreme, level_shift, seasonal, volatility
from cepd.engine.baseline import Finding
from cepd.model.instant import Instant

METHODS = {method.name: method for part in (level_shift, extreme, seasonal, volatility) for method in (part.METHOD,)}
LINES: Mapping[str, Mapping[str, float]] = {
    "low": {"level_shift": 3.0, "extreme": 0.01, "seasonal": 20.0, "volatility": 4.0},
    "medium": {name: method.line for name, method in METHODS.items()},
    "high": {"level_shift": 2.0, "extreme": 0.002, "seasonal": 15.0, "volatility": 2.5},
}


class Baseline(msgspec.Struct):
    level_shift: level_shift.Baseline
    extreme: extreme.Baseline
    seasonal: seasonal.Baseline
    volatility: volatility.Baseline

    @classmethod
    def new(cls, parameters: Mapping[str, Any]) -> Self:
        parts = (level_shift, extreme, seasonal, volatility)
        return cls(*(part.Baseline.new(parameters) for part in parts))

    @property
    def samples(self) -> int:
        return self.extreme.samples

    def judge(self, value: float, time: Instant) -> Sequence[Finding]:
        return (
            *self.level_shift.judge(value, time),
            *self.extreme.judge(value, time),
            *self.seasonal.judge(value, time),
            *self.volatility.judge(value, time),
        )

    def learn(self, value: float, time: Instant) -> Sequence[Finding]:
        return (
            *self.level_shift.learn(value, time),
            *self.extreme.learn(value, time),
            *self.seasonal.learn(value, time),
            *self.volatility.learn(value, time),
        )
