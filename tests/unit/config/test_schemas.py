"""The schemas as they are shipped: complete, with examples that hold, and the same for editors as for cepd."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import yaml

from cepd.config.check import check
from cepd.config.findings import Findings
from cepd.config.formats import FORMATS, read_sites
from cepd.config.parse import Document, parse
from cepd.config.schemas import BY_TYPE, KINDS, folder, schema_for, schema_of, types_in
from cepd.config.sheets import SCHEMAS
from cepd.config.sites import sites_of
from cepd.model.rule import Aggregate, Trigger, Window
from tests.unit.config.test_corpus import CORPUS

REFERENCES = {"channel", "rule", "api", "reload"}
"""Formats that only `references` reads."""
FOLDERS = ("triggers", "windows", "aggregates", "enrichments", "actions", "channels")
OF_FOLDER = {
    "triggers": "trigger",
    "windows": "window",
    "aggregates": "aggregate",
    "enrichments": "enrichment",
    "actions": "action",
    "channels": "channel",
}
FILES = sorted(path.relative_to(folder()).as_posix() for path in folder().rglob("*.json"))


def fields(schema: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every described field of a schema file, with its path."""
    for key, field in schema.get("properties", {}).items():
        yield f"{name}/{key}", field
        yield from fields(field, f"{name}/{key}")
    if isinstance(schema.get("items"), dict):
        yield from fields(schema["items"], f"{name}/*")


def document(data: Any, file: str = "a.yaml") -> Document:
    (read,) = parse(file, json.dumps(data, ensure_ascii=False).encode()).documents
    return read


def problems(kind: str, data: Any) -> list[str]:
    """What the schema and the formats of a kind find in data that stands where the kind's schema wants it."""
    findings = Findings(document(data), data)
    check(kind, findings)
    read_sites(list(sites_of(data, schema_of(kind))), findings)
    return [f"{found.code} {found.pointer} {found.message}" for found in findings.problems]


@pytest.mark.parametrize("file", FILES)
def test_every_field_is_described_and_has_an_example(file: str) -> None:
    name = file.removesuffix(".schema.json")
    if name == "common":
        return
    for path, field in fields(schema_of(name)):
        assert field.get("description"), path
        assert field.get("examples"), path


@pytest.mark.parametrize("file", FILES)
def test_a_typed_schema_is_titled_as_its_file(file: str) -> None:
    kind, _, name = file.removesuffix(".schema.json").rpartition("/")
    if kind:
        assert schema_of(f"{kind}/{name}")["title"] == f"{OF_FOLDER[kind].capitalize()} {name}"
        assert schema_of(f"{kind}/{name}")["examples"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_examples_of_fields_hold(kind: str) -> None:
    for path, field in fields(schema_of(kind)):
        for example in field.get("examples", ()):
            errors = list(jsonschema.Draft7Validator(field).iter_errors(example))
            assert errors == [], path


@pytest.mark.parametrize("folder_name", FOLDERS)
def test_the_examples_of_types_hold_in_whole_documents(folder_name: str) -> None:
    for name in types_in(folder_name):
        for example in schema_of(f"{folder_name}/{name}")["examples"]:
            kind, whole = in_a_document(folder_name, example)
            assert problems(kind, whole) == [], name


def in_a_document(folder_name: str, example: Any) -> tuple[str, Any]:
    rule: dict[str, Any] = {"id": "a", "trigger": {"type": "event"}, "actions": [{"endpoint": "https://a.example.com"}]}
    match folder_name:
        case "channels":
            return "channel", example
        case "aggregates":
            rule["aggregate"] = {"x": example}
        case "enrichments":
            rule["enrich"] = [example]
        case "actions":
            rule["actions"] = [example]
        case _:
            rule[OF_FOLDER[folder_name]] = example
    return "rulepack", {"kind": "RulePack", "name": "a", "rules": [rule]}


def test_triggers_and_windows_are_those_of_the_model() -> None:
    tags = {member.__struct_config__.tag: member for member in Trigger.__args__}
    assert set(types_in("triggers")) == tags.keys()
    for name, struct in tags.items():
        known = set(schema_of(f"triggers/{name}")["properties"])
        own = set(struct.__struct_fields__) - {"parameters"}
        assert own <= known, name
        assert name == "anomaly" or known <= own, name
    given = {field for name in types_in("windows") for field in schema_of(f"windows/{name}")["properties"]}
    assert given == set(Window.__struct_fields__) - {"type"}
    given = {field for name in types_in("aggregates") for field in schema_of(f"aggregates/{name}")["properties"]}
    assert given == set(Aggregate.__struct_fields__) - {"fn"}


def test_every_format_is_read_by_something() -> None:
    used = {form for file in FILES for form in formats_in(json.loads((folder() / file).read_text()))}
    assert used == FORMATS.keys() | REFERENCES


def formats_in(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        if isinstance(part.get("format"), str):
            yield part["format"]
        for member in part.values():
            yield from formats_in(member)
    elif isinstance(part, list):
        for item in part:
            yield from formats_in(item)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bundle_stands_alone(kind: str) -> None:
    bundle = schema_for(kind)
    jsonschema.Draft7Validator.check_schema(bundle)
    text = json.dumps(bundle)
    assert BY_TYPE not in text
    assert "oneOf" not in text
    assert text.count('"$ref"') == text.count('"$ref": "#/definitions/')


def corpus() -> Iterator[tuple[str, str, Any]]:
    """Every document of the broken files and of the examples that has a schema."""
    for path in sorted([*CORPUS.rglob("*.*"), *(folder().parent / "examples").rglob("*.yaml")]):
        if path.name == "expected.yaml" or path.suffix not in (".yaml", ".json"):
            continue
        for read in parse(path.name, path.read_bytes()).documents:
            kind = (
                "Settings"
                if path.name == "cepd.yaml"
                else read.data.get("kind")
                if isinstance(read.data, dict)
                else None
            )
            if kind in SCHEMAS and not read.faults:
                yield path.name, SCHEMAS[kind], read.data


def test_a_bundle_and_cepd_accept_and_refuse_the_same() -> None:
    refused = 0
    for name, kind, data in corpus():
        findings = Findings(document(data), data)
        check(kind, findings)
        by_bundle = not jsonschema.Draft7Validator(schema_for(kind)).is_valid(data)
        assert by_bundle == bool(findings.problems), name
        refused += by_bundle
    assert refused > 20


def test_a_wheel_would_hold_every_schema() -> None:
    import tomllib

    project = tomllib.loads((folder().parent / "pyproject.toml").read_text())
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]["schemas"] == "cepd/_schemas"
    assert yaml.safe_load((folder() / "rulepack.schema.json").read_text())["title"] == "Rule pack"
