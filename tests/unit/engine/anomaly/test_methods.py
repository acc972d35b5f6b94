"""Every method against a plain loop over all values so far."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.baseline import Baseline, baseline_type, methods_of
from tests.support.anomalies import METHODS
from tests.support.naive_baselines import NAIVE

SINGLE = [name for name in METHODS if name != "auto"]
SHAPE: dict[str, dict[str, Any]] = {
    "zscore": {"window": 40},
    "iqr": {"window": 41},
    "ema": {"alpha": 0.2},
    "seasonal": {"season": 48},
}
SLOTS = 24


def series(seed: int, length: int, level: float, noise: float) -> list[tuple[int, float]]:
    """A level with noise, stretches that stand still, spikes, steps, and times that are mostly in order."""
    random = Random(seed)
    found: list[tuple[int, float]] = []
    value = level
    for place in range(length):
        move = random.random()
        if move < 0.01:
            level += 20 * noise
        value = level + 1e6 * noise if 0.01 < move < 0.02 else value if move < 0.1 else random.gauss(level, noise)
        found.append((2 * place, value))
    return found


def learned(method: str, values: list[tuple[int, float]]) -> Baseline:
    baseline = baseline_type(method).new(SHAPE.get(method, {}))
    for time, value in values:
        baseline.learn(value, time)
    return baseline


@pytest.mark.parametrize("method", SINGLE)
@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    length=st.integers(270, 330),
    level=st.sampled_from([0.0, 1.0, -250.0, 1e6]),
    noise=st.sampled_from([0.5, 10.0, 0.0]),
)
def test_a_finding_is_that_of_a_loop_over_all_values(
    method: str, seed: int, length: int, level: float, noise: float
) -> None:
    values = series(seed, length, level, noise)
    time, value = values.pop()
    (found,) = learned(method, values).judge(value, time)
    measured, low, high, spread = NAIVE[method](values, time, value, **SHAPE.get(method, {}))
    near = 1e-9 * max(1.0, abs(level), 1e6 * noise)
    got = (found.measured, found.low, found.high, found.spread)
    assert got == pytest.approx((measured, low, high, spread), rel=1e-6, abs=near)
    outside = max(found.measured - found.high, found.low - found.measured, 0.0)
    unit = max(found.spread, found.floor)
    assert abs(found.score) == pytest.approx(min(outside / unit, 1e9) if unit else 1e9 * (outside > 0))
    assert (found.score > 0) == (found.measured > found.high)
    assert (found.score < 0) == (found.measured < found.low)


@pytest.mark.parametrize("method", SINGLE)
def test_a_finding_begins_where_the_loop_has_enough_values(method: str) -> None:
    values = series(1, 420, 100.0, 5.0)
    baseline = baseline_type(method).new(SHAPE.get(method, {}))
    began = []
    for place, (time, value) in enumerate(values):
        naive = NAIVE[method](values[:place], time, value, **SHAPE.get(method, {})) if place % 7 == 0 else None
        found = baseline.judge(value, time)
        if place % 7 == 0:
            assert bool(found) == (naive is not None), place
            began.append(bool(found))
        baseline.learn(value, time)
    assert began == sorted(began)
    assert began[-1]


@pytest.mark.parametrize("method", METHODS)
def test_to_judge_changes_nothing(method: str) -> None:
    values = series(2, 300, 10.0, 1.0)
    one, two = learned(method, values), baseline_type(method).new(SHAPE.get(method, {}))
    for time, value in values:
        two.judge(value, time)
        two.judge(1e9, time + 5)
        two.learn(value, time)
    assert one == two
    assert one.samples == 300


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("constant", [0.0, 0.1, -7.0, 1e9, 1e-12, 1e100])
def test_a_series_that_stands_still_scores_nothing(method: str, constant: float) -> None:
    baseline = learned(method, [(2 * place, constant) for place in range(700)])
    findings = baseline.judge(constant, 1400)
    assert findings
    for found in findings:
        line = found.method.line
        assert abs(found.score) < 0.01 * line
        assert found.flat


@pytest.mark.parametrize("method", METHODS)
def test_values_at_the_limits_stay_finite(method: str) -> None:
    limits = [1e100, -1e100, 5e-324, 0.0, -0.0, 1e-300]
    values = [(2 * place, Random(place).choice(limits)) for place in range(700)]
    baseline = baseline_type(method).new(SHAPE.get(method, {}))
    for time, value in values:
        for found in baseline.judge(value, time):
            low, high = found.expected(1e6, 0.0)
            shown = (found.score, low, high, found.shown, found.center, found.lowest, found.highest, found.spread)
            assert all(abs(one) < float("inf") for one in shown), found
        baseline.learn(value, time)


def test_an_early_value_of_a_season_that_is_over_joins_the_one_that_goes_on() -> None:
    values = [(48 * day, float(day)) for day in range(5)]
    baseline = learned("seasonal", [*values, (48 * 3, 14.0)])
    again = learned("seasonal", [*values, (48 * 4, 14.0)])
    assert baseline == again


def test_auto_finds_what_its_parts_find() -> None:
    values = series(3, 900, 50.0, 4.0)
    whole = baseline_type("auto").new({"season": 48})
    parts = {name: baseline_type(name).new({"season": 48}) for name in methods_of("auto")}
    assert set(parts) == {"level_shift", "extreme", "seasonal", "volatility"}
    for time, value in values:
        assert list(whole.judge(value, time)) == [one for part in parts.values() for one in part.judge(value, time)]
        for baseline in (whole, *parts.values()):
            baseline.learn(value, time)


@pytest.mark.parametrize("method", METHODS)
def test_to_learn_a_value_says_what_it_was_judged_to_be_before(method: str) -> None:
    baseline = baseline_type(method).new(SHAPE.get(method, {"season": 48}))
    found = 0
    for time, value in series(5, 600, 50.0, 4.0):
        judged = baseline.judge(value, time)
        assert list(baseline.learn(value, time)) == list(judged)
        found += len(judged)
    assert found > 300


@pytest.mark.parametrize("values", [(0.0, -0.0), (-0.0, 0.0), (3.0, 3.0)])
def test_of_equal_extremes_the_last_one_is_kept(values: tuple[float, float]) -> None:
    baseline = learned("extreme", list(enumerate(values)))
    (found,) = baseline.judge(5.0, 2)
    assert (str(found.low), str(found.high)) == (str(values[1]), str(values[1]))
