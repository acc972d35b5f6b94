"""The JSON Schemas of what people write: found, put together, and bundled for editors.

The files under `schemas/` are the contract. Four words of our own stand in them:

- `x-cepd-by-type: {schema, folder, key, default}`: the value of `key` picks the schema of that name in the folder; what
  stands beside it, in the file that `schema` names, is common to all. A new type is a new file. Editors get an if/then
  chain instead.
- `x-cepd-hint`: what a pattern, a format or a limit means, for people.
- `x-cepd-methods`: the methods of an anomaly trigger that have the parameter; without it all have.
- `x-cepd-unbuilt`: the field is known and has no effect yet.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

Schema: TypeAlias = dict[str, Any]

KINDS = ("rulepack", "channel", "ruletest", "settings")
BY_TYPE = "x-cepd-by-type"
HINT = "x-cepd-hint"
METHODS = "x-cepd-methods"
UNBUILT = "x-cepd-unbuilt"
_SUFFIX = ".schema.json"
_PACKAGE = Path(__file__).parents[1]


@cache
def folder() -> Path:
    """In an installed wheel `cepd/_schemas`, in a checkout `schemas` beside the package."""
    installed = _PACKAGE / "_schemas"
    return installed if installed.is_dir() else _PACKAGE.parent / "schemas"


@cache
def schema_of(name: str) -> Schema:
    """The schema in the file `<name>.schema.json`, its references written out."""
    return _written_out(folder() / f"{name}{_SUFFIX}", "")


@cache
def types_in(kind: str) -> tuple[str, ...]:
    """The types that have a schema in a folder, in the order of the alphabet."""
    return tuple(sorted(path.name.removesuffix(_SUFFIX) for path in (folder() / kind).glob(f"*{_SUFFIX}")))


@cache
def typed(common: str, name: str) -> Schema:
    """The schema of one type: its own fields and those of the `common` schema, no others unless it says so."""
    shared = schema_of(common)
    own = schema_of(f"{shared[BY_TYPE]['folder']}/{name}")
    return {
        "title": own["title"],
        "description": own["description"],
        "type": "object",
        "required": [*shared.get("required", ()), *own.get("required", ())],
        "properties": {**shared["properties"], **own["properties"]},
        "additionalProperties": own.get("additionalProperties", False),
        "examples": own["examples"],
    }


def chosen(schema: Schema, value: Any) -> Schema:
    """The schema that holds for a value: that of its type where the schema goes by type and the type is known."""
    by_type = schema.get(BY_TYPE)
    if by_type is None or not isinstance(value, dict):
        return schema
    name = value.get(by_type["key"], by_type.get("default"))
    return typed(by_type["schema"], name) if name in types_in(by_type["folder"]) else schema


@cache
def pattern_of(text: str) -> re.Pattern[str]:
    """A schema's pattern. Its `$` is the end of the text, as in JSON Schema, and not also before a last line break."""
    return re.compile(text.removesuffix("$") + r"\Z" if text.endswith("$") else text)


@cache
def _read(path: Path) -> Schema:
    schema: Schema = json.loads(path.read_text(encoding="utf-8"))
    return schema


def _written_out(path: Path, pointer: str) -> Schema:
    part: Any = _read(path)
    for key in pointer.split("/")[1:]:
        part = part[key]
    written: Schema = _expand(part, path)
    return {key: value for key, value in written.items() if key != "$schema"}


def _expand(part: Any, path: Path) -> Any:
    if isinstance(part, list):
        return [_expand(item, path) for item in part]
    if not isinstance(part, dict):
        return part
    members = {key: _expand(value, path) for key, value in part.items() if key not in ("$ref", "definitions")}
    if "$ref" not in part:
        return members
    file, _, pointer = part["$ref"].partition("#")
    target = (path.parent / file).resolve() if file else path
    return {**_written_out(target, pointer), **members}


def schema_for(kind: str) -> Schema:
    """One self-contained draft-07 schema of a kind (one of KINDS), for editors and other validators."""
    definitions: dict[str, Schema] = {}
    bundled: Schema = _bundle(schema_of(kind), definitions)
    return {"$schema": "http://json-schema.org/draft-07/schema#", **bundled, "definitions": definitions}


def _bundle(part: Any, definitions: dict[str, Schema]) -> Any:
    if isinstance(part, list):
        return [_bundle(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    members = {key: _bundle(value, definitions) for key, value in part.items() if key != BY_TYPE}
    if BY_TYPE in part:
        members["allOf"] = _branches(part, definitions)
    return members


def _branches(part: Schema, definitions: dict[str, Schema]) -> list[Schema]:
    """One if/then for each type, and one that says which types there are."""
    by_type = part[BY_TYPE]
    kind, key, default = by_type["folder"], by_type["key"], by_type.get("default")
    branches: list[Schema] = [{"properties": {key: {"enum": list(types_in(kind))}}}]
    for name in types_in(kind):
        label = f"{kind}.{name}"
        if label not in definitions:
            definitions[label] = {}
            definitions[label].update(_bundle(typed(by_type["schema"], name), definitions))
        test: Schema = {"properties": {key: {"const": name}}}
        if name != default:
            test["required"] = [key]
        branches.append({"if": test, "then": {"$ref": f"#/definitions/{label}"}})
    return branches
