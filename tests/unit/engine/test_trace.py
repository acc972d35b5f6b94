"""What a trace tells: results, values seen, and the same for both written forms."""

import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.expressions import parse_expression
from cepd.engine.reference import evaluate
from cepd.engine.trace import Seen, render_trace, trace
from cepd.engine.trees import read_condition
from tests.support.conditions import random_event, trees

EVENT = {"cpu": 90, "mem": 70.5, "env": "prod", "name": None, "tags": ["a"]}


def test_lines_for_people():
    condition = parse_expression(
        '(cpu + mem > 150 and env != "test") or not (lower(name) == "a" and exists(x.y) and "a" in tags)'
    )
    assert render_trace(trace(condition, EVENT)) == [
        "true   any of",
        "  true   all of",
        "    true   cpu + mem > 150  (cpu is 90, mem is 70.5, cpu + mem is 160.5)",
        '    true   env != "test"  (env is "prod")',
        "  true   not",
        "    false  all of",
        '      false  lower(name) == "a"  (name is null, lower(name) is missing)',
        "      false  exists(x.y)  (x.y is missing)",
        '      true   "a" in tags  (tags is ["a"])',
    ]


def test_null_and_missing_are_told_apart():
    traced = trace(parse_expression("name == gone"), EVENT)
    assert traced.seen == (Seen("name", None), Seen("gone", missing=True))
    assert traced.result is False


def test_each_operand_is_shown_once():
    traced = trace(parse_expression("cpu * cpu > cpu"), EVENT)
    assert [seen.text for seen in traced.seen] == ["cpu", "cpu * cpu"]


def test_both_forms_give_the_same_trace():
    document = {"conditions": [{"field": "cpu", "op": ">", "value": 80}, {"field": "env", "op": "in", "value": ["a"]}]}
    assert trace(read_condition(document), EVENT) == trace(parse_expression('cpu > 80 and env in ["a"]'), EVENT)


def test_long_and_unprintable_values_do_not_break_lines():
    (line,) = render_trace(trace(parse_expression('text == "a"'), {"text": "x\ny\ud800" * 1000}))
    assert len(line) < 200
    assert "\n" not in line
    assert line.encode()


@settings(max_examples=60, deadline=None)
@given(trees(), st.integers(0, 2**32))
def test_a_trace_says_what_the_reference_says(condition, seed):
    event = random_event(random.Random(seed))
    traced = trace(condition, event)
    assert traced.result is evaluate(condition, event)
    again = msgspec.json.decode(msgspec.json.encode(traced))
    assert again["result"] is traced.result
