"""Positions: 1-based code points, the end exclusive, in every style of scalar."""

import pytest

from cepd.config.parse import parse
from cepd.config.places import Place, place_of_first_key, place_of_key, place_of_value, place_within, value_node

TEXT = """\
이름: {b: [1, "두 😀", {c: d}]}
e:
  - f: 12
    g: |
      one
  - h
"""


@pytest.mark.parametrize(
    ("place_of", "path", "place"),
    [
        (place_of_key, ("이름",), Place(1, 1, 1, 3)),
        (place_of_value, ("이름", "b", 0), Place(1, 10, 1, 11)),
        (place_of_value, ("이름", "b", 1), Place(1, 13, 1, 18)),
        (place_of_key, ("이름", "b", 2, "c"), Place(1, 21, 1, 22)),
        (place_of_first_key, ("이름", "b", 2), Place(1, 21, 1, 22)),
        (place_of_value, ("e", 0, "f"), Place(3, 8, 3, 10)),
        (place_of_first_key, ("e", 0), Place(3, 5, 3, 6)),
        (place_of_value, ("e", 0), Place(3, 5, 3, 6)),
        (place_of_key, ("e", 1), Place(6, 5, 6, 6)),
        (place_of_value, ("e", 0, "missing", "below"), Place(3, 5, 3, 6)),
        (place_of_value, ("e", 7), Place(3, 3, 3, 4)),
        (place_of_value, (), Place(1, 1, 1, 2)),
    ],
)
def test_finds_keys_and_values(place_of, path, place) -> None:
    (document,) = parse("a.yaml", TEXT.encode()).documents
    assert place_of(document.root, path) == place


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: x >> y", 1, 6),
        ("a: 한글 😀 >> y", 1, 9),
        ("a: one\n   two >> y", 2, 8),
        ("a: 'it''s >> y'", 1, 11),
        ("a: 'it''s\n\n  and >> y'", 3, 7),
        (r'a: "\u00e9\x41\U0001F600\n\"\\ >> y"', 1, 32),
        ('a: "one \\\n   two >> y"', 2, 8),
        ('a: "one\n\n   two >> y"', 3, 8),
        ("a: |\n  one\n    two >> y\n", 3, 9),
        ("a: |2\n   one\n  two >> y\n", 3, 7),
        ("a: |-  # words\n  one\n\n  >> y\n", 4, 3),
        ("a: >\n  one\n  two >> y\n", 3, 7),
        ("a: |\r\n  one\r\n  two >> y\r\n", 3, 7),
    ],
)
def test_finds_a_part_of_a_scalar(text: str, line: int, column: int) -> None:
    (document,) = parse("a.yaml", text.encode()).documents
    start = document.data["a"].index(">>")
    place = place_within(value_node(document.root, ("a",)), document.data["a"], document.text, start, start + 2)
    assert place == Place(line, column, line, column + 2)


def test_a_pair_of_escapes_is_one_code_point() -> None:
    (document,) = parse("a.json", rb'{"a": "\ud83d\ude00 >> y"}').documents
    place = place_within(value_node(document.root, ("a",)), document.data["a"], document.text, 2, 4)
    assert place == Place(1, 21, 1, 23)


def test_the_end_of_a_text_is_a_place() -> None:
    (document,) = parse("a.yaml", b"a: one").documents
    assert place_within(value_node(document.root, ("a",)), document.data["a"], document.text, 3, 4) == Place(1, 7, 1, 8)
