from math import sqrt
from statistics import fmean, pvariance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cepd.engine.moments import NOTHING, Rolling, Sums, Weighted

numbers = st.lists(st.floats(-1e6, 1e6), max_size=40)


def added(sums: Sums, value: float) -> Sums:
    """The sums with one value more, by Welford's recurrence."""
    count, mean, squares = sums
    count += 1
    distance = value - mean
    mean += distance / count
    return count, mean, squares + distance * (value - mean)


def merged(one: Sums, other: Sums) -> Sums:
    """The sums of the values of both, by Chan, Golub and LeVeque."""
    its, mean, squares = one
    more, its_mean, its_squares = other
    if not its or not more:
        return one if its else other
    count = its + more
    distance = its_mean - mean
    share = more / count
    return count, mean + distance * share, squares + its_squares + distance * distance * (its * share)


def sums_of(values: list[float]) -> tuple[int, float, float]:
    sums = NOTHING
    for value in values:
        sums = added(sums, value)
    return sums


@given(st.integers(2, 12), numbers)
def test_a_rolling_one_is_that_of_the_last_values(size: int, values: list[float]) -> None:
    rolling = Rolling(size)
    for end, value in enumerate(values, 1):
        rolling.push(value)
        last = values[max(0, end - size) : end]
        count, mean, squares = rolling.sums()
        assert count == len(last)
        assert mean == pytest.approx(fmean(last), abs=1e-6)
        assert squares == pytest.approx(pvariance(last) * len(last), rel=1e-6, abs=1e-3)


@given(numbers, numbers)
def test_merged_is_as_if_added_one_by_one(one: list[float], other: list[float]) -> None:
    assert merged(sums_of(one), sums_of(other)) == pytest.approx(sums_of([*one, *other]), rel=1e-6, abs=1e-3)


def test_a_huge_value_that_left_leaves_no_trace() -> None:
    rolling = Rolling(10)
    for value in [1e15, *range(20)]:
        rolling.push(value)
    count, mean, squares = rolling.sums()
    assert (count, mean) == (10, 14.5)
    assert squares == pytest.approx(82.5, rel=1e-12)


def test_a_small_spread_far_from_zero_keeps_its_digits() -> None:
    rolling = Rolling(100)
    for place in range(1000):
        rolling.push(1e9 + place % 2)
    assert sqrt(rolling.sums()[2] / 100) == pytest.approx(0.5, rel=1e-6)


def test_a_weighted_mean_begins_as_the_plain_one() -> None:
    weighted = Weighted(0.1)
    for value in (2.0, 4.0, 9.0):
        weighted.add(value)
    assert (weighted.mean, weighted.variance) == (pytest.approx(5.0), pytest.approx(26 / 3))


def test_a_weighted_mean_gives_the_newest_value_its_weight() -> None:
    weighted = Weighted(0.5)
    for value in (0.0, 0.0, 8.0, 0.0):
        weighted.add(value)
    assert weighted.mean == pytest.approx(2.0)
    assert weighted.std == pytest.approx(sqrt(0.25 * 36 + 0.75 * 4))


@given(st.integers(2, 12), numbers)
def test_a_rolling_one_adds_and_merges_to_the_last_digit(size: int, values: list[float]) -> None:
    rolling, older, newer = Rolling(size), list[float](), list[float]()
    for value in values:
        if len(older) + len(newer) == size:
            if not older:
                older, newer = newer, []
            older = older[1:]
        newer.append(value)
        rolling.push(value)
        assert rolling.sums() == merged(sums_of(older[::-1]), sums_of(newer))


def test_a_weighted_mean_takes_its_steps_to_the_last_digit() -> None:
    weighted, mean, variance = Weighted(0.03), 0.0, 0.0
    for count, value in enumerate((0.1 * (place * 7 % 11) for place in range(80)), 1):
        weighted.add(value)
        weight = max(0.03, 1 / count)
        distance = value - mean
        mean += weight * distance
        variance = (1 - weight) * (variance + weight * distance * distance)
        assert (weighted.count, weighted.mean, weighted.variance) == (count, mean, variance)
