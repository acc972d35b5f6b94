"""Field paths: looking up, checking, and finding them in conditions."""

import pytest

from cepd.engine.expressions import parse_expression
from cepd.engine.paths import MAX_PARTS, MISSING, fields_of, lookup, path_fault

EVENT = {"a": {"b": {"c": 1, "d": None}}, "a.b": 2, "list": [1], "": 3}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b.c", 1),
        ("a.b.d", None),
        ("a.b", {"c": 1, "d": None}),
        ("a.x", MISSING),
        ("a.b.c.d", MISSING),
        ("list.0", MISSING),
        ("x", MISSING),
    ],
)
def test_lookup(path, value):
    assert lookup(EVENT, path) == value


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", ".".join("a" * (MAX_PARTS + 1)), "a.\ud800"])
def test_what_is_no_path(path):
    assert path_fault(path)


@pytest.mark.parametrize("path", ["a", "a b", "a.5.-", "클", ".".join("a" * MAX_PARTS)])
def test_what_is_a_path(path):
    assert path_fault(path) is None


def test_fields_of_finds_every_operand():
    condition = parse_expression('not (a + b.c > d and lower(e) == "x") or "y" in f or exists(g) or matches(h, "x")')
    assert fields_of(condition) == {"a", "b.c", "d", "e", "f", "g", "h"}
