"""Walks a document beside its schema: every place with a meaning of its own (`format`), or without effect yet."""

from collections.abc import Iterator

import msgspec

from cepd.config.pointers import Path
from cepd.config.schemas import UNBUILT, Schema, chosen
from cepd.model.json import Json


class Site(msgspec.Struct, frozen=True):
    """One place. `format` is the schema's word for what the value means, empty where it has none."""

    path: Path
    value: Json
    format: str
    unbuilt: bool


def sites_of(value: Json, schema: Schema, path: Path = ()) -> Iterator[Site]:
    """In document order, outer places first."""
    schema = chosen(schema, value)
    if "format" in schema or UNBUILT in schema:
        yield Site(path, value, schema.get("format", ""), schema.get(UNBUILT, False))
    if isinstance(value, dict):
        fields, others = schema.get("properties", {}), schema.get("additionalProperties")
        for key, member in value.items():
            below = fields.get(key, others)
            if isinstance(below, dict):
                yield from sites_of(member, below, (*path, key))
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, item in enumerate(value):
            yield from sites_of(item, schema["items"], (*path, index))
