"""One-line expressions: `cpu > 80 and env != "test"` to a condition, and back.

The language is a small part of Python's: comparisons (chained too), `and or not`, `in`, `not in`, arithmetic on
numbers, lists of literals, `true false null`, fields, and the functions below. Python's own parser builds the tree;
what of it is not named here is refused, and nothing of it is ever run.

A field is a dotted path: `host.cpu`. A part that is not a plain name is written `host["cpu-percent"]`, and any path at
all `field("cpu-percent")`. Names are taken from the source text code point by code point, since Python's parser would
normalise them. Line breaks count as spaces, so an expression may be a YAML block.
"""

import ast
import keyword
import re

from cepd.engine.formatting import format_expression
from cepd.engine.operators import (
    IGNORE_CASE_OPERATORS,
    ArithmeticSign,
    Fault,
    Worker,
    argument_fault,
    fault_of,
    literal_fault,
)
from cepd.engine.paths import path_fault
from cepd.engine.tokens import check_tokens, misread
from cepd.model.condition import All, AnyOf, Arithmetic, Call, Condition, Field, Literally, Not, Operand, Operator, Test
from cepd.model.errors import ExpressionError
from cepd.model.json import Json
from cepd.model.spelling import did_you_mean

__all__ = ["MAX_DEPTH", "MAX_LENGTH", "format_expression", "parse_expression"]

MAX_LENGTH = 4096
MAX_DEPTH = 32

_COMPARISONS: dict[type[ast.cmpop], Operator] = {
    ast.Gt: ">",
    ast.Lt: "<",
    ast.GtE: ">=",
    ast.LtE: "<=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not_in",
}
_ARITHMETIC: dict[type[ast.operator], ArithmeticSign] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Mod: "%",
}
_TESTS: dict[str, Operator] = {
    "contains": "contains",
    "starts_with": "starts_with",
    "ends_with": "ends_with",
    "matches": "matches",
    "cidr": "cidr",
    "exists": "exists",
}
_VALUES = ("lower", "length", "field")
_CONSTANTS: dict[str, Json] = {"true": True, "false": False, "null": None}
_STUMBLE = re.compile(r"[\w.]+")
_EXAMPLE = 'write, for example, cpu > 80 and env != "test"'


def parse_expression(text: str) -> Condition:
    """The condition that the text says. Raises ExpressionError at the offset of what is wrong."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"the expression is longer than {MAX_LENGTH} characters",
            offset=MAX_LENGTH,
            end=len(text),
            help="split it into several conditions",
        )
    if not text.strip():
        raise ExpressionError("the expression is empty", end=max(len(text), 1), help=_EXAMPLE)
    check_tokens(text)
    line = text.replace("\r", " ").replace("\n", " ")
    lead = len(line) - len(line.lstrip())
    try:
        tree = ast.parse(line[lead:], mode="eval")
    except SyntaxError as error:
        raise misread(text) or _syntax(text, error, lead) from None
    except (RecursionError, MemoryError):
        raise ExpressionError("the expression is nested too deep", end=len(text), help="split it") from None
    return _Reader(line, lead).condition(tree.body, 0)


def _syntax(text: str, error: SyntaxError, lead: int) -> ExpressionError:
    reason = error.msg
    end_of_text = len(text.rstrip())
    offset = lead + error.offset - 1 if error.offset else end_of_text
    if "too many nested" in reason:
        return ExpressionError("the expression is nested too deep", offset=offset, help="split it")
    if "never closed" in reason or "unmatched" in reason or "does not match" in reason:
        return ExpressionError(reason.replace("was never", "is not"), offset=offset, help="close every ( and [ once")
    if "leading zeros" in reason:
        return ExpressionError("the number begins with 0", offset=offset, help="leave out the zero")
    if offset >= end_of_text:
        return ExpressionError("the expression ends too early", offset=end_of_text, help=_EXAMPLE)
    found = _STUMBLE.match(text, offset)
    word = found[0] if found else text[offset]
    return ExpressionError(
        f"{word} does not belong here", offset=offset, end=offset + len(word), help=_remedy(text, offset)
    )


def _remedy(text: str, offset: int) -> str:
    """What to do about the word that Python's parser stumbled over: it may be part of a path with an unusual name."""
    start = offset
    while start and (text[start - 1].isalnum() or text[start - 1] in "._"):
        start -= 1
    path = _STUMBLE.match(text, start)
    if path is not None and (
        "." in path[0] or (keyword.iskeyword(path[0]) and path[0] not in ("and", "or", "not", "in"))
    ):
        return f'a field whose name is unusual is written field("{path[0].strip(".")}")'
    return _EXAMPLE


class _Reader:
    """From Python's tree to ours, for one source line whose parsed part begins at `lead`."""

    def __init__(self, line: str, lead: int) -> None:
        self.line = line
        self.lead = lead
        self.encoded = line[lead:].encode()

    def condition(self, node: ast.expr, depth: int) -> Condition:
        self._check_depth(node, depth)
        match node:
            case ast.BoolOp(op=ast.And()):
                return All(tuple(self.condition(value, depth + 1) for value in node.values))
            case ast.BoolOp():
                return AnyOf(tuple(self.condition(value, depth + 1) for value in node.values))
            case ast.UnaryOp(op=ast.Not()):
                return Not(self.condition(node.operand, depth + 1))
            case ast.Compare():
                return self._comparison(node, depth)
            case ast.Call(func=ast.Name(id=name)) if name in _TESTS:
                return self._test_call(node, _TESTS[name], depth)
        operand = self.operand(node, depth)
        if isinstance(operand, Field):
            source = self._source(node)
            raise self._error(node, f"{source} is a value, not a test", f"write {source} == true or exists({source})")
        raise self._error(node, "this is a value, not a test", _EXAMPLE)

    def operand(self, node: ast.expr, depth: int) -> Operand:
        self._check_depth(node, depth)
        match node:
            case ast.Constant() | ast.List() | ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
                return self._literal(node)
            case ast.Name() if self._source(node) in _CONSTANTS:
                return self._literal(node)
            case ast.Name() | ast.Attribute() | ast.Subscript() | ast.Call(func=ast.Name(id="field")):
                path = self._path(node)
                fault = path_fault(path)
                if fault is not None:
                    raise self._error(node, fault, 'write a path such as field("data.cpu-percent")')
                return Field(path)
            case ast.BinOp() if node.op.__class__ in _ARITHMETIC:
                return self._arithmetic(node, node.left, node.right, depth)
            case ast.UnaryOp(op=ast.USub()):
                return self._arithmetic(node, ast.copy_location(ast.Constant(0), node), node.operand, depth)
            case ast.Call(func=ast.Name(id="lower" | "length" as name)):
                (argument,) = self._arguments(node, name, 1)
                return Call(name, self._argument(name, argument, depth))
        raise self._refusal(node)

    def _comparison(self, node: ast.Compare, depth: int) -> Condition:
        sides = [node.left, *node.comparators]
        operands = [self.operand(side, depth + 1) for side in sides]
        tests = []
        for index, comparison in enumerate(node.ops):
            op = _COMPARISONS.get(comparison.__class__)
            if op is None:
                raise self._error(node, "is does not compare", "write == or !=")
            test = Test(op, operands[index], operands[index + 1])
            tests.append(self._sound(test, node, sides[index], sides[index + 1]))
        return tests[0] if len(tests) == 1 else All(tuple(tests))

    def _test_call(self, node: ast.Call, op: Operator, depth: int) -> Test:
        sides = self._arguments(node, op, 1 if op == "exists" else 2)
        left, *rest = (self.operand(side, depth + 1) for side in sides)
        test = Test(op, left, rest[0] if rest else None, ignore_case=self._ignore_case(node, op))
        return self._sound(test, node, sides[0], sides[-1])

    def _arguments(self, node: ast.Call, name: str, count: int) -> list[ast.expr]:
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                raise self._error(argument, "* is not part of an argument", "write each argument out")
        keywords = ("ignore_case",) if name in IGNORE_CASE_OPERATORS else ()
        for named in node.keywords:
            if named.arg not in keywords:
                known = did_you_mean(named.arg or "", keywords) if keywords else "leave it out"
                raise self._error(named, f"{name}() has no argument {named.arg!r}", known)
        if len(node.args) != count:
            shape = {"exists": "field", "field": '"path"', "lower": "text", "length": "field"}.get(name, "field, value")
            raise self._error(node, f"{name}() takes {count}, not {len(node.args)}", f"write {name}({shape})")
        return node.args

    def _ignore_case(self, node: ast.Call, op: Operator) -> bool:
        for named in node.keywords:
            value = self.operand(named.value, 0)
            if not isinstance(value, Literally) or value.value.__class__ is not bool:
                raise self._error(named.value, "ignore_case is true or false", "write ignore_case=true")
            return bool(value.value)
        return False

    def _arithmetic(self, node: ast.BinOp | ast.UnaryOp, left: ast.expr, right: ast.expr, depth: int) -> Operand:
        op: ArithmeticSign = _ARITHMETIC[node.op.__class__] if isinstance(node, ast.BinOp) else "-"
        return Arithmetic(op, self._argument(op, left, depth), self._argument(op, right, depth))

    def _argument(self, name: Worker, node: ast.expr, depth: int) -> Operand:
        operand = self.operand(node, depth + 1)
        fault = argument_fault(name, operand)
        if fault is not None:
            raise self._error(node, *fault)
        return operand

    def _literal(self, node: ast.expr) -> Literally:
        value = [self._scalar(item) for item in node.elts] if isinstance(node, ast.List) else self._scalar(node)
        return Literally(value)

    def _scalar(self, node: ast.expr) -> Json:
        match node:
            case ast.Constant(value=str() | bool() | int() | float() | None as value):
                fault = literal_fault(value)
                if fault is not None:
                    raise self._error(node, *fault)
                return value
            case ast.Name() if self._source(node) in _CONSTANTS:
                return _CONSTANTS[self._source(node)]
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if (
                value.__class__ is not bool
            ):
                return -self._scalar(node.operand)
        raise self._error(node, "only texts, numbers, true, false and null stand here", "write x == a or x == b")

    def _path(self, node: ast.expr) -> str:
        parts: list[str] = []
        while True:
            match node:
                case ast.Name():
                    parts.append(self._source(node))
                    break
                case ast.Call(func=ast.Name(id="field")):
                    parts.append(self._named(node))
                    break
                case ast.Attribute(value=below):
                    between = self.line[self._point(below.end_col_offset) : self._point(node.end_col_offset)]
                    parts.append(between.rpartition(".")[2].strip())
                case ast.Subscript(value=below, slice=ast.Constant(value=str() as key)):
                    if not key or "." in key:
                        raise self._error(
                            node.slice, f"{key!r} is no part of a path", "a name with a dot cannot be reached"
                        )
                    parts.append(key)
                case ast.Subscript():
                    remedy = 'write data["name"]; test lists with in or contains'
                    raise self._error(node.slice, "only a name in quotes stands in [ ]", remedy)
                case _:
                    raise self._error(node, "only a field has parts", "write a.b for field b of object a")
            node = below
        return ".".join(reversed(parts))

    def _named(self, node: ast.Call) -> str:
        (argument,) = self._arguments(node, "field", 1)
        if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
            raise self._error(argument, "field() takes a path in quotes", 'write field("cpu-percent")')
        return argument.value

    def _sound(self, test: Test, node: ast.expr, left: ast.expr, right: ast.expr) -> Test:
        fault = fault_of(test)
        if fault is None:
            return test
        raise self._error(self._blamed(fault, node, left, right), fault.message, fault.help)

    def _blamed(self, fault: Fault, node: ast.expr, left: ast.expr, right: ast.expr) -> ast.expr:
        if fault.part == "ignore_case":
            return node
        if fault.part == "left":
            return left
        return right.elts[fault.item] if fault.item is not None and isinstance(right, ast.List) else right

    def _refusal(self, node: ast.expr) -> ExpressionError:
        match node:
            case ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not()):
                return self._error(node, "a test is no value", "join tests with and, or, not")
            case ast.Call(func=ast.Name(id=name)) if name in _TESTS:
                return self._error(node, f"{name}() is a test, not a value", f"write {name}(…) or not {name}(…) alone")
            case ast.Call(func=ast.Name(id=name)):
                return self._error(node, f"there is no function {name}", did_you_mean(name, [*_TESTS, *_VALUES]))
            case ast.Call(func=ast.Attribute(attr=name)):
                remedy = f"write name(field, …); {did_you_mean(name, [*_TESTS, *_VALUES])}"
                return self._error(node, "values have no functions of their own", remedy)
            case ast.Tuple():
                return self._error(node, "a list stands in [ ]", 'write ["a", "b"]')
            case ast.UnaryOp(op=ast.UAdd()):
                return self._error(node, "+ needs a value on its left", "leave out the +")
        return self._error(node, f"{self._source(node)} is not part of the language", _EXAMPLE)

    def _check_depth(self, node: ast.expr, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise self._error(node, f"the expression is nested more than {MAX_DEPTH} deep", "split it")

    def _error(self, node: ast.expr | ast.keyword, message: str, help: str) -> ExpressionError:
        return ExpressionError(
            message, offset=self._point(node.col_offset), end=self._point(node.end_col_offset), help=help
        )

    def _source(self, node: ast.expr) -> str:
        return self.line[self._point(node.col_offset) : self._point(node.end_col_offset)]

    def _point(self, column: int | None) -> int:
        """A column of Python's tree, in UTF-8 bytes, as an offset in code points."""
        return self.lead + len(self.encoded[:column].decode())
