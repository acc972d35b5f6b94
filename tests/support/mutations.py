"""Rules broken on purpose, one thing at a time: what a good test of a rule notices."""

import ast
import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cepd.model.duration import format_duration, parse_duration

ELSEWHERE = "elsewhere"
"""An event type, a field, a text or a channel that the rule does not name."""

_GONE: Any = object()
_NEGATED = {">": "<=", "<": ">=", ">=": "<", "<=": ">", "==": "!=", "!=": "==", "in": "not_in", "not_in": "in"}
_EDGE = {">": ">=", "<": "<=", ">=": ">", "<=": "<"}
_AST_OPS = {">": ast.Gt, "<": ast.Lt, ">=": ast.GtE, "<=": ast.LtE, "==": ast.Eq, "!=": ast.NotEq, "in": ast.In}
_OP_OF = {kind: op for op, kind in (*_AST_OPS.items(), ("not_in", ast.NotIn))}
_CLASS_OF = {op: kind for kind, op in _OP_OF.items()}
_OTHER_FN = {"avg": "max", "sum": "avg", "distinct_count": "sum", "first": "max", "last": "min", "min": "avg"}
_SPANS = (
    *[("trigger", name) for name in ("timeout", "within", "ttl", "learn", "cooldown")],
    ("window", "timeout"),
    ("for",),
    ("suppress",),
    ("suppress", "window"),
    ("resolve", "after"),
)
_AMOUNTS = (("max_alerts",), ("trigger", "threshold"), ("trigger", "min_change"), ("trigger", "min_baseline"))
_PATHS = (("trigger", "metric"), ("trigger", "value"), ("trigger", "field"))

Path = tuple[str | int, ...]


class Mutation(NamedTuple):
    name: str
    document: dict[str, Any]


def mutations(rule: Mapping[str, Any]) -> Iterator[Mutation]:
    """Each applicable way to break a rule in its canonical form. All of them validate."""
    for path, value, said in _changes(rule):
        yield Mutation(f"{'.'.join(map(str, path))}: {said}", _changed(rule, path, value))


def _changes(rule: Mapping[str, Any]) -> Iterator[tuple[Path, Any, str]]:
    for place in (_conditions, _lengths, _numbers, _names, _window, _aggregates, _group_by, _parts, _steps, _actions):
        yield from place(rule)


def _changed(rule: Mapping[str, Any], path: Path, value: Any) -> dict[str, Any]:
    document: Any = copy.deepcopy(dict(rule))
    inner = document
    for part in path[:-1]:
        inner = inner[part]
    if value is _GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return document


def _at(rule: Any, path: Path) -> Any:
    for part in path:
        if not isinstance(rule, dict | list) or (isinstance(rule, dict) and part not in rule):
            return None
        rule = rule[part]
    return rule


def _places_of_steps(rule: Mapping[str, Any]) -> Iterator[Path]:
    for index, step in enumerate(_at(rule, ("trigger", "steps")) or ()):
        path: Path = ("trigger", "steps", index)
        yield next(((*path, role) for role in ("not", "absent") if role in step), path)


def _conditions(rule: Mapping[str, Any]) -> Iterator[tuple[Path, Any, str]]:
    for path in (("when",), ("having",), *((*step, "when") for step in _places_of_steps(rule))):
        condition = _at(rule, path)
        if isinstance(condition, str):
            yield from ((path, text, text) for text in _texts(condition))
        elif condition is not None:
            yield from _trees(condition, path)


def _texts(condition: str) -> Iterator[str]:
    """One-line conditions with one part changed."""
    for index in range(len(list(ast.walk(ast.parse(condition, mode="eval"))))):
        for change in range(9):
            tree = ast.parse(condition, mode="eval")
            node = list(ast.walk(tree))[index]
            found = list(_nodes(node, _parent(tree, node)))
            if change >= len(found):
                break
            yield ast.unparse(_Replace(node, found[change]).visit(tree))


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> Any:
        return self._new if node is self._old else self.generic_visit(node)


def _parent(tree: ast.AST, node: ast.AST) -> ast.AST:
    return next((one for one in ast.walk(tree) if node in ast.iter_child_nodes(one)), tree)


def _nodes(node: ast.AST, parent: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(left=left, ops=[op], comparators=right):
            name = _OP_OF[type(op)]
            for other in filter(None, (_NEGATED[name], _EDGE.get(name))):
                yield ast.Compare(left=left, ops=[_CLASS_OF[other]()], comparators=right)
        case ast.BoolOp(values=values):
            yield ast.BoolOp(op=ast.Or() if isinstance(node.op, ast.And) else ast.And(), values=values)
            for index in range(len(values)):
                rest = values[:index] + values[index + 1 :]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(op=node.op, values=rest)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.Call() if not isinstance(parent, ast.UnaryOp):
            yield ast.UnaryOp(op=ast.Not(), operand=node)
        case ast.Constant(value=bool()):
            return
        case ast.Constant(value=int() | float() as number):
            yield from (ast.Constant(value=other) for other in _other_numbers(number))
        case ast.Constant(value=str()):
            yield ast.Constant(value=ELSEWHERE)


def _other_numbers(number: float) -> tuple[float, ...]:
    return (number * 10, number / 10) if number else (1000,)


def _trees(condition: Any, path: Path) -> Iterator[tuple[Path, Any, str]]:
    if isinstance(condition, list) or "conditions" in condition:
        inner = condition if isinstance(condition, list) else condition["conditions"]
        below = path if isinstance(condition, list) else (*path, "conditions")
        for index, one in enumerate(inner):
            if len(inner) > 1:
                yield (*below, index), _GONE, "left out"
            yield from _trees(one, (*below, index))
        return
    for op in filter(None, (_NEGATED.get(condition["op"]), _EDGE.get(condition["op"]))):
        yield (*path, "op"), op, op
    for other in _other_values(condition["value"]):
        yield (*path, "value"), other, str(other)


def _other_values(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from ([*value[:index], ELSEWHERE, *value[index + 1 :]] for index in range(len(value)))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _other_numbers(value)


def _lengths(rule: Mapping[str, Any]) -> Iterator[tuple[Path, Any, str]]:
    for path in _SPANS:
        length = _at(rule, path)
        if isinstance(length, str):
            for other in _other_lengths(length):
                yield path, other, other


def _other_lengths(length: str) -> Sequence[str]:
    span = parse_duration(length)
    return format_duration(span * 10), format_duration(span // 10)


def _numbers(rule: Mapping[str, Any]) -> Iterator[tuple[Path, Any, str]]:
    for path in _AMOUNTS:
        amount = _at(rule, path)
        if amount is not None:
            for other in map(type(amount), _other_numbers(amount)):
                yield path, other, str(other)
    op = _at(rule, ("trigger", "op"))
    for other in filter(None, (_NEGATED.get(op), _EDGE.get(op))):
        yield ("trigger", "op"), other, other


def _names(rule: Mapping[str, Any]) -> Iterator[tuple[Path, Any, str]]:
    for path in (("trigger",), *_places_of_steps(rule)):
        types = _at(rule, (*path, "event_type"))
        if isinstance(types, list):
            for index in range(len(types)):
                yield (*path, "event_type", index), ELSEWHERE, ELSEWHERE
        elif types is not None:
            yield (*path, "event_type"), ELSEWHERE, ELSEWHERE
            if path[-1] not in ("not", "absent"):
                yield (*path, "event_type"), _GONE, "left out"
    for path in _PATHS:
        if _at(rule, path) is not None:
            yield path, ELSEWHERE, ELSEWHERE


def _window(rule: Mapping[str, Any]) -> Iterator[tuple[Path, Any, str]]:
    window = rule.get("window", {})
    if window.get("align") == "calendar":
        yield ("window", "size"), "7d", "7d"
        yield ("window", "timezone"), "UTC", "UTC"
    elif "size" in window:
        longer, shorter = _other_lengths(window["size"])
        yield ("window", "size"), longer, longer
        yield ("window", "size"), window.get("slide", shorter), window.get("slide", shorter)
    if "slide" in window:
        yield ("window", "slide"), window["size"], window["size"]
    if "having" in rule:
        other = "close" if window.get("emit") == "eager" else "eager"
        yield ("window", "emit"), other, other


def _aggregates(rule: Mapping[str, Any]) -> Iterator[tuple[Path, Any, str]]:
    for name, aggregate in rule.get("aggregate", {}).items():
        path = ("aggregate", name)
        if aggregate["fn"] in _OTHER_FN:
            yield (*path, "fn"), _OTHER_FN[aggregate["fn"]], _OTHER_FN[aggregate["fn"]]
        if "p" in aggregate:
            yield (*path, "p"), 50, "50"
        if "field" in aggregate:
            yield (*path, "field"), ELSEWHERE, ELSEWHERE


def _group_by(rule: Mapping[str, Any]) -> Iterator[tuple[Path, Any, str]]:
    names = rule.get("group_by", [])
    if names:
        yield ("group_by",), _GONE, "left out"
    if len(names) > 1:
        for index, name in enumerate(names):
            yield ("group_by", index), _GONE, f"{name} left out"


def _parts(rule: Mapping[str, Any]) -> Iterator[tuple[Path, Any, str]]:
    for path in (("for",), ("resolve",), ("suppress",), ("max_alerts",), ("when",), ("having",)):
        if _at(rule, path) is not None and not (path == ("having",) and _is_eager(rule)):
            yield path, _GONE, "left out"
    for name in ("direction", "min_change", "consecutive"):
        if _at(rule, ("trigger", name)) is not None:
            yield ("trigger", name), _GONE, "left out"
    if _at(rule, ("suppress", "summary")) is False:
        yield ("suppress", "summary"), True, "true"
    if rule["trigger"]["type"] == "anomaly":
        yield ("trigger", "method"), "zscore", "zscore"
        for direction in ("up", "down"):
            if direction != rule["trigger"].get("direction"):
                yield ("trigger", "direction"), direction, direction
        yield ("trigger", "consecutive"), rule["trigger"].get("consecutive", 1) + 1, "one more"


def _is_eager(rule: Mapping[str, Any]) -> bool:
    return _at(rule, ("window", "emit")) == "eager"


def _steps(rule: Mapping[str, Any]) -> Iterator[tuple[Path, Any, str]]:
    steps = _at(rule, ("trigger", "steps")) or []
    plain = not any("not" in step or "absent" in step for step in steps)
    for index, step in enumerate(steps):
        path: Path = ("trigger", "steps", index)
        if "not" in step or (plain and len(steps) > 2):
            yield path, _GONE, "left out"
        count = step.get("count", 1)
        if "not" not in step and "absent" not in step:
            yield (*path, "count"), count + 1, str(count + 1)
        if count > 1:
            yield (*path, "count"), count - 1, str(count - 1)
    if steps and plain:
        other = "strict" if _at(rule, ("trigger", "order")) == "any" else "any"
        yield ("trigger", "order"), other, other


def _actions(rule: Mapping[str, Any]) -> Iterator[tuple[Path, Any, str]]:
    for index, action in enumerate(rule["actions"]):
        if len(rule["actions"]) > 1:
            yield ("actions", index), _GONE, "left out"
        for place in range(len(action.get("channels", ()))):
            yield ("actions", index, "channels", place), ELSEWHERE, ELSEWHERE
        if "endpoint" in action:
            yield ("actions", index, "endpoint"), f"https://{ELSEWHERE}.example.com", ELSEWHERE
