"""What an anomaly method remembers of one key's values, and what it finds in a new one.

Each method is one module of `cepd.engine.anomaly`, named as `method` says it, with a `METHODS` that it finds with and
a class `Baseline`. It knows no thresholds: rules that differ in them share it, and judge its findings each for itself
(`cepd.engine.verdict`). A value is judged and learned in one go, as most of what it takes is the same for both.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from math import inf
from typing import Any, Protocol, Self

import msgspec

from cepd.model.instant import Instant
from cepd.model.json import Json

LARGEST_VALUE = 1e100
"""Larger values are refused: their squares would have to be numbers too."""
LARGEST_SCORE = 1e9
"""A score says no more than that: what leaves a series that never moved is infinitely far away."""
SMALLEST_SHARE = 1e-6
"""A spread below this share of the level counts as none."""


def unchanged(value: float) -> float:
    return value


class Method(msgspec.Struct, frozen=True):
    """How a method's findings are judged and told."""

    name: str
    line: float
    """The score above which a value is an anomaly, where the rule does not say."""
    subject: str
    """What is measured: `the value`."""
    unit: str
    """What one point of score is."""
    reference: str
    """What it is measured against."""
    details: Mapping[str, str]
    """Names that people see, and the attributes of a finding they stand for."""
    least: int = 2
    """Values it needs, whatever a rule says."""
    shown: Callable[[float], float] = unchanged
    """From the scale that it measures on to that of the values."""


class Finding(msgspec.Struct, frozen=True, gc=False):
    """One measurement against a baseline. Made by `measure`."""

    method: Method
    measured: float
    low: float
    high: float
    spread: float
    floor: float
    """The spread counts as this much at least."""
    samples: int
    """How many measurements the band was made of."""
    score: float
    """How far outside `[low, high]` it lies, in units of the spread: above positive, below negative, within zero; at
    most `LARGEST_SCORE` either way."""

    @property
    def flat(self) -> bool:
        """Whether the baseline never moved."""
        return self.spread <= self.floor

    @property
    def shown(self) -> float:
        return self.method.shown(self.measured)

    @property
    def lowest(self) -> float:
        return self.method.shown(self.low)

    @property
    def highest(self) -> float:
        return self.method.shown(self.high)

    @property
    def center(self) -> float:
        return self.method.shown((self.low + self.high) / 2)

    def expected(self, line: float, least: float) -> tuple[float, float]:
        """(low, high): between them no score is above the line, or no distance as large as `least`."""
        reach = line * max(self.spread, self.floor)
        shown = self.method.shown
        return min(shown(self.low - reach), self.lowest - least), max(shown(self.high + reach), self.highest + least)


def measure(
    method: Method, measured: float, low: float, high: float, spread: float, floor: float, samples: int
) -> Finding:
    """The finding of a measurement; its fields are described there."""
    score = 0.0
    if not low <= measured <= high:
        distance = measured - high if measured > high else measured - low
        unit = spread if spread > floor else floor
        score = distance / unit if unit else distance * inf
        if not -LARGEST_SCORE <= score <= LARGEST_SCORE:
            score = LARGEST_SCORE if score > 0 else -LARGEST_SCORE
    return Finding(method, measured, low, high, spread, floor, samples, score)


class Baseline(Protocol):
    """A msgspec Struct: its fields are its state."""

    @property
    def samples(self) -> int:
        """How many values it learned."""

    @classmethod
    def new(cls, parameters: Mapping[str, Any]) -> Self:
        """An empty one for a rule's parameters, of which it takes those of the State fingerprint."""

    def judge(self, value: float, time: Instant) -> Sequence[Finding]:
        """What the value would be, came it next; empty where there is nothing yet to measure it against. Changes
        nothing."""

    def learn(self, value: float, time: Instant) -> Sequence[Finding]:
        """Takes the value in; what `judge` said to it just before."""


def usable(value: Json) -> float | None:
    """The number that a baseline can take; None for anything else, and for what is too large to be squared."""
    if value.__class__ is float:
        return value if -LARGEST_VALUE <= value <= LARGEST_VALUE else None
    if value.__class__ is int and -LARGEST_VALUE <= value <= LARGEST_VALUE:
        return float(value)
    return None


def methods_of(method: str) -> Mapping[str, Method]:
    """The methods that `method` finds with, itself or its parts, by name."""
    found: Mapping[str, Method] = _module(method).METHODS
    return found


def baseline_type(method: str) -> type[Baseline]:
    found: type[Baseline] = _module(method).Baseline
    return found


def _module(method: str):  # type: ignore[no-untyped-def]
    return import_module(f"cepd.engine.anomaly.{method}")
