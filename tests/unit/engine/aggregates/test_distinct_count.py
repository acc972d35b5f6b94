"""Different values: exact to 1,000, then an estimate that says so."""

import statistics

import pytest

from cepd.engine.aggregates.distinct_count import EXACT
from cepd.model.json import Json
from tests.support.columns import filled, merged, reloaded, result

FN = "distinct_count"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 1.0, 1e0], 1),
        ([0, -0.0, 0.0], 1),
        ([1, True, "1"], 3),
        ([0, False, "", None, [], {}], 6),
        ([[1, {"a": 1.0}], [1.0, {"a": 1}]], 1),
        ([{"a": 1, "b": [True]}, {"b": [True], "a": 1.0}], 1),
        ([{"a": 1}, {"a": True}, {"a": [1]}], 3),
        ([2**53, 2.0**53, 2**53 + 1], 2),
        (["é", "e\u0301"], 2),
        ([0.1, 0.1, 0.30000000000000004, 0.3], 3),
        ([10**400, 10**400 + 1, 1e300, 10**300], 4),
    ],
)
def test_which_values_are_the_same(values: list[Json], expected: int) -> None:
    assert result(FN, filled(FN, values)) == expected


def test_exact_to_the_limit_and_marked_from_the_next_value_on() -> None:
    column = filled(FN, [*range(EXACT), *range(EXACT)])
    assert (result(FN, column), column.approximate(0)) == (EXACT, False)
    column.add(0, 0.0, 9)
    assert (result(FN, column), column.approximate(0)) == (EXACT, False), "one that is known"
    column.add(0, "new", 9)
    assert column.approximate(0)


def test_estimates_stay_near_the_truth() -> None:
    """Standard error 3.2 %: of 20 estimates none is off by more than 5 of them, and their mean by 1.5 of its own."""
    errors = [
        result(FN, filled(FN, [f"{series}:{number}" for number in range(6000)])) / 6000 - 1 for series in range(20)
    ]
    assert max(map(abs, errors)) < 5 * 0.032
    assert abs(statistics.mean(errors)) < 1.5 * 0.032


def test_a_merged_estimate_is_that_of_adding_one_by_one() -> None:
    left, right = list(range(1500)), list(range(1000, 2600))
    whole = filled(FN, left + right)
    for column in (merged(FN, left, right), merged(FN, right, left), reloaded(merged(FN, left, right))):
        assert (result(FN, column), column.approximate(0)) == (result(FN, whole), True)
    small = merged(FN, list(range(600)), list(range(400, 1000)))
    assert (result(FN, small), small.approximate(0)) == (1000, False)


def test_an_estimate_keeps_no_more_than_it_needs() -> None:
    column = filled(FN, range(5000))
    assert len(column.smallest[0]) == EXACT + 1
