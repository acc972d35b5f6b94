"""The dialect's condition trees: spellings of their fields, numbers written as text, and what `AND` joins.

The trees keep their shape; what they mean, and whether they are right, is `cepd.engine.trees`' business.
"""

from collections.abc import Sequence

from cepd.config.dialect_fields import Finding, Taken, unknown
from cepd.config.scalars import read_plain
from cepd.model.errors import InputError
from cepd.model.json import Json
from cepd.model.spelling import closest

FIELD = ("field", "metric_name", "metricName", "metric")
OPERATOR = ("op", "operator")
VALUE = ("value", "threshold")
ORDERING = (">", "<", ">=", "<=")

_CANONICAL = {spelling: names[0] for names in (FIELD, OPERATOR, VALUE) for spelling in names}

_LEAF = frozenset((*_CANONICAL.values(), "ignore_case"))


def bare(value: Json) -> Json:
    """The value without its place."""
    return value.value if isinstance(value, Taken) else value


def read_number(taken: Taken, findings: list[Finding]) -> Taken:
    """Text that looks like a number, as that number, with a warning; anything else as it is."""
    text = taken.value
    if not isinstance(text, str):
        return taken
    try:
        number = read_plain(text.strip())
    except InputError:
        return taken
    if number.__class__ not in (int, float):
        return taken
    message = f"{text!r} is text that looks like a number; it is read as {number}"
    findings.append(Finding("CEP310", taken.pointer, message, f"write {number} without quotes"))
    return Taken(number, taken.pointer)


def read_tree(tree: Taken, findings: list[Finding]) -> Taken:
    """A tree with canonical spellings and numbers. Parts that are no trees stay as they are."""
    if isinstance(tree.value, list):
        return Taken([read_tree(item, findings) for item in tree.items()], tree.pointer)
    if not isinstance(tree.value, dict):
        return tree
    if "conditions" in tree.value or "logic" in tree.value:
        members = tree.members()
        conditions = members.get("conditions")
        if conditions is not None and isinstance(conditions.value, list):
            members["conditions"] = read_tree(conditions, findings)
        return Taken(members, tree.pointer)
    return Taken(read_leaf(tree, findings), tree.pointer)


def read_leaf(leaf: Taken, findings: list[Finding]) -> dict[str, Json]:
    """`{field, op, value}` of one test."""
    members: dict[str, Json] = {}
    given = {_CANONICAL.get(name, name) for name in leaf.value}
    free = [name for name, canonical in _CANONICAL.items() if canonical not in given]
    for name in leaf.value:
        canonical = _CANONICAL.get(name, name)
        if canonical not in _LEAF and closest(name, free) is not None:
            findings.append(unknown(leaf.below(name).pointer, name, "a condition", free, free))
            continue
        if canonical in members:
            pointer, remedy = leaf.below(name).pointer, f"keep {canonical!r} alone"
            message = f"{name!r} gives the {canonical} of the condition a second time"
            findings.append(Finding("CEP112", pointer, message, remedy, "key"))
            continue
        members[canonical] = leaf.below(name)
    return with_number(members, findings)


def with_number(test: dict[str, Json], findings: list[Finding]) -> dict[str, Json]:
    """The test; where it orders, text that looks like a number is one."""
    if "value" in test and bare(test.get("op")) in ORDERING:
        return test | {"value": read_number(test["value"], findings)}
    return test


def conjuncts(tree: Json) -> list[Json]:
    """What must all hold: the items of lists and of trees joined by AND, all the way down."""
    inside = bare(tree)
    if (
        isinstance(inside, dict)
        and set(inside) <= {"conditions", "logic"}
        and bare(inside.get("logic", "AND")) == "AND"
    ):
        inside = bare(inside.get("conditions"))
    if isinstance(inside, list) and inside:
        return [one for item in inside for one in conjuncts(item)]
    return [tree]


def joined(trees: Sequence[Json]) -> Json:
    """One tree that holds where all of them hold. At least one."""
    return trees[0] if len(trees) == 1 else {"conditions": list(trees), "logic": "AND"}


def fields_of(tree: Json) -> set[str]:
    """The fields that a tree tests, as far as they are text."""
    inside = bare(tree)
    if isinstance(inside, list):
        return {field for item in inside for field in fields_of(item)}
    if not isinstance(inside, dict):
        return set()
    if "conditions" in inside:
        return fields_of(inside["conditions"])
    field = bare(inside.get("field"))
    return {field} if isinstance(field, str) else set()


def with_field(tree: Json, field: str) -> Json:
    """The tree with each of its tests on `field` instead."""
    if isinstance(tree, Taken):
        return Taken(with_field(tree.value, field), tree.pointer)
    if isinstance(tree, list):
        return [with_field(item, field) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if "conditions" in tree:
        return tree | {"conditions": with_field(tree["conditions"], field)}
    if "field" not in tree:
        return tree
    given = tree["field"]
    return tree | {"field": Taken(field, given.pointer) if isinstance(given, Taken) else field}
