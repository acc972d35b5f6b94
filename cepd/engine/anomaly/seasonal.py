"""How far the last eight values are from the profile of the season, on average, against how far they usually are.

A season, a day unless the rule says otherwise, has a slot for each hour of it, but 24 at least and 168 at most. The
profile of a slot is the exponentially weighted mean of its means, one a season; it is used once three seasons are in
it, and a season that goes on is not. Seasons are counted from the epoch, in UTC.
"""

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any, Self

import msgspec

from cepd.engine.anomaly.ema import STD_OF_RESIDUAL
from cepd.engine.arrays import Floats, floats
from cepd.engine.baseline import SMALLEST_SHARE, Finding, Method, measure
from cepd.model.duration import DAY, HOUR, Span
from cepd.model.instant import Instant

RECENT = 8
SEASONS = 3
LEAST_SLOTS, MOST_SLOTS = 24, 168
_PROFILE_ALPHA = 0.15
_RESIDUAL_ALPHA = 0.001

METHOD = Method(
    name="seasonal",
    line=20.0,
    subject=f"the mean of the last {RECENT} values, set to this time of the season,",
    unit="usual residuals",
    reference="the profile of the season",
    details={f"mean_last_{RECENT}": "shown", "profile": "center", "usual_residual": "spread"},
    least=100,
)
METHODS = {METHOD.name: METHOD}


class _Slot(msgspec.Struct):
    """`season`, `count` and `mean`: of the season that goes on; `profile`: of the `seasons` that are over."""

    season: int
    count: int
    mean: float
    profile: float = 0.0
    seasons: int = 0

    def add(self, season: int, value: float) -> None:
        if season > self.season:
            self.seasons += 1
            self.profile += max(_PROFILE_ALPHA, 1 / self.seasons) * (self.mean - self.profile)
            self.season, self.count, self.mean = season, 0, 0.0
        self.count = count = self.count + 1
        self.mean += (value - self.mean) / count


class Baseline(msgspec.Struct):
    """`slot`: how long one is; `recent`: the last values less their profiles; `usual`: how large the mean of them
    usually is, of `counted` such means."""

    season: Span
    slot: Span
    slots: dict[int, _Slot] = msgspec.field(default_factory=dict)
    recent: Floats = msgspec.field(default_factory=floats)
    usual: float = 0.0
    counted: int = 0
    samples: int = 0

    @classmethod
    def new(cls, parameters: Mapping[str, Any]) -> Self:
        season = parameters.get("season", DAY)
        count = min(max(season // HOUR, LEAST_SLOTS), MOST_SLOTS)
        return cls(season, -(-season // count))

    def judge(self, value: float, time: Instant) -> Sequence[Finding]:
        slot = self.slots.get(time % self.season // self.slot)
        if slot is None or slot.seasons < SEASONS:
            return ()
        return self._found(slot.profile, (fsum(self.recent) + (value - slot.profile)) / RECENT)

    def learn(self, value: float, time: Instant) -> Sequence[Finding]:
        self.samples += 1
        season, place = divmod(time, self.season)
        number = place // self.slot
        slot = self.slots.get(number)
        if slot is None:
            self.slots[number] = _Slot(season, 1, value)
            return ()
        found = () if slot.seasons < SEASONS else self._learn_residual(value - slot.profile, slot.profile)
        slot.add(season, value)
        return found

    def _learn_residual(self, newest: float, profile: float) -> Sequence[Finding]:
        recent = self.recent
        found: Sequence[Finding] = ()
        if len(recent) == RECENT - 1:
            residual = (fsum(recent) + newest) / RECENT
            found = self._found(profile, residual)
            self.counted = counted = self.counted + 1
            weight = 1 / counted
            self.usual += (weight if weight > _RESIDUAL_ALPHA else _RESIDUAL_ALPHA) * (abs(residual) - self.usual)
            recent.pop(0)
        recent.append(newest)
        return found

    def _found(self, profile: float, residual: float) -> Sequence[Finding]:
        if self.counted < METHOD.least:
            return ()
        usual, floor = STD_OF_RESIDUAL * self.usual, SMALLEST_SHARE * abs(profile)
        return (measure(METHOD, profile + residual, profile, profile, usual, floor, self.counted),)
