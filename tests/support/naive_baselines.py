"""The anomaly methods as plain loops over all values so far: what a new value would be found to be.

Each gives (measured, low, high, spread), on the scale that the method measures on, or None for too few values.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from math import fsum, log, pi, sqrt
from typing import Any

Values = Sequence[tuple[int, float]]
"""(time, value) in journal order."""
Found = tuple[float, float, float, float]


def zscore(past: Values, time: int, value: float, window: int = 1000) -> Found | None:
    last = [one for _, one in past][-window:]
    if len(last) < 2:
        return None
    mean = fsum(last) / len(last)
    return value, mean, mean, sqrt(fsum((one - mean) ** 2 for one in last) / len(last))


def iqr(past: Values, time: int, value: float, window: int = 1500) -> Found | None:
    last = sorted([one for _, one in past][-window:])
    if len(last) < 2:
        return None
    low, high = last[len(last) // 4], last[len(last) * 3 // 4]
    return value, low, high, high - low


def ema(past: Values, time: int, value: float, alpha: float = 0.3) -> Found | None:
    values = [one for _, one in past]
    if len(values) < 2:
        return None
    averages = [_geometric(values[:count], alpha) for count in range(1, len(values) + 1)]
    residuals = [abs(one - average) for one, average in zip(values[1:], averages, strict=False)]
    usual, _ = _weighted(residuals, 0.01)
    return value, averages[-1], averages[-1], sqrt(pi / 2) * usual


def level_shift(past: Values, time: int, value: float) -> Found | None:
    values = [one for _, one in past]
    before, recent = values[:-11], [*values[-11:], value]
    if len(before) < 60:
        return None
    mean, variance = _weighted(before, 0.001)
    return fsum(recent) / 12, mean, mean, sqrt(variance)


def extreme(past: Values, time: int, value: float) -> Found | None:
    values = [one for _, one in past]
    return (value, min(values), max(values), max(values) - min(values)) if len(values) >= 2 else None


def volatility(past: Values, time: int, value: float) -> Found | None:
    values = [*(one for _, one in past), value]
    logs = [_log_variance(tuple(values[end - 60 : end])) for end in range(60, len(values) + 1)]
    if len(logs) < 201:
        return None
    mean, variance = _weighted(logs[:-1], 0.001)
    return logs[-1], mean, mean, sqrt(variance)


def seasonal(past: Values, time: int, value: float, season: int = 86_400_000_000) -> Found | None:
    residuals = season_residuals(past, season)
    sizes = [abs(fsum(residuals[end - 8 : end]) / 8) for end in range(8, len(residuals) + 1)]
    here = _slot(time, season)
    profile = _profile(tuple(one for one in past if _slot(one[0], season) == here), season)
    if profile is None or len(sizes) < 100:
        return None
    usual, _ = _weighted(sizes, 0.001)
    measured = profile + fsum([*residuals[-7:], value - profile]) / 8
    return measured, profile, profile, sqrt(pi / 2) * usual


NAIVE: Mapping[str, Callable[..., Any]] = {
    "zscore": zscore,
    "iqr": iqr,
    "ema": ema,
    "level_shift": level_shift,
    "extreme": extreme,
    "volatility": volatility,
    "seasonal": seasonal,
}


def season_residuals(past: Values, season: int) -> list[float]:
    """Of each value that had a profile when it came: how far it was from it."""
    residuals: list[float] = []
    slots: dict[int, list[tuple[int, float]]] = {}
    for time, value in past:
        slot = slots.setdefault(_slot(time, season), [])
        profile = _profile(tuple(slot), season)
        if profile is not None:
            residuals.append(value - profile)
        slot.append((time, value))
    return residuals


def _slot(time: int, season: int) -> int:
    return time % season * 24 // season


@lru_cache(maxsize=10_000)
def _profile(slot: tuple[tuple[int, float], ...], season: int) -> float | None:
    """The weighted mean of the means of a slot in the seasons that a later one followed. A value of a season that is
    over counts for the one that goes on."""
    if not slot:
        return None
    seasons = list(accumulate((time // season for time, _ in slot), max))
    bounds = [0, *(place for place, (one, two) in enumerate(pairwise(seasons), 1) if two != one)]
    means = [fsum(one for _, one in slot[low:high]) / (high - low) for low, high in pairwise(bounds)]
    return _weighted(means, 0.15)[0] if len(means) >= 3 else None


@lru_cache(maxsize=10_000)
def _log_variance(values: tuple[float, ...]) -> float:
    mean = fsum(values) / len(values)
    variance = fsum((one - mean) ** 2 for one in values) / len(values)
    return log(max(variance, 1e-12 + (1e-6 * values[-1]) ** 2))


def _geometric(values: Sequence[float], alpha: float) -> float:
    newest_first = values[::-1]
    tail = [alpha * (1 - alpha) ** age * one for age, one in enumerate(newest_first[:-1])]
    return fsum([*tail, (1 - alpha) ** (len(values) - 1) * values[0]])


def _weighted(values: Sequence[float], alpha: float) -> tuple[float, float]:
    """(mean, variance) with the weight that each value has left after those behind it took theirs."""
    shares, left = [], 1.0
    for place in range(len(values), 0, -1):
        share = max(alpha, 1 / place)
        shares.append(left * share)
        left *= 1 - share
    pairs = list(zip(shares, reversed(values), strict=True))
    mean = fsum(share * value for share, value in pairs)
    return mean, fsum(share * (value - mean) ** 2 for share, value in pairs)
