"""Numbers that aggregates may compute with."""

import sys

from cepd.engine.paths import Missing
from cepd.model.json import Json

LARGEST = sys.float_info.max
EXACT = 2**53
"""Up to here every whole number is a float of its own."""


def computable(value: Json | Missing) -> int | float | None:
    """The value where it is a number that a float can hold, infinity not included; else None. A bool is no number."""
    if (value.__class__ is int or value.__class__ is float) and -LARGEST <= value <= LARGEST:
        return value
    return None


def whole(value: float) -> int | float:
    """A float without a fraction as the int that it is, so that texts say 86 and not 86.0. The same number."""
    return int(value) if value.is_integer() and abs(value) <= EXACT else value
