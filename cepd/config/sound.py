"""A quick yes where a document holds under its schema, as nearly all do; anything else is for jsonschema to say.

Each schema becomes one function, about twenty times as fast as applying the schema. A word that is not known here
makes its schema hold for nothing: then jsonschema decides alone.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, TypeAlias

from cepd.config.schemas import BY_TYPE, HINT, UNBUILT, Schema, pattern_of, schema_of, typed, types_in
from cepd.model.json import Json

_Test: TypeAlias = Callable[[Json], bool]


@cache
def soundness(kind: str) -> _Test:
    """Whether a document surely holds under the schema of a kind (`rulepack`, `channel`, `settings`)."""
    return test_of(schema_of(kind))


@cache
def _typed(common: str, name: str) -> _Test:
    return test_of(typed(common, name))


def test_of(schema: Schema) -> _Test:
    """Whether a value surely holds under a schema whose references are written out."""
    if not schema.keys() <= _KNOWN:
        return _never
    if BY_TYPE in schema:
        return _by_type(**schema[BY_TYPE])
    tests = [make(schema) for words, make in _MAKERS if not words.isdisjoint(schema)]
    if len(tests) == 1:
        return tests[0]
    return lambda value: all(test(value) for test in tests)


def _always(value: Json) -> bool:
    return True


def _never(value: Json) -> bool:
    return False


def _by_type(schema: str, folder: str, key: str, default: str = "") -> _Test:
    """The types' own tests are made when they are first met: an action may hold actions."""
    known = types_in(folder)

    def test(value: Json) -> bool:
        name = value.get(key, default) if isinstance(value, dict) else None
        return name in known and _typed(schema, name)(value)

    return test


_CLASSES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "object": (dict,),
    "array": (list,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}


def _type(schema: Schema) -> _Test:
    names = schema["type"]
    classes = {kind for name in ([names] if isinstance(names, str) else names) for kind in _CLASSES[name]}
    return lambda value: value.__class__ in classes


def _word(schema: Schema) -> _Test:
    words = {word for word in schema.get("enum", [schema.get("const")]) if isinstance(word, str)}
    return lambda value: isinstance(value, str) and value in words


def _text(schema: Schema) -> _Test:
    least, pattern = schema.get("minLength", 0), schema.get("pattern")
    if pattern is None:
        return lambda value: not isinstance(value, str) or len(value) >= least
    search = pattern_of(pattern).search
    return lambda value: not isinstance(value, str) or (len(value) >= least and search(value) is not None)


def _number(schema: Schema) -> _Test:
    infinity = float("inf")
    least, most = schema.get("minimum", -infinity), schema.get("maximum", infinity)
    above = schema.get("exclusiveMinimum", -infinity)
    return lambda value: value.__class__ not in (int, float) or (least <= value <= most and value > above)


def _list(schema: Schema) -> _Test:
    item = test_of(schema["items"]) if "items" in schema else _always
    least, most = schema.get("minItems", 0), schema.get("maxItems", float("inf"))
    return lambda value: not isinstance(value, list) or (least <= len(value) <= most and all(map(item, value)))


def _mapping(schema: Schema) -> _Test:
    fields = {name: test_of(part) for name, part in schema.get("properties", {}).items()}
    others = schema.get("additionalProperties", True)
    other = test_of(others) if isinstance(others, dict) else _always if others else _never
    key = test_of(schema["propertyNames"]) if "propertyNames" in schema else _always
    required = frozenset(schema.get("required", ()))
    least, most = schema.get("minProperties", 0), schema.get("maxProperties", float("inf"))

    def test(value: Json) -> bool:
        if not isinstance(value, dict):
            return True
        return (
            least <= len(value) <= most
            and required <= value.keys()
            and all(fields.get(name, other)(member) for name, member in value.items())
            and (key is _always or all(map(key, value)))
        )

    return test


_Maker: TypeAlias = Callable[[Any], _Test]
_MAKERS: tuple[tuple[frozenset[str], _Maker], ...] = (
    (frozenset(("type",)), _type),
    (frozenset(("enum", "const")), _word),
    (frozenset(("minLength", "pattern")), _text),
    (frozenset(("minimum", "maximum", "exclusiveMinimum")), _number),
    (frozenset(("items", "minItems", "maxItems")), _list),
    (
        frozenset(
            ("properties", "additionalProperties", "propertyNames", "required", "minProperties", "maxProperties")
        ),
        _mapping,
    ),
)
_SILENT = frozenset(("title", "description", "examples", "format", HINT, UNBUILT, BY_TYPE))
_KNOWN = _SILENT.union(*(words for words, _ in _MAKERS))
