"""From checked documents to the structs of the model. Everything that can be wrong was found before."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from cepd.config.carries import carries_of
from cepd.config.pointers import Path
from cepd.config.schemas import schema_of
from cepd.model.channel import ChannelSpec
from cepd.model.json import Json
from cepd.model.rule import AnomalyTrigger, Rule, severity_of
from cepd.model.settings import Settings
from cepd.model.terms import terms_of
from cepd.templating.environment import Template, Value


def build_rule(document: Mapping[str, Json], path: Path, meant: Mapping[Path, Any], pack_owner: str | None) -> Rule:
    """The rule that a canonical document means. `meant` holds what its values mean, by their paths in the pack."""
    shape: dict[str, Any] = dict(filled(document, path, meant))
    shape.setdefault("name", shape["id"])
    if "owner" not in shape and pack_owner is not None:
        shape["owner"] = pack_owner
    if "severity" in shape:
        shape["severity"] = severity_of(shape["severity"])
    if "for" in shape:
        shape["hold"] = shape.pop("for")
    if isinstance(shape.get("suppress"), int):
        shape["suppress"] = {"window": shape["suppress"]}
    if isinstance(shape.get("resolve"), bool):
        shape["resolve"] = {} if shape["resolve"] else None
    shape["trigger"] = _trigger(shape["trigger"])
    shape["actions"] = [_with_options(action, "webhook") for action in document["actions"]]
    shape["enrich"] = [_with_options(step, "") for step in document.get("enrich", ())]
    rule = msgspec.convert(shape, Rule)
    texts = [meant[at] for at in _paths_below(document["actions"], (*path, "actions")) if at in meant]
    reads = {read for text in texts if isinstance(text, Template | Value) for read in text.paths}
    return msgspec.structs.replace(rule, carries=carries_of(rule, reads))


def _paths_below(value: Json, path: Path) -> Iterator[Path]:
    yield path
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield from _paths_below(member, (*path, key))


def filled(value: Json, path: Path, meant: Mapping[Path, Any]) -> Json:
    """A copy of a value with everything below it replaced by what it means."""
    if path in meant:
        return meant[path]
    if isinstance(value, dict):
        return {key: filled(member, (*path, key), meant) for key, member in value.items()}
    if isinstance(value, list):
        return [filled(item, (*path, index), meant) for index, item in enumerate(value)]
    return value


def _with_options(document: Mapping[str, Json], default: str) -> dict[str, Json]:
    options = {key: value for key, value in document.items() if key != "type"}
    return {"type": document.get("type", default), "options": options}


_ANOMALY_FIELDS = frozenset(("type", *AnomalyTrigger.__struct_fields__))


def _trigger(shape: dict[str, Any]) -> dict[str, Any]:
    if shape["type"] == "anomaly":
        own = {key: value for key, value in shape.items() if key in _ANOMALY_FIELDS}
        return {**own, "parameters": {key: value for key, value in shape.items() if key not in _ANOMALY_FIELDS}}
    if shape["type"] == "sequence":
        return {**shape, "steps": [_step(step) for step in shape["steps"]]}
    return shape


def _step(shape: dict[str, Any]) -> dict[str, Any]:
    for role in ("not", "absent"):
        if role in shape:
            return {**shape[role], "role": role}
    return shape


def build_channel(document: Mapping[str, Json], meant: Mapping[Path, Any]) -> ChannelSpec:
    """The channel that a document means; the fields of its type stay as they are written."""
    shape = filled(document, (), meant)
    spec = {key: shape[key] for key in ("name", "type", "default", "allow_private", "fallback") if key in shape}
    spec["terms"] = terms_of(document)
    common = schema_of("channel")["properties"]
    options = {key: value for key, value in document.items() if key not in common}
    return ChannelSpec(**spec, options=options)


def build_settings(document: Mapping[str, Json], meant: Mapping[Path, Any]) -> Settings:
    shape = filled(document, (), meant)
    shape.pop("$schema", None)
    if "egress" in shape:
        shape["egress"] = shape["egress"]["allow"]
    return msgspec.convert(shape, Settings)
