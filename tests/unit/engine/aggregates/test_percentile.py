"""Percentiles: nearest rank by hand, exact to 1,000 values, then within 1 % and marked."""

import math
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.aggregates.percentile import EXACT, Column, bucket_of, middle_of
from cepd.engine.paths import MISSING
from cepd.model.json import Json
from cepd.model.rule import Aggregate
from tests.support.columns import filled, merged, reloaded

FN = "percentile"
numbers = st.floats(allow_nan=False, allow_infinity=False)


def at(column: Column, p: float, slot: int = 0) -> Json:
    return column.value(slot, Aggregate(FN, "v", p), 0)


@pytest.mark.parametrize(
    ("values", "p", "expected"),
    [
        ([15, 20, 35, 40, 50], 5, 15),
        ([15, 20, 35, 40, 50], 30, 20),
        ([15, 20, 35, 40, 50], 40, 20),
        ([15, 20, 35, 40, 50], 50, 35),
        ([15, 20, 35, 40, 50], 100, 50),
        ([15, 20, 35, 40, 50], 0, 15),
        ([50, 15, 40, 20, 35], 40.1, 35),
        ([7], 99, 7),
        ([True, "1", 3, None, -2.5], 50, -2.5),
        ([], 50, MISSING),
    ],
)
def test_nearest_rank_by_hand(values: list[Json], p: float, expected: Json) -> None:
    assert at(filled(FN, values), p) == expected


def test_a_percentage_is_what_is_written_not_the_float_next_to_it() -> None:
    """99.9 % of 1,000 are 999; in floats 99.9 / 100 * 1000 is a little more, which would be rank 1,000."""
    assert math.ceil(99.9 / 100 * 1000) == 1000
    column = filled(FN, range(1, 1001))
    assert [at(column, p) for p in (99.9, 99.95, 0.1, 0.11, 7, 28.0)] == [999, 1000, 1, 2, 70, 280]


def test_one_column_serves_every_percentage() -> None:
    column = filled(FN, random.Random(1).sample(range(1, 101), 100))
    assert [at(column, p) for p in range(1, 101)] == list(range(1, 101))


def test_exact_to_the_limit_then_marked() -> None:
    column = filled(FN, [0.1 + number for number in range(EXACT)])
    assert (at(column, 50), column.approximate(0)) == (499.1, False)
    column.add(0, 7, 9999)
    assert column.approximate(0)
    assert at(column, 50) == pytest.approx(499.1, rel=0.01)


def test_an_integer_no_float_can_hold_is_refused() -> None:
    column = filled(FN, [1])
    assert column.add(0, 10**400, 1) is False
    assert at(column, 100) == 1


@pytest.mark.parametrize("p", [0, 1, 25, 50, 75, 95, 99, 99.9, 100])
def test_beyond_the_limit_within_1_percent_on_both_sides_of_zero(p: float) -> None:
    source = random.Random(7)
    values = [source.choice((-1, 0, 1, 1)) * source.lognormvariate(3, 4) for _ in range(5000)]
    exact = sorted(values)[max(1, math.ceil(round(p * 50, 6))) - 1]
    parts = [values[start : start + 700] for start in range(0, 5000, 700)]
    whole, panes = filled(FN, values), merged(FN, *parts)
    assert at(whole, p) == pytest.approx(exact, rel=0.01, abs=0)
    assert at(panes, p) == at(whole, p) == at(reloaded(panes), p)
    assert panes.buckets == whole.buckets


@pytest.mark.parametrize(("left", "right"), [(600, 600), (1200, 3), (3, 1200), (1200, 1200), (0, 1200), (1200, 0)])
def test_merging_gives_what_adding_gives_on_either_side_of_the_limit(left: int, right: int) -> None:
    first, second = [float(number) for number in range(left)], [-float(number) for number in range(right)]
    column, whole = merged(FN, first, second), filled(FN, first + second)
    assert (column.buckets, list(column.values[0])) == (whole.buckets, list(whole.values[0]))


@given(numbers, numbers)
@settings(max_examples=1000, deadline=None)
def test_buckets_keep_the_order_and_their_middle_is_near(one: float, other: float) -> None:
    for number in (one, other, sys.float_info.max, -5e-324, 0.0):
        assert abs(middle_of(bucket_of(number)) - number) <= abs(number) * 0.01
        assert math.isfinite(middle_of(bucket_of(number)))
    if one <= other:
        assert bucket_of(one) <= bucket_of(other)
    assert bucket_of(-one) == -bucket_of(one)
