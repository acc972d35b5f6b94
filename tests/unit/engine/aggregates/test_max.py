"""The largest number: exactly, and as it came."""

import pytest

from cepd.engine.paths import MISSING
from cepd.model.json import Json
from tests.support.columns import filled, merged, reloaded, result


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ([2**53 + 1, 2.0**53], 2**53 + 1),
        ([2.0**53, 2**53 - 1], 2.0**53),
        ([5, 10**400, 1.5], 10**400),
        ([1, 1.0], 1),
        ([1.0, 1], 1.0),
        ([True, False, "0", None, [9], 3], 3),
    ],
)
def test_integers_and_floats_compare_exactly_and_of_equal_ones_the_first_stays(
    numbers: list[Json], expected: Json
) -> None:
    for column in (filled("max", numbers), merged("max", numbers[:1], numbers[1:], [])):
        for found in (result("max", column), result("max", reloaded(column))):
            assert (found, type(found)) == (expected, type(expected))


def test_no_number_no_value() -> None:
    assert result("max", merged("max", [], ["1", True])) is MISSING
