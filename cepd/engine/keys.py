"""Keys: the values of `group_by` for one event, as the text that tells keys apart, and as what people see."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

import msgspec

from cepd.engine.paths import MISSING, read_member
from cepd.model.json import Json

LONGEST_TEXT = 256
"""Bytes of a key's text value; a longer one is replaced by its digest."""


MOST_KNOWN = 4_096
LONGEST_KNOWN = 64
"""Of texts whose key is remembered: how many, and how long. To look one up costs a third of making it."""

KeyReader: TypeAlias = Callable[[Any], str | None]
KeysReader: TypeAlias = Callable[[Sequence[Any]], Sequence[str | None]]
MemberReader: TypeAlias = Callable[[str], Callable[[Any], Json]]

NO_KEY = "[]"

_decode = msgspec.json.Decoder().decode


class Readers(NamedTuple):
    """`one`: the key's text; None where a value is an object or a list. `many`: of each of several."""

    one: KeyReader
    many: KeysReader


def compile_key(group_by: Sequence[str], reader: MemberReader = read_member) -> KeyReader:
    """`compile_keys` of one event at a time."""
    return compile_keys(tuple(group_by), reader).one


@lru_cache(maxsize=4_096)
def compile_keys(group_by: tuple[str, ...], reader: MemberReader = read_member) -> Readers:
    """Readers of key texts: the canonical JSON array of the values. All rules of one `group_by` share them, and what
    they remember.

    Integral floats become ints, a missing field null. Text of more than 256 bytes of UTF-8 stands as
    `sha256:<64 hex digits>`, so that neither state nor alerts grow with it. `reader` says how a field is read of what
    the key is asked of: of an event's fields, or of a view.
    """
    if not group_by:
        return Readers(lambda event: NO_KEY, lambda events: [NO_KEY] * len(events))
    if len(group_by) == 1:
        return _readers_of_one(group_by[0], reader)
    fields: list[Callable[[Any], Json]] = []

    def read(event: Any) -> str | None:
        if not fields:
            fields.extend(map(reader, group_by))
        return _text([field(event) for field in fields])

    return Readers(read, lambda events: list(map(read, events)))


def _readers_of_one(path: str, reader: MemberReader) -> Readers:
    """The key of one field, by far the most common one: texts that came before are remembered with theirs."""
    field: Callable[[Any], Json] | None = None
    known: dict[Json, str] = {}

    def read(event: Any) -> str | None:
        nonlocal field
        if field is None:
            field = reader(path)
        value = field(event)
        if value.__class__ is not str:
            return _text([value])
        text = known.get(value)
        if text is None:
            text = _text([value])
            if text is not None and len(value) <= LONGEST_KNOWN:
                if len(known) >= MOST_KNOWN:
                    known.clear()
                known[value] = text
        return text

    def read_many(events: Sequence[Any]) -> Sequence[str | None]:
        if field is None:
            return list(map(read, events))
        try:
            found = list(map(known.get, map(field, events)))
        except TypeError:  # lists and objects have no hash
            return list(map(read, events))
        return (
            [read(event) if key is None else key for key, event in zip(found, events, strict=True)]
            if None in found
            else found
        )

    return Readers(read, read_many)


def _text(values: list[Json]) -> str | None:
    for value in values:
        if value.__class__ is dict or value.__class__ is list:
            return None
    return msgspec.json.encode([_canonical(value) for value in values]).decode()


def key_values(group_by: Sequence[str], key: str) -> dict[str, Json]:
    """What people see of a key: its values by field. Each firing asks, mostly for no field or for one."""
    if not group_by:
        return {}
    values = _decode(key)
    if len(group_by) == 1:
        (value,) = values
        return {group_by[0]: value}
    return dict(zip(group_by, values, strict=True))


def key_text(group_by: Sequence[str], values: Mapping[str, Json]) -> str:
    """The text of the key that people see so: what `key_values` was made of. No value is an object or a list."""
    return msgspec.json.encode([_canonical(values[path]) for path in group_by]).decode()


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
