"""Means, by hand."""

from cepd.engine.paths import MISSING
from tests.support.columns import filled, merged, reloaded, result


def test_the_mean_of_numbers_alone() -> None:
    assert result("avg", filled("avg", [1, 2.0, True, "9", None, 6])) == 3.0
    assert result("avg", filled("avg", ["9", MISSING])) is MISSING


def test_a_sum_too_large_has_no_mean() -> None:
    assert result("avg", filled("avg", [1e308, 1e308])) is MISSING
    opposite = merged("avg", [1e308, 1e308], [-1e308, -1e308])
    assert result("avg", opposite) is MISSING, "infinity less infinity is no number"
    assert result("avg", reloaded(opposite)) is MISSING


def test_an_integer_no_float_can_hold_is_refused() -> None:
    column = filled("avg", [4])
    assert column.add(0, 10**400, 1) is False
    assert result("avg", column) == 4.0
