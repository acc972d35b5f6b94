"""Keys: the values of `group_by` for one event, as the text that tells keys apart and as what people see."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from cepd.engine.paths import MISSING, lookup
from cepd.model.json import Json

LONGEST_TEXT = 256
"""Bytes of a key's text value; a longer one is replaced by its digest."""


class Key(msgspec.Struct, frozen=True):
    """`text` is the canonical JSON array of the values; `values` holds the same values by field."""

    text: str
    values: dict[str, Json]


KeyReader: TypeAlias = Callable[[Mapping[str, Json]], Key | None]

NO_KEY = Key("[]", {})


def compile_key(group_by: Sequence[str]) -> KeyReader:
    """A reader of keys; it answers None where a value is an object or a list.

    Integral floats become ints, a missing field null. Text of more than 256 bytes of UTF-8 stands as
    `sha256:<64 hex digits>` in both forms, so that neither state nor alerts grow with it.
    """
    if not group_by:
        return lambda fields: NO_KEY
    paths = tuple(group_by)

    def read(fields: Mapping[str, Json]) -> Key | None:
        values: dict[str, Json] = {}
        for path in paths:
            value = lookup(fields, path)
            if value.__class__ is dict or value.__class__ is list:
                return None
            values[path] = _canonical(value)
        return Key(msgspec.json.encode(list(values.values())).decode(), values)

    return read


def _canonical(value: Json) -> Json:
    if value is MISSING:
        return None
    if value.__class__ is float and value.is_integer():
        return int(value)
    if value.__class__ is str and len(value) * 4 > LONGEST_TEXT:
        return _short(value)
    return value


def _short(text: str) -> str:
    data = text.encode()
    return text if len(data) <= LONGEST_TEXT else f"sha256:{hashlib.sha256(data).hexdigest()}"
