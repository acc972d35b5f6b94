"""Checks a document against its schema, and says what is wrong in words for its author.

The schema decides; jsonschema applies it. Misspelt fields are read as those that were meant, and only told here.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

from cepd.config.findings import Findings
from cepd.config.masking import without_tokens
from cepd.config.pointers import Path, value_at
from cepd.config.schemas import BY_TYPE, HINT, Schema, chosen, pattern_of, schema_of, types_in
from cepd.model.json import Json
from cepd.model.spelling import did_you_mean

_TYPES = {
    "string": "text",
    "object": "a mapping",
    "array": "a list",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}


def check(kind: str, findings: Findings) -> None:
    """Adds everything that the schema of a kind (`rulepack`, `channel`, `settings`) refuses."""
    for path, name in findings.former.items():
        if path != ("kind",):
            message = f"unknown field {name!r} in {label(path[:-1], findings.data)}"
            findings.add("CEP101", path, message, f"did you mean {path[-1]!r}?", at="key")
    seen: set[tuple[Path, str, str]] = set()
    for error in _validator(kind).iter_errors(findings.data):
        path = tuple(error.absolute_path)
        mark = (path, str(error.validator), error.message)
        if mark not in seen:
            seen.add(mark)
            _TELL[error.validator](error, path, findings)


@cache
def _validator(kind: str) -> Any:
    from jsonschema import Draft7Validator, validators

    words = {BY_TYPE: _by_type, "pattern": _matches}
    extended: Any = validators.extend(Draft7Validator, words)  # type: ignore[no-untyped-call]
    return extended(schema_of(kind))


def _matches(validator: Any, pattern: str, instance: Json, schema: Schema) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(instance, str) and not pattern_of(pattern).search(instance):
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _by_type(validator: Any, by_type: Schema, instance: Json, schema: Schema) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    found = chosen(schema, instance)
    if found is not schema:
        yield from validator.descend(instance, found)
        return
    key = by_type["key"]
    if key in instance:
        yield from validator.descend(instance[key], {"enum": list(types_in(by_type["folder"]))}, path=key)
        return


_UNKNOWN = "additionalProperties"


def _unknown(error: Any, path: Path, findings: Findings) -> None:
    known = error.schema["properties"]
    for name in error.instance:
        if name not in known:
            message = f"unknown field {name!r} in {label(path, findings.data)}"
            findings.add("CEP101", (*path, name), message, f"known are {', '.join(known)}", at="key")


def _missing(error: Any, path: Path, findings: Findings) -> None:
    for name in error.validator_value:
        if name not in error.instance and f"{name!r} is a required" in error.message:
            message = f"the field {name!r} is missing in {label(path, findings.data)}"
            findings.add("CEP104", path, message, _how_to_write(name, error.schema), at="first_key")


def _how_to_write(name: str, schema: Schema) -> str:
    if BY_TYPE in schema and schema[BY_TYPE]["key"] == name:
        return f"known are {', '.join(types_in(schema[BY_TYPE]['folder']))}"
    import json

    examples = schema["properties"].get(name, {}).get("examples", ())
    return f"add, for example, {name}: {json.dumps(examples[0], ensure_ascii=False)}" if examples else f"add {name}"


def _type(error: Any, path: Path, findings: Findings) -> None:
    wanted = [error.validator_value] if isinstance(error.validator_value, str) else error.validator_value
    words = " or ".join(_TYPES[name] for name in wanted)
    message = f"{_field(path, findings.data)} is {kind_of(error.instance)}; it must be {words}"
    findings.add("CEP102", path, message, error.schema.get(HINT, "") or _quoting(wanted, error.instance))


def _quoting(wanted: list[str], value: Json) -> str:
    if "string" in wanted and isinstance(value, int | float):
        return "quote it"
    return f"write {' or '.join(_TYPES[name] for name in wanted)}"


def _enum(error: Any, path: Path, findings: Findings) -> None:
    allowed = [error.validator_value] if error.validator == "const" else error.validator_value
    words = [word if isinstance(word, str) else kind_of(word) for word in allowed]
    if isinstance(error.instance, str):
        message = f"{_field(path, findings.data)} cannot be {shown(error.instance)}"
        findings.add("CEP103", path, message, did_you_mean(error.instance, words))
    else:
        message = f"{_field(path, findings.data)} is {kind_of(error.instance)}"
        findings.add("CEP103", path, message, f"known are {', '.join(words)}")


def _pattern(error: Any, path: Path, findings: Findings) -> None:
    hint = error.schema[HINT]
    if isinstance(value_at(findings.data, path), dict):
        key = (*path, error.instance)
        findings.add(
            "CEP105", key, f"{error.instance!r} cannot be a field of {label(path, findings.data)}", hint, at="key"
        )
    else:
        findings.add("CEP105", path, f"{_field(path, findings.data)} cannot be {shown(error.instance)}", hint)


_LIMITS = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "minItems": "at least {} of them",
    "maxItems": "at most {} of them",
    "minLength": "at least {} character",
    "minProperties": "at least {} field",
    "maxProperties": "at most {} field",
}


def _limit(error: Any, path: Path, findings: Findings) -> None:
    limit = _LIMITS[error.validator].format(error.validator_value)
    found = f"a list of {len(error.instance)}" if isinstance(error.instance, list) else shown(error.instance)
    message = f"{_field(path, findings.data)} is {found if error.instance else 'empty'}"
    if isinstance(error.instance, int | float) and not isinstance(error.instance, bool):
        message = f"{_field(path, findings.data)} is {error.instance}"
    findings.add("CEP106", path, message, error.schema.get(HINT) or f"it takes {limit}")


_TELL = {
    _UNKNOWN: _unknown,
    "required": _missing,
    "type": _type,
    "enum": _enum,
    "const": _enum,
    "pattern": _pattern,
    **dict.fromkeys(_LIMITS, _limit),
}


def label(path: Path, data: Json) -> str:
    """The mapping at a path, in words: `trigger of rule cpu-high`, `action 2 of rule cpu-high`, `the settings`."""
    if isinstance(data, dict) and data.get("kind") == "RuleTest":
        whole, inner = "the rule test", path
    elif path[:1] == ("rules",) and len(path) > 1:
        name = value_at(data, (*path[:2], "id"))
        whole, inner = f"rule {name if isinstance(name, str) else int(path[1]) + 1}", path[2:]
    elif isinstance(data, dict) and data.get("kind") in ("Channel", "RulePack"):
        word = "channel" if data["kind"] == "Channel" else "rule pack"
        name = data.get("name")
        whole, inner = (f"{word} {name}" if isinstance(name, str) else f"the {word}"), path
    else:
        whole, inner = "the settings", path
    return f"{_part(inner)} of {whole}" if inner else whole


def _part(path: Path) -> str:
    last = path[-1]
    if isinstance(last, int):
        return f"{str(path[-2]).removesuffix('s') if len(path) > 1 else 'item'} {last + 1}"
    return last


def _field(path: Path, data: Json) -> str:
    """The value at a path, in words: `severity of rule cpu-high`, `channel 1 of action 2 of rule cpu-high`."""
    if not path:
        return "the document"
    above = path[:-1] if isinstance(path[-1], str) else path[:-2]
    return f"{_part(path)} of {label(above, data)}"


def shown(value: Json) -> str:
    """A value as it may stand in a message: short, and without secrets."""
    if isinstance(value, str):
        text = without_tokens(value)
        return repr(text if len(text) <= 60 else text[:59] + "…")
    return kind_of(value)


def kind_of(value: Json) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    return "text" if isinstance(value, str) else "a list" if isinstance(value, list) else "a mapping"
