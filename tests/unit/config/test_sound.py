"""The quick yes is never a wrong one: the schemas that editors get, applied by jsonschema, say the same."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.config import sound
from cepd.config.parse import parse
from cepd.config.schemas import schema_for
from cepd.config.sheets import SCHEMAS
from cepd.config.sound import soundness
from tests.support.trees import codes, loaded
from tests.unit.config.test_corpus import CORPUS
from tests.unit.config.test_load_anything import CHANNEL, PACK, SETTINGS, VALUES, put, spots

DOCUMENTS = {"rulepack": PACK, "channel": CHANNEL, "settings": SETTINGS}
EXAMPLES = Path(__file__).parents[3] / "examples"


@cache
def oracle(kind: str) -> Any:
    return jsonschema.Draft7Validator(schema_for(kind))


@settings(max_examples=600, deadline=None)
@given(data=st.data())
def test_any_document_with_any_values_anywhere(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(DOCUMENTS)))
    document = DOCUMENTS[kind]
    for _ in range(data.draw(st.integers(0, 2))):
        spot = data.draw(st.sampled_from(spots(document)))
        document = put(document, spot, data.draw(VALUES))
    assert soundness(kind)(document) == oracle(kind).is_valid(document)


@pytest.mark.parametrize(
    "path", sorted(path for folder in (CORPUS, EXAMPLES) for path in folder.rglob("*.yaml")), ids=lambda path: path.name
)
def test_every_document_of_the_corpus_and_the_examples(path: Path) -> None:
    for document in parse(path.name, path.read_bytes()).documents:
        written = document.data.get("kind") if isinstance(document.data, dict) else None
        kind = "settings" if path.name == "cepd.yaml" else SCHEMAS.get(written)
        if kind is not None:
            assert soundness(kind)(document.data) == oracle(kind).is_valid(document.data)


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        ({"type": "integer", "minimum": 1}, 1, True),
        ({"type": "integer", "minimum": 1}, 0, False),
        ({"type": "integer"}, True, False),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, 0, False),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, 0.5, True),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, 1.5, False),
        ({"type": ["string", "null"], "minLength": 2}, None, True),
        ({"type": ["string", "null"], "minLength": 2}, "a", False),
        ({"pattern": "^a$"}, "a", True),
        ({"pattern": "^a$"}, "a\n", False),
        ({"pattern": "^a"}, "ab", True),
        ({"enum": ["a", "b"]}, "b", True),
        ({"enum": ["a", "b"]}, "c", False),
        ({"enum": ["a", "b"]}, ["a"], False),
        ({"const": "a"}, "a", True),
        ({"items": {"type": "string"}, "minItems": 1, "maxItems": 2}, ["a", "b"], True),
        ({"items": {"type": "string"}, "minItems": 1, "maxItems": 2}, [], False),
        ({"items": {"type": "string"}, "minItems": 1, "maxItems": 2}, ["a", "b", "c"], False),
        ({"items": {"type": "string"}}, ["a", 1], False),
        ({"properties": {"a": {"type": "string"}}}, {"a": 1}, False),
        ({"properties": {"a": {"type": "string"}}}, {"b": 1}, True),
        ({"properties": {"a": {}}, "additionalProperties": False}, {"b": 1}, False),
        ({"additionalProperties": {"type": "string"}}, {"b": 1}, False),
        ({"required": ["a"]}, {"b": 1}, False),
        ({"required": ["a"]}, [], True),
        ({"propertyNames": {"pattern": "^a$"}}, {"b": 1}, False),
        ({"propertyNames": {"pattern": "^a$"}, "minProperties": 1}, {"a": 1}, True),
        ({"minProperties": 1}, {}, False),
        ({"maxProperties": 1}, {"a": 1, "b": 2}, False),
        ({"title": "t", "x-cepd-hint": "h"}, object, True),
        ({"uniqueItems": True}, [], False),
        ({"properties": {"a": {"oneOf": []}}}, {"a": 1}, False),
    ],
)
def test_every_word(schema: dict[str, Any], value: Any, expected: bool) -> None:
    assert sound.test_of(schema)(value) is expected


def test_a_name_that_ends_with_a_line_break_is_none() -> None:
    text = json.dumps(put(PACK, ("name",), "p\n"))
    assert codes(loaded(a=text, b=json.dumps(CHANNEL)))[0] == "CEP105"
