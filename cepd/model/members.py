"""The members of one JSON object, read in full, for good: a number that does not fit counts as missing.

Intake accepts lines by their syntax alone, so nothing here refuses one.
"""

import json
import math
from collections.abc import Callable
from typing import Literal, TypeAlias

import msgspec

from cepd.model.json import Json

Mended: TypeAlias = Literal["", "out_of_range", "undecodable"]
"""What had to be put right: nothing; at least one number; everything, as the line does not decode at all."""

_DECODE = msgspec.json.Decoder().decode
_OUT_OF_RANGE = object()


def read_members(line: bytes) -> tuple[dict[str, Json], Mended]:
    """The members, and what had to be put right. A member whose number does not fit is left out; in a list it is
    null."""
    try:
        return _DECODE(line), ""
    except ValueError:
        return _read_tolerant(line)


def _read_tolerant(line: bytes) -> tuple[dict[str, Json], Mended]:
    try:
        tolerant: dict[str, Json] = json.loads(
            line,
            parse_float=_float,
            parse_int=_int,
            parse_constant=lambda name: _OUT_OF_RANGE,
            object_pairs_hook=_members,
        )
    except (ValueError, RecursionError):
        return {}, "undecodable"
    return tolerant, "out_of_range"


def _number(read: Callable[[str], Json], text: str) -> Json:
    try:
        value = read(text)
    except ValueError:
        return _OUT_OF_RANGE
    return value if value.__class__ is int or math.isfinite(value) else _OUT_OF_RANGE


def _float(text: str) -> Json:
    return _number(float, text)


def _int(text: str) -> Json:
    return _number(int, text)


def _members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    return {name: _nulled(value) for name, value in pairs if value is not _OUT_OF_RANGE}


def _nulled(value: Json) -> Json:
    if value.__class__ is list:
        return [None if item is _OUT_OF_RANGE else _nulled(item) for item in value]
    return value
