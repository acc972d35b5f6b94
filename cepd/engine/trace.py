"""Why a condition held or did not: every part with its result and the values it saw.

A trace evaluates every part, also those that decide nothing, since a reader wants to see them. Both written forms of a
condition give the same trace.
"""

import json
from collections.abc import Iterator, Mapping
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


def trace(condition: Condition, fields: Mapping[str, Json]) -> Trace:
    """The tree of results for an event with these fields."""
    text = format_expression(condition)
    match condition:
        case Test():
            seen = tuple(_seen(operand, fields) for operand in _operands(condition))
            return Trace("test", text, compile_condition(condition)(fields), seen)
        case Not(item):
            part = trace(item, fields)
            return Trace("not", text, not part.result, parts=(part,))
        case All(items):
            parts = tuple(trace(item, fields) for item in items)
            return Trace("all", text, all(part.result for part in parts), parts=parts)
        case AnyOf(items):
            parts = tuple(trace(item, fields) for item in items)
            return Trace("any", text, any(part.result for part in parts), parts=parts)


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


def _seen(operand: Operand, fields: Mapping[str, Json]) -> Seen:
    text, value = format_operand(operand), compile_operand(operand)(fields)
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
