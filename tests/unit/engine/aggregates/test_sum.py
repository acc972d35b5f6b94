"""Sums: exact, and no value once they are too large."""

import sys
from fractions import Fraction

from cepd.engine.paths import MISSING
from tests.support.columns import filled, merged, reloaded, result

LARGEST = int(sys.float_info.max)


def test_no_number_gives_0() -> None:
    assert result("sum", filled("sum", [])) == 0
    assert result("sum", filled("sum", ["5", None, True, MISSING])) == 0


def test_integers_are_exact_beyond_what_a_float_tells_apart() -> None:
    found = result("sum", filled("sum", [2**53, 1, 2**70, 1]))
    assert (found, type(found)) == (2**53 + 2**70 + 2, int)


def test_an_integer_no_float_can_hold_is_refused() -> None:
    column = filled("sum", [1])
    assert column.add(0, 10**400, 1) is False
    assert column.add(0, 2.5, 2) is True
    assert result("sum", column) == Fraction(7, 2)


def test_a_sum_too_large_has_no_value_and_gets_none_again() -> None:
    for numbers in ([LARGEST, 1], [1e308, 1e308], [-1e308, -LARGEST], [1e308, 1e308, -1e308, -1e308]):
        assert result("sum", filled("sum", numbers)) is MISSING
        assert result("sum", merged("sum", numbers, [-1e308])) is MISSING
        loaded = reloaded(filled("sum", numbers))
        assert loaded.add(0, -5, 9) is True
        assert result("sum", loaded) is MISSING
    assert result("sum", merged("sum", [1e308], [1e308])) is MISSING
