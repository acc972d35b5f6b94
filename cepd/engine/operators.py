"""What may stand on either side of each operator: the faults of a test that show before any event comes.

Both written forms of a condition, expressions and documents, check their tests here, so they refuse the same things
with the same words. Nothing here evaluates: `conditions` does, and `reference` a second time.
"""

import ipaddress
import math
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import msgspec
import re2

from cepd.engine.paths import has_surrogate
from cepd.model.condition import Arithmetic, Call, Field, Literally, Operand, Operator, Test
from cepd.model.json import Json

ArithmeticSign: TypeAlias = Literal["+", "-", "*", "/", "%"]
Worker: TypeAlias = ArithmeticSign | Literal["lower", "length"]
"""What makes a value of others."""
Kind: TypeAlias = Literal["text", "number", "bool", "null", "list", "object"]
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

LARGEST_INT = 10**400
"""Beyond it an integer is refused as a literal, and has no value as a result of arithmetic."""

IGNORE_CASE_OPERATORS: frozenset[Operator] = frozenset({"contains", "starts_with", "ends_with", "matches"})

_KINDS: dict[type, Kind] = {
    str: "text",
    int: "number",
    float: "number",
    bool: "bool",
    type(None): "null",
    list: "list",
    dict: "object",
}
_TAKES: dict[str, tuple[Kind, ...]] = {"lower": ("text",), "length": ("text", "list")}


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one part of a test; `item` is the place in a list on the right."""

    part: Literal["left", "right", "ignore_case"]
    message: str
    help: str
    item: int | None = None


def kind_of(operand: Operand) -> Kind | None:
    """The kind of value that an operand gives where it gives one; None: only the event tells."""
    match operand:
        case Literally(value):
            return _KINDS[value.__class__]
        case Arithmetic():
            return "number"
        case Call(function="lower"):
            return "text"
        case Call(function="length"):
            return "number"
    return None


def literal_fault(value: Json) -> tuple[str, str] | None:
    """(message, help) where a value cannot stand in a condition: not finite, too large, an object, nested lists."""
    kind = _KINDS.get(value.__class__)
    if kind is None or kind == "object":
        return "an object cannot stand in a condition", "compare its fields one by one, by their dotted paths"
    if kind == "number" and (not math.isfinite(value) if value.__class__ is float else abs(value) > LARGEST_INT):
        return "the number is too large or not a number", "write a finite number of at most 400 digits"
    if kind == "text" and has_surrogate(value):
        return "the text holds half of a surrogate pair", "write the character itself"
    if kind == "list":
        for item in value:
            if item.__class__ is list:
                return "a list stands inside a list", "write one flat list"
            fault = literal_fault(item)
            if fault is not None:
                return fault
    return None


def argument_fault(name: Worker, argument: Operand) -> tuple[str, str] | None:
    """(message, help) where arithmetic or a function can never have a value: text beside `+`, for one."""
    kind = kind_of(argument)
    takes = _TAKES.get(name, ("number",))
    if kind is None or kind in takes:
        return None
    return f"{name} takes {' or '.join(takes)}, not {kind}", "name a field that holds it"


def fault_of(test: Test) -> Fault | None:
    """The first fault of a test whose operands are in order themselves; None where it can run."""
    if test.ignore_case:
        fault = _ignore_case(test)
        if fault is not None:
            return fault
    return _CHECKS[test.op](test)


def alternatives(right: Operand | None) -> list[Json]:
    """What a literal on the right offers: the items of a list, else the one value. Empty for other operands."""
    if not isinstance(right, Literally):
        return []
    return right.value if right.value.__class__ is list else [right.value]


def compile_pattern(pattern: str, *, ignore_case: bool) -> Any:
    """A compiled RE2 pattern. Raises re2.error."""
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignore_case
    return re2.compile(pattern, options)


def parse_network(text: str) -> Network:
    """An address or network in CIDR form. Raises ValueError, also where bits of the host part are set."""
    return ipaddress.ip_network(text)


def _ordering(test: Test) -> Fault | None:
    if kind_of(test.left) not in (None, "number"):
        return _not_ordered(test, "left", test.left)
    if test.right is not None and kind_of(test.right) not in (None, "number"):
        return _not_ordered(test, "right", test.right)
    return None


def _not_ordered(test: Test, part: Literal["left", "right"], operand: Operand) -> Fault:
    if isinstance(operand, Literally) and operand.value.__class__ is str and _reads_as_number(operand.value):
        return Fault(part, f"{operand.value!r} is text: {test.op} compares numbers", "write the number without quotes")
    remedy = "text is not ordered: compare it with == or in" if kind_of(operand) == "text" else "write a number"
    return Fault(part, f"{kind_of(operand)} beside {test.op}, which compares numbers", remedy)


def _reads_as_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _equality(test: Test) -> Fault | None:
    assert test.right is not None
    left, right = kind_of(test.left), kind_of(test.right)
    if left is None or right is None or left == right or "null" in (left, right):
        return None
    return Fault("right", f"{left} is never compared with {right}", "compare values of one kind")


def _membership(test: Test) -> Fault | None:
    if kind_of(test.left) == "list":
        return Fault("left", "a list is not looked up in a list", "test its items one by one, joined by and or or")
    if isinstance(test.right, Field):
        return None
    if not isinstance(test.right, Literally) or test.right.value.__class__ is not list:
        return Fault("right", "a list must follow", 'write ["a", "b"] or a field that holds a list')
    return None if test.right.value else Fault("right", "the list is empty", "name at least one value")


def _containment(test: Test) -> Fault | None:
    if kind_of(test.left) not in (None, "text", "list"):
        return Fault("left", f"{kind_of(test.left)} contains nothing", "test a field that holds text or a list")
    if isinstance(test.right, Literally):
        return _each(test, lambda value: ("the text is empty", "name what to look for") if value == "" else None)
    return None


def _text(test: Test, check: Callable[[Json], tuple[str, str] | None]) -> Fault | None:
    """Text on the left, and one or more texts on the right that each pass the check."""
    if kind_of(test.left) not in (None, "text"):
        return Fault("left", f"{test.op} tests text, not {kind_of(test.left)}", "test a field that holds text")

    def text_check(value: Json) -> tuple[str, str] | None:
        if value.__class__ is not str:
            return f"{test.op} takes text, not {_KINDS[value.__class__]}", "put it in quotes"
        return ("the text is empty", "name what to look for") if value == "" else check(value)

    if isinstance(test.right, Literally):
        return _each(test, text_check)
    if kind_of(test.right or test.left) not in (None, "text"):
        return Fault("right", f"{test.op} takes text", "name a text or a field that holds text")
    return None


def _each(test: Test, check: Callable[[Json], tuple[str, str] | None]) -> Fault | None:
    values = alternatives(test.right)
    if not values:
        return Fault("right", "the list is empty", "name at least one value")
    listed = isinstance(test.right, Literally) and test.right.value.__class__ is list
    for index, value in enumerate(values):
        found = check(value)
        if found is not None:
            return Fault("right", *found, item=index if listed else None)
    return None


def _affix(test: Test) -> Fault | None:
    return _text(test, lambda value: None)


def _pattern(test: Test) -> Fault | None:
    if not isinstance(test.right, Literally):
        return Fault("right", "the pattern is not a literal", "write the pattern in quotes")

    def check(value: Json) -> tuple[str, str] | None:
        try:
            compile_pattern(value, ignore_case=test.ignore_case)
        except re2.error as error:
            reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
            return (
                f"the pattern does not compile: {reason}",
                "write it in RE2 syntax (no look-around, no back reference)",
            )
        return None

    return _text(test, check)


def _network(test: Test) -> Fault | None:
    if not isinstance(test.right, Literally):
        return Fault("right", "the network is not a literal", 'write it in quotes: "10.0.0.0/8"')

    def check(value: Json) -> tuple[str, str] | None:
        try:
            parse_network(value)
        except ValueError:
            return f"{value!r} is not a network", _network_remedy(value)
        return None

    return _text(test, check)


def _network_remedy(text: str) -> str:
    try:
        return f"the network of that address is {ipaddress.ip_network(text, strict=False)}"
    except ValueError:
        return 'write "10.0.0.0/8" or "fd00::/8"'


def _existence(test: Test) -> Fault | None:
    if isinstance(test.left, Field):
        return None
    return Fault("left", "only a field can exist", "write exists(field)")


def _ignore_case(test: Test) -> Fault | None:
    if test.op not in IGNORE_CASE_OPERATORS:
        return Fault(
            "ignore_case", f"{test.op} takes no ignore_case", f"it goes with {', '.join(sorted(IGNORE_CASE_OPERATORS))}"
        )
    return _each(test, _only_text) if isinstance(test.right, Literally) else None


def _only_text(value: Json) -> tuple[str, str] | None:
    if value.__class__ is str:
        return None
    return f"ignore_case compares text, not {_KINDS[value.__class__]}", "leave ignore_case out or write text"


_CHECKS: dict[Operator, Callable[[Test], Fault | None]] = {
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
    "matches": _pattern,
    "cidr": _network,
    "exists": _existence,
}
