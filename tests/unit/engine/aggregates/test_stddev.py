"""Sample standard deviations, by hand; digits that sums of squares would lose."""

import math

import pytest

from cepd.engine.paths import MISSING
from tests.support.columns import filled, merged, result


@pytest.mark.parametrize("fn", ["stddev", "std"])
def test_by_hand(fn: str) -> None:
    """Mean 5, squared distances 9 1 1 1 0 0 4 16, together 32, by 7."""
    assert result(fn, filled(fn, [2, 4, 4, 4, 5, 5, 7, 9])) == pytest.approx(math.sqrt(32 / 7))


def test_one_value_has_none_and_two_have_one() -> None:
    assert result("stddev", filled("stddev", [])) is MISSING
    assert result("stddev", filled("stddev", [7])) is MISSING
    assert result("stddev", filled("stddev", [7, 7])) == 0.0
    assert result("stddev", filled("stddev", [7, 9])) == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize("split", range(4))
def test_a_mean_far_above_the_spread_costs_no_digits(split: int) -> None:
    """Distances -1.5 -0.5 0.5 1.5, squared together 5, by 3. In sums of squares of 1e9 nothing of that is left."""
    numbers = [1e9 + 1, 1e9 + 2, 1e9 + 3, 1e9 + 4]
    found = result("stddev", merged("stddev", numbers[:split], numbers[split:]))
    assert found == pytest.approx(math.sqrt(5 / 3), rel=1e-9)


def test_a_slot_without_values_merges_without_a_trace() -> None:
    numbers = [0.1, 0.7, 3e-7]
    assert result("stddev", merged("stddev", [], numbers, [])) == result("stddev", filled("stddev", numbers))


def test_a_spread_too_large_has_no_value() -> None:
    assert result("stddev", filled("stddev", [1e308, -1e308])) is MISSING
    assert result("stddev", merged("stddev", [1e308], [-1e308])) is MISSING
    assert result("stddev", merged("stddev", [1e200], [])) is MISSING
    assert result("stddev", merged("stddev", [], [1e200, 1e200])) == 0.0
