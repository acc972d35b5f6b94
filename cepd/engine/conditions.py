"""Conditions compiled to closures over an event's fields, or over whatever else paths can be read from.

Everything that does not depend on the event happens once, at compile time: paths are split, literals sorted by kind,
patterns and networks parsed. What a condition means is written in `reference`; both must agree on every event.
`matching` says the common tests in generated code and takes the rest from here.
"""

import ipaddress
import math
import operator
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from cepd.engine.operators import LARGEST_INT, alternatives, compile_pattern, parse_network
from cepd.engine.paths import MISSING, read_member
from cepd.model.condition import All, AnyOf, Arithmetic, Call, Condition, Field, Literally, Not, Operand, Operator, Test
from cepd.model.json import Json

Fields: TypeAlias = Mapping[str, Json]
Holds: TypeAlias = Callable[[Any], bool]
Getter: TypeAlias = Callable[[Any], Json]
Reader: TypeAlias = Callable[[str], Getter]
"""Makes the getter of a path: `read_member` for decoded events, `read_field` for views."""
Predicate: TypeAlias = Callable[[Json], bool]
Relation: TypeAlias = Callable[[Json, Json], bool]

_ORDERINGS: dict[Operator, Relation] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_MIRRORED: dict[Operator, Operator] = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}
_SIGNS: dict[str, Callable[[Json, Json], Json]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
}


def compile_condition(condition: Condition, read: Reader = read_member) -> Holds:
    """A function that says whether the condition holds. The condition must be one that the parsers gave."""
    match condition:
        case Test():
            return _test(condition, read)
        case Not(item):
            inner = compile_condition(item, read)
            return lambda fields: not inner(fields)
        case All((one, other)):
            first, second = compile_condition(one, read), compile_condition(other, read)
            return lambda fields: first(fields) and second(fields)
        case All(items):
            every = tuple(compile_condition(item, read) for item in items)
            return lambda fields: all(holds(fields) for holds in every)
        case AnyOf(items):
            some = tuple(compile_condition(item, read) for item in items)
            return lambda fields: any(holds(fields) for holds in some)


def compile_operand(operand: Operand, read: Reader = read_member) -> Getter:
    """A function that gives the operand's value, `MISSING` where it has none."""
    match operand:
        case Literally(value):
            return lambda fields: value
        case Field(path):
            return read(path)
        case Call("lower", argument):
            text = compile_operand(argument, read)
            return lambda fields: value.lower() if (value := text(fields)).__class__ is str else MISSING
        case Call("length", argument):
            sized = compile_operand(argument, read)
            return lambda fields: len(value) if (value := sized(fields)).__class__ in (str, list) else MISSING
        case Arithmetic(op, left, right):
            return _arithmetic(_SIGNS[op], compile_operand(left, read), compile_operand(right, read))
    raise AssertionError(operand)


def equal(left: Json, right: Json) -> bool:
    """Equality of JSON values: of one class, int and float being one, bool apart, all the way down."""
    kind = left.__class__
    if kind is int or kind is float:
        return (right.__class__ is int or right.__class__ is float) and bool(left == right)
    if kind is not right.__class__:
        return False
    if kind is list:
        return len(left) == len(right) and all(map(equal, left, right))
    if kind is dict:
        return left.keys() == right.keys() and all(equal(value, right[name]) for name, value in left.items())
    return left is not MISSING and bool(left == right)


def _arithmetic(sign: Callable[[Json, Json], Json], left: Getter, right: Getter) -> Getter:
    def calculate(fields: Fields) -> Json:
        one, other = left(fields), right(fields)
        if not (_is_number(one) and _is_number(other)):
            return MISSING
        try:
            result = sign(one, other)
        except (ZeroDivisionError, OverflowError):
            return MISSING
        if result.__class__ is float:
            return result if math.isfinite(result) else MISSING
        return result if -LARGEST_INT <= result <= LARGEST_INT else MISSING

    return calculate


def facing_left(test: Test) -> Test:
    """The same test with what is written on the right, where it was on the left and the operator has a mirror."""
    left, right = test.left, test.right
    if not isinstance(left, Literally) or test.op not in _MIRRORED or right is None:
        return test
    if left.value is not None and isinstance(right, Literally):
        return test
    return Test(_MIRRORED[test.op], right, left)


def _test(given: Test, read: Reader) -> Holds:
    test = facing_left(given)
    left, right = test.left, test.right
    value = compile_operand(left, read)
    if right is None:
        return lambda fields: value(fields) is not MISSING
    if left == Literally(None) and test.op == "not_in":
        items = compile_operand(right, read)
        return lambda fields: (found := items(fields)).__class__ is list and None not in found
    if isinstance(right, Literally):
        holds = predicate(test.op, right, test.ignore_case)
        return lambda fields: holds(value(fields))
    compares = relation(test.op, test.ignore_case)
    other = compile_operand(right, read)
    return lambda fields: compares(value(fields), other(fields))


def predicate(op: Operator, right: Literally, ignore_case: bool) -> Predicate:
    """What `op` and a literal on its right say of any value, `MISSING` too."""
    literal = right.value
    if op in _ORDERINGS:
        compare = _ORDERINGS[op]
        return lambda value: (value.__class__ is float or value.__class__ is int) and compare(value, literal)
    if op == "matches":
        patterns = [compile_pattern(pattern, ignore_case=ignore_case) for pattern in alternatives(right)]
        return lambda value: value.__class__ is str and _search(patterns, value)
    if op == "cidr":
        networks = [parse_network(network) for network in alternatives(right)]
        return lambda value: value.__class__ is str and _within(networks, value)
    if op == "in" and all(item.__class__ is str for item in literal):
        texts = frozenset(literal)
        return lambda value: value.__class__ is str and value in texts
    if op == "==" and literal.__class__ is str:
        return lambda value: bool(value == literal)
    if op == "!=" and literal.__class__ is str:
        return lambda value: value.__class__ is str and value != literal
    if literal is None and op == "!=":
        return lambda value: value is not None and value is not MISSING
    if op == "not_in" and None in literal:
        return lambda value: value is not MISSING and not any(equal(value, item) for item in literal)
    compares = relation(op, ignore_case)
    return lambda value: compares(value, literal)


def relation(op: Operator, ignore_case: bool) -> Relation:
    """What `op` says of any two values, neither of them written in the rule."""
    if op in _RELATIONS:
        return _RELATIONS[op]
    return partial(_any_of, _FINDERS[op, ignore_case])


def _ordered(compare: Relation) -> Relation:
    return lambda left, right: _is_number(left) and _is_number(right) and compare(left, right)


def _unequal(left: Json, right: Json) -> bool:
    return _same_class(left, right) and not equal(left, right)


def _in(left: Json, right: Json) -> bool:
    return right.__class__ is list and any(equal(left, item) for item in right)


def _not_in(left: Json, right: Json) -> bool:
    """An item of the left side's class is there, or no item at all, and none is equal."""
    if left is MISSING or right.__class__ is not list or any(equal(left, item) for item in right):
        return False
    return not right or any(_same_class(left, item) for item in right)


def _same_class(left: Json, right: Json) -> bool:
    same = left.__class__ is right.__class__ or (_is_number(left) and _is_number(right))
    return same and left is not MISSING


def _is_number(value: Json) -> bool:
    return value.__class__ is float or value.__class__ is int


def _any_of(finds: Relation, left: Json, right: Json) -> bool:
    if right.__class__ is list:
        return any(finds(left, item) for item in right)
    return finds(left, right)


def _contains(left: Json, wanted: Json) -> bool:
    if left.__class__ is list:
        return any(equal(item, wanted) for item in left)
    return left.__class__ is str and wanted.__class__ is str and wanted != "" and wanted in left


def _starts_with(left: Json, wanted: Json) -> bool:
    return left.__class__ is str and wanted.__class__ is str and wanted != "" and left.startswith(wanted)


def _ends_with(left: Json, wanted: Json) -> bool:
    return left.__class__ is str and wanted.__class__ is str and wanted != "" and left.endswith(wanted)


def _lowered(finds: Relation) -> Relation:
    return lambda left, wanted: finds(_lower(left), _lower(wanted))


def _lower(value: Json) -> Json:
    if value.__class__ is str:
        return value.lower()
    if value.__class__ is list:
        return [item.lower() if item.__class__ is str else item for item in value]
    return value


def _search(patterns: list[Json], text: str) -> bool:
    try:
        return any(pattern.search(text) is not None for pattern in patterns)
    except UnicodeEncodeError:  # half of a surrogate pair, which RE2 cannot read
        return False


def _within(networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network], text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in networks)


_RELATIONS: dict[Operator, Relation] = {
    **{op: _ordered(compare) for op, compare in _ORDERINGS.items()},
    "==": equal,
    "!=": _unequal,
    "in": _in,
    "not_in": _not_in,
}
_FINDERS: dict[tuple[Operator, bool], Relation] = {
    ("contains", False): _contains,
    ("contains", True): _lowered(_contains),
    ("starts_with", False): _starts_with,
    ("starts_with", True): _lowered(_starts_with),
    ("ends_with", False): _ends_with,
    ("ends_with", True): _lowered(_ends_with),
}
