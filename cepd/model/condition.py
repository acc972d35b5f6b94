"""Conditions as one tree, whatever form they were written in.

Two-valued: a test with a missing field, a value of the wrong class or an operand without a value is false, `!=` too;
`Not` inverts the result. `cepd.engine` evaluates these trees; `cepd.config` builds them.
"""

from typing import Literal, TypeAlias

import msgspec

from cepd.model.json import Json

Operator: TypeAlias = Literal[
    ">",
    "<",
    ">=",
    "<=",
    "==",
    "!=",
    "in",
    "not_in",
    "contains",
    "starts_with",
    "ends_with",
    "matches",
    "cidr",
    "exists",
]


class Field(msgspec.Struct, frozen=True, tag="field"):
    """The value at a dotted path of the event (or of an earlier step, an aggregate, a key)."""

    path: str


class Literally(msgspec.Struct, frozen=True, tag="literal"):
    """A value as written: text, number, bool, null, or a list of those."""

    value: Json


class Arithmetic(msgspec.Struct, frozen=True, tag="arithmetic"):
    """`left op right` on numbers; no value where an operand is not a number or the result is not finite."""

    op: Literal["+", "-", "*", "/", "%"]
    left: "Operand"
    right: "Operand"


class Call(msgspec.Struct, frozen=True, tag="call"):
    """`lower(text)` or `length(text or list)`; no value where the argument is of another class."""

    function: Literal["lower", "length"]
    argument: "Operand"


Operand: TypeAlias = Field | Literally | Arithmetic | Call


class Test(msgspec.Struct, frozen=True, tag="test"):
    """`left op right`. `exists` has no right side. For `matches` and `cidr` the right side is a literal.

    A list on the right of any operator but `in`, `not_in` and the comparisons means any of its items.
    """

    __test__ = False

    op: Operator
    left: Operand
    right: Operand | None = None
    ignore_case: bool = False


class All(msgspec.Struct, frozen=True, tag="all"):
    items: tuple["Condition", ...]


class AnyOf(msgspec.Struct, frozen=True, tag="any"):
    items: tuple["Condition", ...]


class Not(msgspec.Struct, frozen=True, tag="not"):
    item: "Condition"


Condition: TypeAlias = Test | All | AnyOf | Not
