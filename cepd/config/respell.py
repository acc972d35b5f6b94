"""Reads a misspelt field as the known one that it is nearest to, so that a slip is one finding and no more.

Everything after this sees the field that was meant. The slip itself is an error, so what is guessed is never built.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from cepd.config.pointers import Path
from cepd.config.schemas import BY_TYPE, Schema, chosen, schema_of
from cepd.model.json import Json
from cepd.model.spelling import closest


class Respelt(NamedTuple):
    """`former` has, for the path that a field now has, the key that it is written under."""

    data: Json
    former: dict[Path, str]


def respell(kind: str, data: Json) -> Respelt:
    """A document of a kind (`rulepack`, `channel`, `settings`) with the fields that its schema knows."""
    former: dict[Path, str] = {}
    return Respelt(_walk(data, schema_of(kind), (), former), former)


def as_written(path: Path, former: Mapping[Path, str]) -> Path:
    """The path in the text of what stands at a path in the respelt document."""
    return tuple(former.get(path[: index + 1], part) for index, part in enumerate(path)) if former else path


def rename(document: Json, path: Path, name: str) -> Json:
    """The document with another key for the field at a path."""
    first, *below = path
    if isinstance(document, list):
        return [rename(item, tuple(below), name) if index == first else item for index, item in enumerate(document)]
    if below:
        return {key: rename(item, tuple(below), name) if key == first else item for key, item in document.items()}
    return {name if key == first else key: item for key, item in document.items()}


def _walk(value: Json, schema: Schema, path: Path, former: dict[Path, str]) -> Json:
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        return [_walk(item, schema["items"], (*path, index), former) for index, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    by_type = schema.get(BY_TYPE)
    if by_type is not None and by_type["key"] not in value:
        known = {**schema["properties"], **chosen(schema, value)["properties"]}
        value = _respelt(value, known, [by_type["key"]], path, former)
    schema = chosen(schema, value)
    fields, others = schema.get("properties", {}), schema.get("additionalProperties")
    if others is False:
        value = _respelt(
            value, fields, [name for name in schema.get("required", ()) if name not in value], path, former
        )
        value = _respelt(value, fields, [name for name in fields if name not in value], path, former)
    return {key: _below(member, fields.get(key, others), (*path, key), former) for key, member in value.items()}


def _below(value: Json, schema: Schema | bool | None, path: Path, former: dict[Path, str]) -> Json:
    return _walk(value, schema, path, former) if isinstance(schema, dict) else value


def _respelt(
    value: dict[str, Json], known: Mapping[str, Schema], free: list[str], path: Path, former: dict[Path, str]
) -> dict[str, Json]:
    """The mapping with each unknown field under the free name that is nearest."""
    names = dict(slips(value, known, free))
    former.update({(*path, meant): name for name, meant in names.items()})
    return {names.get(name, name): member for name, member in value.items()} if names else value


def slips(given: Mapping[str, Json], known: Mapping[str, object], free: list[str]) -> Iterator[tuple[str, str]]:
    """Each given field that is not known, with the free one that it is nearest to; each of these once."""
    left = list(free)
    for name in given:
        meant = closest(name, left) if name not in known else None
        if meant is not None:
            left.remove(meant)
            yield name, meant
