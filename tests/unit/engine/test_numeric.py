"""Which values aggregates compute with."""

import sys

import pytest

from cepd.engine.numeric import computable
from cepd.engine.paths import MISSING
from cepd.model.json import Json

LARGEST = int(sys.float_info.max)


@pytest.mark.parametrize("value", [0, -1, 2**70, LARGEST, -LARGEST, 0.5, -0.0, sys.float_info.max])
def test_numbers_that_a_float_can_hold_stay_as_they_are(value: Json) -> None:
    assert computable(value) is value


@pytest.mark.parametrize(
    "value",
    [LARGEST + 1, -LARGEST - 1, 10**400, float("inf"), float("-inf"), float("nan"), True, "1", None, [1], {}, MISSING],
)
def test_all_else_is_no_number(value: Json) -> None:
    assert computable(value) is None
