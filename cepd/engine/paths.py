"""Field paths: how a dotted path finds its value in an event, and which paths a condition names.

A path walks nested objects, one segment a level. A key that holds a dot itself cannot be reached, and neither can an
item of a list. What is not there is `MISSING`, which is no JSON value: a field that holds null is there.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from msgspec import UNSET, UnsetType

from cepd.model.condition import Arithmetic, Call, Condition, Field, Not, Operand, Test
from cepd.model.json import Json

MAX_PARTS = 64
"""Events are not nested deeper."""


Missing: TypeAlias = UnsetType

MISSING: Final = UNSET


def lookup(fields: Mapping[str, Json], path: str) -> Json:
    """The value at the path, or `MISSING`."""
    return read_member(path)(fields)


def read_member(path: str) -> Callable[[Mapping[str, Json]], Json]:
    """A function that gives the value at the path of any event's fields, `MISSING` where there is none."""
    first, *rest = path.split(".")
    if not rest:
        return lambda fields: fields.get(first, MISSING)

    def nested(fields: Mapping[str, Json]) -> Json:
        found = fields.get(first, MISSING)
        for part in rest:
            if found.__class__ is not dict:
                return MISSING
            found = found.get(part, MISSING)
        return found

    return nested


def path_fault(path: str) -> str | None:
    """Why a text is no field path, in words; None where it is one."""
    if not path:
        return "a field path is empty"
    if not all(path.split(".")):
        return f"the field path {path!r} has an empty part"
    if path.count(".") >= MAX_PARTS:
        return f"the field path has more than {MAX_PARTS} parts"
    if has_surrogate(path):
        return f"the field path {path!r} holds half of a surrogate pair"
    return None


def has_surrogate(text: str) -> bool:
    """Whether a text holds half of a surrogate pair: no UTF-8 can say it, so no event holds it."""
    return not text.isascii() and any("\ud800" <= mark <= "\udfff" for mark in text)


def fields_of(condition: Condition) -> set[str]:
    """Every path that the condition reads."""
    return {field.path for test in tests_of(condition) for field in operand_fields(test)}


def tests_of(condition: Condition) -> Iterator[Test]:
    """The leaves, left to right."""
    match condition:
        case Test():
            yield condition
        case Not(item):
            yield from tests_of(item)
        case _:
            for item in condition.items:
                yield from tests_of(item)


def operand_fields(part: Test | Operand) -> Iterator[Field]:
    """The fields below a test or an operand, left to right, repeats included."""
    match part:
        case Field():
            yield part
        case Test() | Arithmetic():
            yield from operand_fields(part.left)
            if part.right is not None:
                yield from operand_fields(part.right)
        case Call():
            yield from operand_fields(part.argument)
