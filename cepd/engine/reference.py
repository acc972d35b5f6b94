"""The meaning of conditions, written to be read: the oracle that the compiled form is tested against.

It shares no code with `conditions`, `operators` or `paths`, on purpose, and has no eye for speed. Two-valued: a test
is false, `!=` and `not_in` too, where a side has no value or values of different kinds would have to be compared.
A written `null` may be compared with a value of any kind; a null in an event is only another kind.
"""

import ipaddress
import math
from collections.abc import Mapping

import re2

from cepd.model.condition import All, AnyOf, Arithmetic, Call, Condition, Field, Literally, Not, Operand, Test
from cepd.model.json import Json

_LARGEST_INT = 10**400


class _NoValueError(Exception):
    """An operand has no value."""


def evaluate(condition: Condition, fields: Mapping[str, Json]) -> bool:
    """Whether the condition holds for an event with these fields."""
    match condition:
        case All(items):
            return all(evaluate(item, fields) for item in items)
        case AnyOf(items):
            return any(evaluate(item, fields) for item in items)
        case Not(item):
            return not evaluate(item, fields)
        case Test():
            try:
                return _holds(condition, fields)
            except _NoValueError:
                return False


def _holds(test: Test, fields: Mapping[str, Json]) -> bool:
    left = _value(test.left, fields)
    if test.right is None:
        return True
    right = _value(test.right, fields)
    written = isinstance(test.right, Literally)
    match test.op:
        case ">":
            return _numbers(left, right) and left > right
        case "<":
            return _numbers(left, right) and left < right
        case ">=":
            return _numbers(left, right) and left >= right
        case "<=":
            return _numbers(left, right) and left <= right
        case "==":
            return _same(left, right)
        case "!=":
            comparable = _kind(left) == _kind(right) or test.right == Literally(None) or test.left == Literally(None)
            return comparable and not _same(left, right)
        case "in":
            return isinstance(right, list) and any(_same(left, item) for item in right)
        case "not_in":
            if not isinstance(right, list) or any(_same(left, item) for item in right):
                return False
            kinds = [_kind(item) for item in right]
            return not right or _kind(left) in kinds or (written and "null" in kinds) or test.left == Literally(None)
    return any(_finds(test, left, item) for item in (right if isinstance(right, list) else [right]))


def _finds(test: Test, left: Json, wanted: Json) -> bool:
    """Whether `contains`, `starts_with`, `ends_with`, `matches` or `cidr` holds for one wanted value."""
    if test.op == "contains" and isinstance(left, list):
        return any(_same(_fold(test, item), _fold(test, wanted)) for item in left)
    if not isinstance(left, str) or not isinstance(wanted, str) or wanted == "":
        return False
    match test.op:
        case "contains":
            return _fold(test, wanted) in _fold(test, left)
        case "starts_with":
            return bool(_fold(test, left).startswith(_fold(test, wanted)))
        case "ends_with":
            return bool(_fold(test, left).endswith(_fold(test, wanted)))
        case "matches":
            return _matches(("(?i)" if test.ignore_case else "") + wanted, left)
    try:
        address = ipaddress.ip_address(left)
    except ValueError:
        return False
    network = ipaddress.ip_network(wanted)
    first, last = network.network_address, network.broadcast_address
    return address.version == network.version and int(first) <= int(address) <= int(last)


def _matches(pattern: str, text: str) -> bool:
    try:
        return re2.search(pattern, text) is not None
    except UnicodeEncodeError:  # half of a surrogate pair: no text that RE2 could read
        return False


def _fold(test: Test, value: Json) -> Json:
    return value.lower() if test.ignore_case and isinstance(value, str) else value


def _value(operand: Operand, fields: Mapping[str, Json]) -> Json:
    match operand:
        case Literally(value):
            return value
        case Field(path):
            found: Json = fields
            for part in path.split("."):
                if not isinstance(found, Mapping) or part not in found:
                    raise _NoValueError
                found = found[part]
            return found
        case Call("lower", argument):
            text = _value(argument, fields)
            if not isinstance(text, str):
                raise _NoValueError
            return text.lower()
        case Call("length", argument):
            sized = _value(argument, fields)
            if not isinstance(sized, str | list):
                raise _NoValueError
            return len(sized)
        case Arithmetic(op, left, right):
            return _calculate(op, _value(left, fields), _value(right, fields))
    raise AssertionError(operand)


def _calculate(op: str, left: Json, right: Json) -> Json:
    if not _numbers(left, right):
        raise _NoValueError
    try:
        match op:
            case "+":
                result = left + right
            case "-":
                result = left - right
            case "*":
                result = left * right
            case "/":
                result = left / right
            case _:
                result = left % right
    except (ZeroDivisionError, OverflowError):
        raise _NoValueError from None
    if isinstance(result, float) and not math.isfinite(result):
        raise _NoValueError
    if isinstance(result, int) and not -_LARGEST_INT <= result <= _LARGEST_INT:
        raise _NoValueError
    return result


def _numbers(left: Json, right: Json) -> bool:
    return _kind(left) == "number" and _kind(right) == "number"


def _kind(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "text"
    return "list" if isinstance(value, list) else "object"


def _same(left: Json, right: Json) -> bool:
    """Equal and of one kind, all the way down."""
    if _kind(left) != _kind(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(_same(one, other) for one, other in zip(left, right, strict=True))
    if isinstance(left, dict):
        return set(left) == set(right) and all(_same(left[name], right[name]) for name in left)
    return bool(left == right)
