"""Conditions too deep or too large for one Python expression."""

import time

import pytest

from cepd.engine.matching.expression import compile_holds
from cepd.engine.matching.node import compile_node
from cepd.engine.projection import Projection
from cepd.engine.reference import evaluate
from cepd.model.condition import All, AnyOf, Arithmetic, Field, Literally, Not, Test
from tests.support.matching import asks, assert_agrees, told, when

EVENTS = [{"value": value, "host": host} for value in (0, 1, 5, 19_999, 20_000, None) for host in ("a", "h7", None)]


def chain(depth: int):
    """Truth depends on every level."""
    condition = when("==", "host", "a")
    for level in range(depth):
        other = when(">", "value", level % 7)
        condition = [Not(condition), All((condition, Not(other))), AnyOf((other, condition))][level % 3]
    return condition


@pytest.mark.parametrize("depth", [1, 11, 12, 13, 24, 25, 32, 100, 200])
def test_deep_trees_agree(depth):
    asked = asks([chain(depth), Not(chain(depth - 1)), chain(depth)])
    assert_agrees(asked, EVENTS)
    holds, view = compile_holds(chain(depth)), Projection(["host", "value"]).of
    assert [holds(view(event)) for event in EVENTS] == [evaluate(chain(depth), event) for event in EVENTS]


def test_trees_deeper_than_the_stack_of_python_compile_and_answer():
    condition = when("==", "host", "a")
    for _ in range(3001):
        condition = Not(condition)
    view = Projection(["host"]).of
    node = compile_node(asks([condition]))
    assert told(node, view({"host": "a"})) == []
    assert told(node, view({"host": "b"})) == [0]


@pytest.mark.parametrize("kind", [AnyOf, All])
@pytest.mark.parametrize(
    "leaf",
    [
        lambda number: when("==", "value", number),
        lambda number: when("!=", "value", number),
        lambda number: when("==" if number % 2 else "!=", "host", f"h{number}"),
        lambda number: Not(when("==", "value", number)),
        lambda number: AnyOf((when(">", "value", number), when("==", "host", f"h{number}"))),
        lambda number: Test(">", Arithmetic("+", Field("value"), Literally(1)), Literally(number)),
        lambda number: when("==", f"f{number}", number),
    ],
)
def test_twenty_thousand_terms_compile_fast_and_agree(kind, leaf):
    condition = kind(tuple(leaf(number) for number in range(20_000)))
    started = time.process_time()
    node = compile_node(asks([condition]))
    assert time.process_time() - started < 10
    assert_agrees(asks([condition]), EVENTS[::4], node=node)


def test_large_groups_inside_one_another_agree():
    condition = All(
        tuple(
            AnyOf(tuple(All((when("!=", "value", one * other), when("exists", "host"))) for other in range(40)))
            for one in range(120)
        )
    )
    assert_agrees(asks([condition, Not(condition)]), EVENTS)


def test_no_text_of_a_rule_stands_in_the_source():
    asked = asks(
        when(op, path, 'x"; import os; {0} \\')
        for op in ("==", "!=", "contains", "starts_with", "matches")
        for path in ("import os", "host.{0}.'", "K0", "v")
        if op != "matches"
    )
    asked += asks([when("matches", "{1}", "evil{2}"), when("in", "print", ["evil", "{3}"])])
    node = compile_node(asked)
    for text in ("import", "evil", "host", "print", "{", "x"):
        assert text not in node.code.replace("extend", "").replace("exec", "")
    event = {"import os": 'x"; import os; {0} \\', "host": {"{0}": {"'": "a"}}, "K0": "b", "v": 1, "print": "{3}"}
    assert_agrees(asked, [event, {}])
    assert "import os" in node.legend
