"""The canonical one-line text of a condition.

It is the inverse of the parser: reading the text gives the same tree, for every tree in which groups hold two items or
more. Traces, messages and fingerprint reports show conditions in this form, whatever form they were written in.
"""

import keyword
import unicodedata

from cepd.model.condition import All, AnyOf, Arithmetic, Call, Condition, Field, Literally, Not, Operand, Test
from cepd.model.json import Json

_OR, _AND, _NOT = 1, 2, 3
_STRENGTH = {"+": 1, "-": 1, "*": 2, "/": 2, "%": 2}
_WORDS = {"in": "in", "not_in": "not in"}
_CONSTANTS = {True: "true", False: "false", None: "null"}
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def format_expression(condition: Condition) -> str:
    """The text of the condition, on one line."""
    return _condition(condition, _OR)


def format_operand(operand: Operand) -> str:
    """The text of one side of a test."""
    return _operand(operand, 0)


def _condition(condition: Condition, around: int) -> str:
    match condition:
        case AnyOf(items):
            text = " or ".join(_condition(item, _AND) for item in items)
            return f"({text})" if around > _OR else text
        case All(items):
            text = " and ".join(_condition(item, _NOT) for item in items)
            return f"({text})" if around > _OR else text
        case Not(Test() as test) if _is_call(test):
            return f"not {_test(test)}"
        case Not(Test() as test):
            return f"not ({_test(test)})"
        case Not(item):
            return f"not {_condition(item, _NOT)}"
        case _:
            return _test(condition)


def _is_call(test: Test) -> bool:
    return test.op[0].isalpha() and test.op not in _WORDS


def _test(test: Test) -> str:
    sides = [format_operand(side) for side in (test.left, test.right) if side is not None]
    if _is_call(test):
        arguments = [*sides, "ignore_case=true"] if test.ignore_case else sides
        return f"{test.op}({', '.join(arguments)})"
    return f" {_WORDS.get(test.op, test.op)} ".join(sides)


def _operand(operand: Operand, around: int) -> str:
    match operand:
        case Field(path):
            return _field(path)
        case Literally(value):
            return _literal(value)
        case Call(function, argument):
            return f"{function}({format_operand(argument)})"
        case Arithmetic(op, left, right):
            strength = _STRENGTH[op]
            text = f"{_operand(left, strength)} {op} {_operand(right, strength + 1)}"
            return f"({text})" if strength < around else text


def _field(path: str) -> str:
    parts = path.split(".")
    if all(_is_plain(part) for part in parts) and parts[0] not in _CONSTANTS.values():
        return path
    return f"field({_literal(path)})"


def _is_plain(part: str) -> bool:
    """Whether Python's parser reads the part as one name and leaves its code points alone."""
    return part.isidentifier() and not keyword.iskeyword(part) and unicodedata.is_normalized("NFKC", part)


def _literal(value: Json) -> str:
    if value.__class__ is str:
        return '"' + "".join(_ESCAPES.get(mark) or _visible(mark) for mark in value) + '"'
    if value.__class__ is list:
        return f"[{', '.join(_literal(item) for item in value)}]"
    if value is None or value.__class__ is bool:
        return _CONSTANTS[value]
    return repr(value)


def _visible(mark: str) -> str:
    if mark.isprintable():
        return mark
    return f"\\u{ord(mark):04x}" if ord(mark) < 0x10000 else f"\\U{ord(mark):08x}"
