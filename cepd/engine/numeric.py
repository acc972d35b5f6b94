"""Numbers that aggregates may compute with."""

import sys

from cepd.engine.paths import Missing
from cepd.model.json import Json

LARGEST = sys.float_info.max


def computable(value: Json | Missing) -> int | float | None:
    """The value where it is a number that a float can hold, infinity not included; else None. A bool is no number."""
    if (value.__class__ is int or value.__class__ is float) and -LARGEST <= value <= LARGEST:
        return value
    return None
