"""Conditions as Python expressions over views.

The common tests are spelled out; the rare ones are calls of what `cepd.engine.conditions` makes of them. What is too
deep or too large for one expression is a function of its own: Python refuses 200 nested parentheses, and compiles an
expression of 20,000 terms slowly.
"""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from cepd.engine.conditions import Holds, compile_condition, facing_left, predicate, relation
from cepd.engine.matching.entry import Conjunct, FromSources, Suspected, items_of, nodes_of
from cepd.engine.matching.function import Writer, Written
from cepd.engine.matching.patterns import required_texts
from cepd.engine.operators import alternatives
from cepd.engine.projection import read_field
from cepd.model.condition import All, AnyOf, Condition, Field, Literally, Not, Operator, Test
from cepd.model.json import Json

DEEPEST = 12
"""Levels of groups in one expression."""
LONGEST = 250
"""Members of one group in one expression."""
MOST_LEAVES = 25
"""Of a member of a large group; a larger member is a function of its own."""

Parts: TypeAlias = Mapping[int, Holds]
"""Functions for parts of conditions, by `id` of the part."""


def compile_holds(condition: Condition) -> Holds:
    """A function that says whether a condition holds for a view that has its fields."""
    return _function(condition, split(condition)).call


def conjunct_expression(writer: Writer, conjunct: Conjunct) -> str:
    """What an entry asks for as an expression, in a function with a parameter `source`."""
    if isinstance(conjunct, FromSources):
        return f"{writer.sender()} in {writer.constant(conjunct.sources)}"
    if isinstance(conjunct, Suspected):
        return _literal_leaf(writer, conjunct.test)
    return expression(writer, conjunct, split(conjunct))


def expression(writer: Writer, condition: Condition, parts: Parts) -> str:
    """The condition as an expression; `parts` are those of its parts that have functions."""
    if id(condition) in parts:
        return f"{writer.function(parts[id(condition)], condition)}(v)"
    match condition:
        case Test():
            return _leaf(writer, facing_left(condition))
        case Not(item):
            return f"(not {expression(writer, item, parts)})"
        case All(items):
            return _group(writer, All, items, " and ", "True", parts)
        case AnyOf(items):
            return _group(writer, AnyOf, items, " or ", "False", parts)


def split(condition: Condition) -> Parts:
    """Functions for those parts without which the rest of the condition is small enough for one expression."""
    parts: dict[int, Holds] = {}
    sizes: dict[int, tuple[int, int]] = {}
    for group in reversed([node for node in nodes_of(condition) if not isinstance(node, Test)]):
        found = [(item, *sizes.get(id(item), (0, 1))) for item in items_of(group)]
        large = sum(leaves for _, _, leaves in found) > LONGEST
        deepest, total = 0, 0
        for item, depth, leaves in found:
            if depth >= DEEPEST or (large and leaves > MOST_LEAVES):
                parts[id(item)] = _function(item, parts).call
                depth, leaves = 0, 1
            deepest, total = max(deepest, depth), total + leaves
        sizes[id(group)] = 1 + deepest, total
    return parts


def _function(condition: Condition, parts: Parts) -> Written:
    writer = Writer("v")
    code = expression(writer, condition, parts)
    writer.write(f"return {code}")
    return writer.make()


def _group(
    writer: Writer,
    kind: Callable[[tuple[Condition, ...]], Condition],
    items: tuple[Condition, ...],
    sign: str,
    empty: str,
    parts: Parts,
) -> str:
    if len(items) <= LONGEST:
        return f"({sign.join([expression(writer, item, parts) for item in items]) or empty})"
    pieces = [kind(items[start : start + LONGEST]) for start in range(0, len(items), LONGEST)]
    return f"({sign.join([f'{writer.function(_function(piece, parts).call, piece)}(v)' for piece in pieces])})"


def _leaf(writer: Writer, test: Test) -> str:
    left, right = test.left, test.right
    if isinstance(left, Field):
        if right is None:
            return f"{writer.value(left.path)} is not MISSING"
        if isinstance(right, Literally):
            return _matches(writer, test) if test.op == "matches" else _literal_leaf(writer, test)
        if isinstance(right, Field):
            compares = writer.function(relation(test.op, test.ignore_case), test)
            return f"{compares}({writer.value(left.path)}, {writer.value(right.path)})"
    return f"{writer.function(compile_condition(test, read_field), test)}(v)"


def _literal_leaf(writer: Writer, test: Test) -> str:
    """A field against a literal."""
    left, right = test.left, test.right
    assert isinstance(left, Field)
    assert isinstance(right, Literally)
    spelling = _SPELLINGS.get(test.op)
    code = None if spelling is None or test.ignore_case else spelling(writer, test.op, left.path, right)
    return code or f"{writer.function(predicate(test.op, right, test.ignore_case), test)}({writer.value(left.path)})"


def _matches(writer: Writer, test: Test) -> str:
    """RE2 is asked last: a search costs 1.6 us, the look for a text that any match has to hold a twentieth."""
    search, needed = _literal_leaf(writer, test), required_texts(test)
    if not needed or not isinstance(test.left, Field):
        return search
    text = writer.text(test.left.path)
    held = " or ".join(f"{writer.constant(part)} in {text}" for part in needed)
    return f"({text} is not None and ({held}) and {search})"


def _ordering(writer: Writer, op: Operator, path: str, right: Literally) -> str | None:
    return f"{writer.number(path)} {op} {writer.constant(right.value)}"


def _equality(writer: Writer, op: Operator, path: str, right: Literally) -> str | None:
    literal = right.value
    match literal:
        case None:
            value = writer.value(path)
            return f"{value} is None" if op == "==" else f"({value} is not None and {value} is not MISSING)"
        case bool():
            return f"{writer.value(path)} is {literal is (op == '==')}"
        case int() | float():
            number, written = writer.number(path), writer.constant(literal)
            return f"{number} == {written}" if op == "==" else f"({number} == {number} and {number} != {written})"
        case str():
            text, written = writer.text(path), writer.constant(literal)
            return f"{text} == {written}" if op == "==" else f"({text} is not None and {text} != {written})"
    return None


def _membership(writer: Writer, op: Operator, path: str, right: Literally) -> str | None:
    kinds = {_kind(item) for item in right.value}
    if kinds == {str}:
        text, written = writer.text(path), writer.constant(frozenset(right.value))
        return f"{text} in {written}" if op == "in" else f"({text} is not None and {text} not in {written})"
    if kinds == {float}:
        number, written = writer.number(path), writer.constant(frozenset(right.value))
        return f"{number} in {written}" if op == "in" else f"({number} == {number} and {number} not in {written})"
    return None


def _kind(value: Json) -> type:
    return float if value.__class__ is int else value.__class__


def _containment(writer: Writer, op: Operator, path: str, right: Literally) -> str | None:
    wanted = alternatives(right)
    if any(item.__class__ is not str for item in wanted):
        return None
    haystack = writer.haystack(path)
    return f"({' or '.join([f'{writer.constant(item)} in {haystack}' for item in wanted])})"


def _affix(writer: Writer, op: Operator, path: str, right: Literally) -> str | None:
    text, method = writer.text(path), "startswith" if op == "starts_with" else "endswith"
    return f"({text} is not None and {text}.{method}({writer.constant(tuple(alternatives(right)))}))"


_SPELLINGS: dict[Operator, Callable[[Writer, Operator, str, Literally], str | None]] = {
    ">": _ordering,
    "<": _ordering,
    ">=": _ordering,
    "<=": _ordering,
    "==": _equality,
    "!=": _equality,
    "in": _membership,
    "not_in": _membership,
    "contains": _containment,
    "starts_with": _affix,
    "ends_with": _affix,
}
"""How a test of a field against a literal is spelled; None where it is left to a predicate."""
