"""Structured conditions: what they become, and where each fault is reported."""

import pytest

from cepd.engine.expressions import format_expression
from cepd.engine.trees import read_condition
from cepd.model.condition import Not, Test
from cepd.model.errors import ConditionError

A = {"field": "a", "op": ">", "value": 1}
B = {"field": "b", "op": "==", "value": "x"}


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (A, "a > 1"),
        ("a > 1", "a > 1"),
        ([A, B], 'a > 1 and b == "x"'),
        ([A], "a > 1"),
        ({"conditions": [A, B]}, 'a > 1 and b == "x"'),
        ({"conditions": [A, B], "logic": "OR"}, 'a > 1 or b == "x"'),
        ({"conditions": [A, B], "logic": "NOT"}, 'not (a > 1 or b == "x")'),
        ({"conditions": [A], "logic": "NOT"}, "not (a > 1)"),
        ({"conditions": [{"conditions": [A, B], "logic": "OR"}, "c < 2"]}, '(a > 1 or b == "x") and c < 2'),
        ({"field": "cpu-percent", "op": ">=", "value": 1.5}, 'field("cpu-percent") >= 1.5'),
        ({"field": "a", "op": "exists"}, "exists(a)"),
        ({"field": "a", "op": "exists", "value": True}, "exists(a)"),
        ({"field": "a", "op": "exists", "value": False}, "not exists(a)"),
        ({"field": "a", "op": "==", "value": None}, "a == null"),
        ({"field": "a", "op": "in", "value": ["x", 1, None]}, 'a in ["x", 1, null]'),
        ({"field": "a", "op": "not_in", "value": ["X"], "ignore_case": True}, 'lower(a) not in ["x"]'),
        ({"field": "a", "op": "==", "value": "X", "ignore_case": True}, 'lower(a) == "x"'),
        ({"field": "a", "op": "==", "value": "X", "ignore_case": False}, 'a == "X"'),
        ({"field": "a", "op": "contains", "value": "X", "ignore_case": True}, 'contains(a, "X", ignore_case=true)'),
        ({"field": "a", "op": "starts_with", "value": ["x", "y"]}, 'starts_with(a, ["x", "y"])'),
        ({"field": "a", "op": "matches", "value": "^x\\d$"}, 'matches(a, "^x\\\\d$")'),
        ({"field": "a", "op": "cidr", "value": ["10.0.0.0/8"]}, 'cidr(a, ["10.0.0.0/8"])'),
    ],
)
def test_reads(document, text):
    assert format_expression(read_condition(document)) == text


def leaf(**changes):
    return {**A, **changes}


@pytest.mark.parametrize(
    ("document", "pointer", "at", "remedy"),
    [
        (None, "", "value", "cpu > 80"),
        (5, "", "value", "cpu > 80"),
        (True, "", "value", "cpu > 80"),
        ([], "", "value", "at least one"),
        ({}, "", "value", "write {field"),
        ([A, None], "/1", "value", "cpu > 80"),
        ({"conditions": [], "logic": "OR"}, "/conditions", "value", "at least one"),
        ({"conditions": A}, "/conditions", "value", "[...]"),
        ({"logic": "OR"}, "", "value", "[...]"),
        ({"conditions": [A], "logic": "ORR"}, "/logic", "value", "'OR'"),
        ({"conditions": [A], "logic": "or"}, "/logic", "value", "'OR'"),
        ({"conditions": [A], "logik": "OR"}, "/logik", "key", "'logic'"),
        ({"conditions": [A], "field": "a"}, "/field", "key", "known are"),
        ({"conditions": [A, {"conditions": [leaf(op="=>")]}]}, "/conditions/1/conditions/0/op", "value", "write >="),
        (leaf(op="="), "/op", "value", "write =="),
        (leaf(**{"va/l~ue": 1}), "/va~1l~0ue", "key", "'value'"),
        ({"field": "a", "op": ">", "valeu": 1}, "/valeu", "key", "'value'"),
        ({"field": "a", "value": 1}, "", "value", "write {field"),
        ({"field": "a", "op": ">"}, "", "value", "compares with"),
        (leaf(field=5), "/field", "value", "dotted path"),
        (leaf(field=""), "/field", "value", "dotted path"),
        (leaf(field="a..b"), "/field", "value", "dotted path"),
        (leaf(op="startswith"), "/op", "value", "'starts_with'"),
        (leaf(op=["=="]), "/op", "value", "known are"),
        (leaf(value="85"), "/value", "value", "without quotes"),
        (leaf(value="high"), "/value", "value", "not ordered"),
        (leaf(value=True), "/value", "value", "write a number"),
        (leaf(value=float("nan")), "/value", "value", "finite"),
        (leaf(value=float("inf")), "/value", "value", "finite"),
        (leaf(value=10**401), "/value", "value", "400 digits"),
        (leaf(op="==", value={"x": 1}), "/value", "value", "one by one"),
        (leaf(op="in", value=[]), "/value", "value", "at least one"),
        (leaf(op="in", value="a,b"), "/value", "value", '["a", "b"]'),
        (leaf(op="in", value=[["a"]]), "/value", "value", "flat"),
        (leaf(op="contains", value=""), "/value", "value", "what to look for"),
        (leaf(op="ends_with", value=["a", 5]), "/value/1", "value", "in quotes"),
        (leaf(op="matches", value=["a", "(a"]), "/value/1", "value", "RE2"),
        (leaf(op="cidr", value="10.0.0.5/8"), "/value", "value", "10.0.0.0/8"),
        (leaf(op="exists", value="yes"), "/value", "value", "not there"),
        (leaf(op="exists", value=True, ignore_case=True), "/ignore_case", "key", "leave it out"),
        (leaf(ignore_case=True), "/ignore_case", "key", "contains"),
        (leaf(ignore_case="yes"), "/ignore_case", "value", "without quotes"),
        (leaf(op="==", ignore_case=True), "/value", "value", "write text"),
        (leaf(op="in", value=["a", 5], ignore_case=True), "/value/1", "value", "write text"),
    ],
)
def test_refuses_with_pointer_and_remedy(document, pointer, at, remedy):
    with pytest.raises(ConditionError) as caught:
        read_condition(document)
    assert (caught.value.pointer, caught.value.at) == (pointer, at)
    assert remedy in caught.value.help


def test_an_expression_inside_a_group_is_blamed_at_its_offset():
    with pytest.raises(ConditionError) as caught:
        read_condition({"conditions": [A, "b > 1 && c"], "logic": "OR"})
    error = caught.value
    assert (error.pointer, error.at, error.offset, error.end) == ("/conditions/1", "text", 6, 8)
    assert error.help == "write and"


def test_depth_is_limited():
    def nested(depth):
        return A if depth == 0 else {"conditions": [nested(depth - 1)], "logic": "NOT"}

    condition, levels = read_condition(nested(32)), 0
    while isinstance(condition, Not):
        condition, levels = condition.item, levels + 1
    assert (levels, isinstance(condition, Test)) == (32, True)
    with pytest.raises(ConditionError, match="nested"):
        read_condition(nested(33))


def test_keys_that_are_no_text_are_refused():
    with pytest.raises(ConditionError) as caught:
        read_condition({"field": "a", "op": ">", "value": 1, 5: 1})
    assert caught.value.pointer == "/5"


@pytest.mark.parametrize(
    ("document", "pointers"),
    [
        ([leaf(op="gt"), A, leaf(op="="), leaf(op="equals")], ["/0/op", "/2/op", "/3/op"]),
        (
            {"conditions": [leaf(op="=>"), leaf(value="x"), {"feild": "a", "op": ">", "value": 1}, leaf(field="a..b")]},
            ["/conditions/0/op", "/conditions/1/value", "/conditions/2/feild", "/conditions/3/field"],
        ),
        (
            {"logik": "OR", "logic": "ORR", "conditions": [[leaf(op="="), "a ="]]},
            ["/logik", "/logic", "/conditions/0/0/op", "/conditions/0/1"],
        ),
        ({"field": "a..b", "op": "=", "valeu": 1, "ignore_case": 1}, ["/valeu", "/field", "/op", "/ignore_case"]),
        ({"op": ">"}, ["", ""]),
        ({"logic": "OR", "condition": []}, ["/condition"]),
    ],
)
def test_finds_every_fault_in_one_run(document, pointers):
    with pytest.raises(ConditionError) as caught:
        read_condition(document)
    assert [fault.pointer for fault in (caught.value, *caught.value.others)] == pointers
