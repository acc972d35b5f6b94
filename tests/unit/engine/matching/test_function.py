"""Generated functions: what they load, what they share, and that large ones mean the same as small ones."""

import msgspec
import pytest

from cepd.engine.matching.function import MOST_DEFAULTS, Writer
from cepd.engine.paths import MISSING
from cepd.engine.projection import Projection, slot

ODD = [None, True, False, 0, 1.5, 10**400, "", "text", [], ["a"], {}, {"x": 1}]


def read(view, load: str, path: str):
    writer = Writer("v")
    name = getattr(writer, load)(path)
    writer.write(f"return {name}")
    return writer.make().call(view)


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("path", ["a", "a.b", "a.b.c"])
def test_typed_views_of_a_value(path, value):
    event = value
    for part in reversed(path.split(".")):
        event = {part: event}
    view = Projection([path]).of(event)
    number = read(view, "number", path)
    assert number == value if type(value) in (int, float) else number != number
    assert read(view, "text", path) == (value if isinstance(value, str) else None)
    assert read(view, "haystack", path) == (value if isinstance(value, str | list) else ())
    assert read(view, "value", path) is value


@pytest.mark.parametrize("other", [[], ["a"], ["a.b"], ["a.z"], ["a.b.z"], ["a", "a.b.c.d"]])
@pytest.mark.parametrize(
    ("event", "value"),
    [
        ({"a": {"b": {"c": 7}}}, 7),
        ({"a": {"b": {}}}, MISSING),
        ({"a": {"b": "c"}}, MISSING),
        ({"a": ["b"]}, MISSING),
        ({"a": "b"}, MISSING),
        ({"a": None}, MISSING),
        ({"a": {"b": {"c": None}}}, None),
        ({}, MISSING),
    ],
)
def test_a_nested_value_is_found_whatever_else_the_projection_names(other, event, value):
    for view in (
        Projection(["a.b.c", *other]).of(event),
        Projection([*other, "a.b.c"]).decode(msgspec.json.encode(event)),
    ):
        assert read(view, "value", "a.b.c") is value or read(view, "value", "a.b.c") == value


def test_a_field_is_loaded_once_and_inside_a_block_only_for_the_block():
    writer = Writer("v")
    with writer.block("True"):
        assert writer.value("a") == writer.value("a")
    writer.value("a")
    writer.value("b")
    writer.value("b")
    writer.write("return 1")
    assert writer.make().source.count(f"v.{slot('a')}") == 2
    assert writer.make().source.count(f"v.{slot('b')}") == 1


def compared_with(values):
    writer = Writer("v")
    for value in values:
        with writer.block(f"{writer.value('a')} == {writer.constant(value)}"):
            writer.write(f"return {writer.constant([value])}")
    return writer.make()


def test_small_functions_of_one_text_share_their_code_with_constants_of_their_own():
    one, other = compared_with(["x", 5]), compared_with(["y", 6.5])
    assert one.call.__code__ is other.call.__code__
    view = Projection(["a"]).of
    assert [one.call(view({"a": value})) for value in ("x", 5, "y", 6.5)] == [["x"], [5], None, None]
    assert [other.call(view({"a": value})) for value in ("x", 5, "y", 6.5)] == [None, None, ["y"], [6.5]]


def test_large_functions_have_their_numbers_in_the_text_and_mean_the_same():
    values = [*range(MOST_DEFAULTS), -1, 10**400, -0.5, 1e308, 5e-324, "x", True]
    large, view = compared_with(values), Projection(["a"]).of
    assert "K0" not in large.source
    for value in values[2:-1]:
        assert large.call(view({"a": value})) == [value]
    assert large.call(view({"a": "K0"})) is None


def test_a_function_of_no_lines_does_nothing():
    assert Writer("v", "add").make().call(None, None) is None
