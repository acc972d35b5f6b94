"""YAML text for people reads back as what it was, here and in tools that still speak YAML 1.1."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.config.parse import parse
from cepd.config.yaml_text import write_yaml

TEXTS = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
    | st.text(" \n\t:#-?{}[],&*!|>'\"%@`~=<0123456789.eExo_+yn", max_size=12)
    | st.text("\n\r\x85\u2028\u2029\ufeff\x7f\xa0 \"':?ab", max_size=8)
    | st.sampled_from(["on", "yes", "null", "~", "1e5", "0o17", "0x1F", "12:30", "1_000", ".inf", "---", "<<", "a: b"])
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(SCALARS, lambda some: st.lists(some, max_size=4) | st.dictionaries(TEXTS, some, max_size=4))


def same(one: Any, two: Any) -> bool:
    """Equal with classes and the order of keys."""
    if one.__class__ is not two.__class__:
        return False
    if isinstance(one, dict):
        return list(one) == list(two) and all(same(one[key], two[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(two) and all(map(same, one, two))
    return bool(one == two)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=4), st.sets(TEXTS, max_size=2))
def test_what_is_written_reads_back(document: dict[str, Any], blocks: set[str]) -> None:
    text = write_yaml(document, blocks=blocks)
    parsed = parse("some.yaml", text.encode())
    assert not parsed.faults
    assert [found.faults for found in parsed.documents] == [[]]
    assert same(parsed.documents[0].data, document)
    assert same(yaml.safe_load(text), document)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("plain text", "plain text"),
        ("서버 경보 😀", "서버 경보 😀"),
        ('say "so"', 'say "so"'),
        ("no", '"no"'),
        ("85", '"85"'),
        ("0o17", '"0o17"'),
        ("2026-02-06T10:30:00Z", '"2026-02-06T10:30:00Z"'),
        ("{{ host }} 서버 😀", '"{{ host }} 서버 😀"'),
        ('"a" in tags', "'\"a\" in tags'"),
        ('it\'s: "so"', '"it\'s: \\"so\\""'),
        ("", '""'),
        ("two\nlines", "|-\n  two\n  lines"),
        ("tab\there", '"tab\\there"'),
        ("a\x85b", '"a\\u0085b"'),
        ('say "so"\x85', '"say \\"so\\"\\u0085"'),
        ("two\nlines\u2028", '"two\\nlines\\u2028"'),
        (">", '">"'),
        (3.0, "3.0"),
        (1e20, "1.0e+20"),
        (None, "null"),
        (True, "true"),
        ([], "[]"),
        ({}, "{}"),
        ({"type": "event", "of": ["a", "b c"]}, "{type: event, of: [a, b c]}"),
    ],
)
def test_values_as_people_write_them(value: Any, text: str) -> None:
    assert write_yaml({"key": value}) == f"key: {text}\n"


@pytest.mark.parametrize("special", ["\x85", "\u2028", "\u2029", "\ufeff", "\x7f", "\x00"])
@pytest.mark.parametrize("around", ["{}", "a{}b", "\n{}", '"{}', "a: {}", "x" * 130 + "{}"])
def test_keys_with_what_yaml_takes_for_line_breaks_and_marks(special: str, around: str) -> None:
    key = around.format(special)
    document = {key: {key: [key, 1]}}
    text = write_yaml(document)
    assert parse("some.yaml", text.encode()).documents[0].data == document
    assert yaml.safe_load(text) == document


def test_a_collection_is_one_line_as_long_as_it_fits_into_120_columns() -> None:
    fits = {"key": ["x" * 56, "y" * 55]}
    assert write_yaml(fits) == f"key: [{'x' * 56}, {'y' * 55}]\n"
    assert len(write_yaml(fits).rstrip("\n")) == 120
    longer = {"key": ["x" * 56, "y" * 56]}
    assert write_yaml(longer) == f"key:\n  - {'x' * 56}\n  - {'y' * 56}\n"


def test_a_text_is_never_folded_however_long() -> None:
    assert write_yaml({"key": "word " * 100 + "end"}).count("\n") == 1
    assert write_yaml({"key": "{{ word }} " * 100 + "end"}).count("\n") == 1


def test_fields_that_give_each_item_a_line() -> None:
    document = {"actions": [{"type": "a"}, {"type": "b"}], "other": [{"type": "c"}], "deep": {"actions": ["d"]}}
    assert write_yaml(document, blocks=("actions",)) == (
        "actions:\n  - {type: a}\n  - {type: b}\nother: [{type: c}]\ndeep:\n  actions:\n    - d\n"
    )
