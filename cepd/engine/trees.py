"""Conditions as documents write them: `{field, op, value}` leaves in groups `{conditions, logic}`, to one tree.

A list is a group in which all must hold; text anywhere is an expression. `ignore_case` on `== != in not_in` becomes
`lower()` on both sides, so the tree says what an expression could say too.
"""

from collections.abc import Iterator
from typing import Any, Literal, get_args

from cepd.engine.expressions import MAX_DEPTH, parse_expression
from cepd.engine.operators import Fault, alternatives, fault_of, literal_fault
from cepd.engine.paths import path_fault
from cepd.engine.tokens import REMEDIES
from cepd.model.condition import All, AnyOf, Call, Condition, Field, Literally, Not, Operator, Test
from cepd.model.errors import ConditionError, ExpressionError, raise_all
from cepd.model.json import Json
from cepd.model.spelling import did_you_mean

_OPERATORS: tuple[Operator, ...] = get_args(Operator)
_LEAF_KEYS = ("field", "op", "value", "ignore_case")
_GROUP_KEYS = ("conditions", "logic")
_SIGNS = {**REMEDIES, "=": "write =="}
_LOWERED: frozenset[Operator] = frozenset({"==", "!=", "in", "not_in"})


def read_condition(document: Json) -> Condition:
    """The tree of a structured condition or of an expression. Raises ConditionError at the pointer of what is wrong
    first; its `others` are what is wrong in other leaves and groups."""
    return _read(document, "", 0)


def _read(document: Json, pointer: str, depth: int) -> Condition:
    if depth > MAX_DEPTH:
        raise _error(pointer, f"the condition is nested more than {MAX_DEPTH} deep", "split it")
    match document:
        case str():
            return _expression(document, pointer)
        case list():
            return _group(document, "AND", pointer, depth)
        case dict() if "conditions" in document or "logic" in document:
            return _logic(document, pointer, depth)
        case dict():
            return _leaf(document, pointer)
    raise _error(pointer, "this is no condition", 'write text such as cpu > 80, or {field: cpu, op: ">", value: 80}')


def _expression(text: str, pointer: str) -> Condition:
    try:
        return parse_expression(text)
    except ExpressionError as error:
        raise ConditionError(
            error.message, pointer=pointer, at="text", offset=error.offset, end=error.end, help=error.help
        ) from None


def _logic(document: dict[str, Json], pointer: str, depth: int) -> Condition:
    faults = _unknown_keys(document, _GROUP_KEYS, pointer)
    logic, conditions = document.get("logic", "AND"), document.get("conditions")
    if logic not in ("AND", "OR", "NOT"):
        remedy = did_you_mean(str(logic).upper(), ("AND", "OR", "NOT"))
        faults.append(_error(f"{pointer}/logic", f"there is no logic {logic!r}", remedy))
        logic = "AND"
    if conditions.__class__ is list:
        try:
            group = _group(conditions, logic, f"{pointer}/conditions", depth)
        except ConditionError as fault:
            faults.append(fault)
    elif "conditions" in document or not faults:
        place = f"{pointer}/conditions" if "conditions" in document else pointer
        faults.append(_error(place, "a group needs a list of conditions", "write conditions: [...]"))
    raise_all(faults)
    return group


def _group(documents: list[Json], logic: Literal["AND", "OR", "NOT"], pointer: str, depth: int) -> Condition:
    if not documents:
        raise _error(pointer, "the group is empty", "name at least one condition")
    items: list[Condition] = []
    faults: list[ConditionError] = []
    for index, document in enumerate(documents):
        try:
            items.append(_read(document, f"{pointer}/{index}", depth + 1))
        except ConditionError as fault:
            faults.append(fault)
    raise_all(faults)
    if logic == "AND":
        return All(tuple(items)) if len(items) > 1 else items[0]
    one = AnyOf(tuple(items)) if len(items) > 1 else items[0]
    return Not(one) if logic == "NOT" else one


def _leaf(document: dict[str, Json], pointer: str) -> Condition:
    known = _LEAF_KEYS if not document.keys().isdisjoint(_LEAF_KEYS) else (*_LEAF_KEYS, *_GROUP_KEYS)
    raise_all([*_unknown_keys(document, known, pointer), *_leaf_faults(document, pointer)])
    field, op, ignore_case = document["field"], document["op"], document.get("ignore_case", False)
    if op == "exists":
        return _existence(document, Field(field), pointer)
    return _test(op, Field(field), document["value"], ignore_case, pointer)


def _leaf_faults(document: dict[str, Json], pointer: str) -> Iterator[ConditionError]:
    """What is wrong with each field by itself, and what is missing; a misspelt field is not missing, too."""
    if "field" in document:
        field = document["field"]
        fault = path_fault(field) if field.__class__ is str else "the field is not text"
        if fault is not None:
            yield _error(f"{pointer}/field", fault, "write the dotted path of a field, such as host.cpu")
    op = document.get("op")
    if "op" in document and op not in _OPERATORS:
        remedy = _SIGNS.get(str(op)) or did_you_mean(str(op), _OPERATORS)
        yield _error(f"{pointer}/op", f"there is no operator {op!r}", remedy)
    if document.get("ignore_case", False).__class__ is not bool:
        yield _error(f"{pointer}/ignore_case", "ignore_case is true or false", "write true or false without quotes")
    if not document.keys() <= set(_LEAF_KEYS):
        return
    for key in ("field", "op"):
        if key not in document:
            yield _error(pointer, f"the condition has no {key}", 'write {field: cpu, op: ">", value: 80}')
    if op in _OPERATORS and op != "exists" and "value" not in document:
        yield _error(pointer, "the condition has no value", f"write the value that {op} compares with")


def _existence(document: dict[str, Json], field: Field, pointer: str) -> Condition:
    if "ignore_case" in document:
        raise _error(f"{pointer}/ignore_case", "exists takes no ignore_case", "leave it out", at="key")
    wanted = document.get("value", True)
    if wanted.__class__ is not bool:
        raise _error(f"{pointer}/value", "the value of exists is true or false", "false: the field is not there")
    test = Test("exists", field)
    return test if wanted else Not(test)


def _test(op: Operator, field: Field, value: Json, ignore_case: bool, pointer: str) -> Test:
    found = literal_fault(value)
    if found is not None:
        raise _error(f"{pointer}/value", *found)
    if ignore_case and op in _LOWERED:
        for index, item in enumerate(alternatives(Literally(value))):
            if item.__class__ is not str:
                place = f"{pointer}/value/{index}" if value.__class__ is list else f"{pointer}/value"
                raise _error(place, "ignore_case compares text", "leave ignore_case out or write text")
        lowered = [item.lower() for item in value] if value.__class__ is list else value.lower()
        test = Test(op, Call("lower", field), Literally(lowered))
    else:
        test = Test(op, field, Literally(value), ignore_case)
    fault = fault_of(test)
    if fault is not None:
        raise _error(
            _place(fault, pointer), fault.message, fault.help, at="key" if fault.part == "ignore_case" else "value"
        )
    return test


def _place(fault: Fault, pointer: str) -> str:
    key = {"left": "field", "right": "value", "ignore_case": "ignore_case"}[fault.part]
    return f"{pointer}/{key}" if fault.item is None else f"{pointer}/{key}/{fault.item}"


def _unknown_keys(document: dict[Any, Json], known: tuple[str, ...], pointer: str) -> list[ConditionError]:
    faults = []
    for key in document:
        if key not in known:
            step = str(key).replace("~", "~0").replace("/", "~1")
            message, remedy = f"unknown field {key!r} in a condition", did_you_mean(str(key), known)
            faults.append(_error(f"{pointer}/{step}", message, remedy, at="key"))
    return faults


def _error(pointer: str, message: str, help: str, at: Literal["key", "value"] = "value") -> ConditionError:
    return ConditionError(message, pointer=pointer, at=at, help=help)
