"""Why a condition held or did not: every part with its result and the values it saw.

A trace evaluates every part, also those that decide nothing, since a reader wants to see them. Both written forms of a
condition give the same trace.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Literal, TypeAlias

import msgspec

from cepd.engine.conditions import compile_condition, compile_operand
from cepd.engine.formatting import format_expression, format_operand
from cepd.engine.paths import MISSING, operand_fields
from cepd.model.condition import All, AnyOf, Condition, Field, Literally, Not, Operand, Test
from cepd.model.json import Json

Joint: TypeAlias = Literal["test", "all", "any", "not"]

_TITLES: dict[Joint, str] = {"all": "all of", "any": "any of", "not": "not"}
_WIDEST_VALUE = 120


class Seen(msgspec.Struct, frozen=True):
    """The value that a field, or something computed of fields, had; `missing`: it had none."""

    text: str
    value: Json = None
    missing: bool = False


class Trace(msgspec.Struct, frozen=True):
    joint: Joint
    text: str
    result: bool
    seen: tuple[Seen, ...] = ()
    parts: tuple["Trace", ...] = ()


_Tracer: TypeAlias = Callable[[Mapping[str, Json]], Trace]


def trace(condition: Condition, fields: Mapping[str, Json]) -> Trace:
    """The tree of results for an event with these fields."""
    return _tracer(_Same(condition))(fields)


class _Same:
    """A condition as the key of a memo: equal to itself alone, as trees may hold lists and are slow to compare."""

    __slots__ = ("condition",)

    def __init__(self, condition: Condition) -> None:
        self.condition = condition

    def __hash__(self) -> int:
        return id(self.condition)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.condition is self.condition


@lru_cache(maxsize=1024)
def _tracer(same: _Same) -> _Tracer:
    """Every alert of a rule asks for the trace of the same condition."""
    return _compile(same.condition)


def _compile(condition: Condition) -> _Tracer:
    text = format_expression(condition)
    match condition:
        case Test():
            holds = compile_condition(condition)
            sides = [(format_operand(side), compile_operand(side)) for side in _operands(condition)]
            return lambda fields: Trace(
                "test", text, holds(fields), tuple(_seen(name, read(fields)) for name, read in sides)
            )
        case Not(item):
            return _joined("not", text, (item,), lambda results: not all(results))
        case All(items):
            return _joined("all", text, items, all)
        case AnyOf(items):
            return _joined("any", text, items, any)


def _joined(joint: Joint, text: str, items: Iterable[Condition], decide: Callable[[Iterable[bool]], bool]) -> _Tracer:
    tracers = [_compile(item) for item in items]

    def traced(fields: Mapping[str, Json]) -> Trace:
        parts = tuple(tracer(fields) for tracer in tracers)
        return Trace(joint, text, decide([part.result for part in parts]), parts=parts)

    return traced


def render_trace(traced: Trace) -> list[str]:
    """Lines for people, the parts indented under what they belong to."""
    return list(_lines(traced, ""))


def _operands(test: Test) -> Iterator[Operand]:
    """The test's fields, then its computed sides; each once, literals not at all."""
    fields = list(operand_fields(test))
    sides = [side for side in (test.left, test.right) if side is not None and not isinstance(side, Field | Literally)]
    shown: list[Operand] = []
    for operand in (*fields, *sides):
        if operand not in shown:
            shown.append(operand)
            yield operand


def _seen(text: str, value: Json) -> Seen:
    return Seen(text, missing=True) if value is MISSING else Seen(text, value)


def _lines(traced: Trace, indent: str) -> Iterator[str]:
    word = "true " if traced.result else "false"
    values = ", ".join(_value_line(seen) for seen in traced.seen)
    text = f"{traced.text}  ({values})" if values else _TITLES.get(traced.joint, traced.text)
    yield f"{indent}{word}  {text}"
    for part in traced.parts:
        yield from _lines(part, indent + "  ")


def _value_line(seen: Seen) -> str:
    if seen.missing:
        return f"{seen.text} is missing"
    text = json.dumps(seen.value, ensure_ascii=False).encode(errors="replace").decode()
    return f"{seen.text} is {text if len(text) <= _WIDEST_VALUE else text[:_WIDEST_VALUE] + '…'}"
