"""Ids of firings as constants: they name rows of stores and keys at receivers, so no version may give others."""

from collections.abc import Callable

import pytest

from cepd.engine.engine import Engine
from cepd.engine.expressions import parse_expression
from cepd.engine.program import Program
from cepd.engine.rows import Batch, Row, Swap, Target, Tick
from cepd.model.duration import HOUR, MINUTE
from cepd.model.rule import (
    AbsenceTrigger,
    Aggregate,
    AnomalyTrigger,
    MetricTrigger,
    NewValueTrigger,
    Resolve,
    Rule,
    SequenceTrigger,
    Step,
    Suppress,
    Window,
)
from tests.support.rows import START, S, line, program, rule, run, stream

HOST = ("host",)
LINES = [line(at, id=f"e{at}", type="A", host="web-ü", n=at) for at in (1, 2, 3)]
CLOSED = {"window": Window("tumbling", size=MINUTE), "aggregate": {"n": Aggregate("count")}}
EAGER = {**CLOSED, "window": Window("tumbling", size=MINUTE, emit="eager"), "having": parse_expression("n >= 2")}
STEPS = (Step("a", event_type=("A",), when=parse_expression("n == 1")), Step("b", event_type=("A",)))
ANOMALY = AnomalyTrigger("n", "zscore", parameters={"min_baseline": 3, "window": 10})


def heard(of: Program) -> list[Row]:
    return [*stream(of, *((at, text) for at, text in enumerate(LINES, 1))), Tick(START + HOUR)]


def strangers(of: Program) -> list[Row]:
    """Without an id of their own."""
    return list(stream(of, (1, line(1, host=1)), (2, line(2, host=1.5)), (3, line(3))))


def anomalous(of: Program) -> list[Row]:
    return list(stream(of, *((at, line(at, id=f"e{at}", n=99 if at == 9 else at % 2)) for at in range(10))))


def targeted(of: Program) -> list[Row]:
    (batch,) = stream(of, (1, LINES[0]))
    assert isinstance(batch, Batch)
    return [Target(START, "r", batch.events[0])]


def removed(of: Program) -> list[Row]:
    return [*heard(of)[:3], Swap(START + MINUTE, program())]


CASES = [
    pytest.param(
        rule(group_by=HOST),
        heard,
        [
            ("fired", "6a0e868ae2786be412d9883ded3082db"),
            ("fired", "2d3515fb50168b85740d5b85602bb169"),
            ("fired", "4ec514db14f01f26d9704aebbe985e1e"),
        ],
        id="events",
    ),
    pytest.param(
        rule(group_by=HOST),
        strangers,
        [
            ("fired", "dcd57f4abb20cf13c5687e7adda578e0"),
            ("fired", "42e85fb0adff4812da9b41c62c6ed9c6"),
            ("fired", "bffb31f05496a7d2c6042e791758f248"),
        ],
        id="events without an id",
    ),
    pytest.param(
        rule(),
        heard,
        [
            ("fired", "461e76581e0367b493336086d77ece35"),
            ("fired", "bb281eee95932342bf020ea09c3e4873"),
            ("fired", "7e83810c745b9a762979385d7a682bf8"),
        ],
        id="no key",
    ),
    pytest.param(
        rule(trigger=MetricTrigger("n", ">", 1), group_by=HOST),
        heard,
        [("fired", "60a61a08609d1c8f5813b0f40784be6e"), ("fired", "68d97b5b2cf1ce99549428eec0f2eb85")],
        id="a metric",
    ),
    pytest.param(rule(group_by=HOST), targeted, [("fired", "6a0e868ae2786be412d9883ded3082db")], id="a target"),
    pytest.param(
        rule(group_by=HOST, suppress=Suppress(MINUTE)),
        heard,
        [
            ("fired", "6a0e868ae2786be412d9883ded3082db"),
            ("fired", "2d3515fb50168b85740d5b85602bb169"),
            ("fired", "4ec514db14f01f26d9704aebbe985e1e"),
            ("summary", "bd319ec8f2b71f64725931f76aced2ac"),
        ],
        id="suppress",
    ),
    pytest.param(
        rule(group_by=HOST, max_alerts=1),
        heard,
        [
            ("fired", "6a0e868ae2786be412d9883ded3082db"),
            ("storm", "92952d4a26797abdeba36d44a387e0b7"),
            ("fired", "2d3515fb50168b85740d5b85602bb169"),
            ("fired", "4ec514db14f01f26d9704aebbe985e1e"),
            ("summary", "56ba8ee85b85401d5437f6f28d81b4f2"),
        ],
        id="a storm",
    ),
    pytest.param(
        rule(when="n < 3", group_by=HOST, resolve=Resolve()),
        heard,
        [
            ("fired", "c8befbfe07b77dc6e68309a6e415814d"),
            ("continued", "838654f44ab76fbd4cd703080c879465"),
            ("resolved", "d10d9612fa8f78ae2c5299bc83feb770"),
        ],
        id="an episode",
    ),
    pytest.param(
        rule(group_by=HOST, resolve=Resolve(MINUTE)),
        heard,
        [
            ("fired", "6a0e868ae2786be412d9883ded3082db"),
            ("continued", "2d3515fb50168b85740d5b85602bb169"),
            ("continued", "4ec514db14f01f26d9704aebbe985e1e"),
            ("resolved", "aa43cd71d6c97fa6dfa2ebe15e51bdf4"),
        ],
        id="silence",
    ),
    pytest.param(
        rule(group_by=HOST, resolve=Resolve(HOUR)),
        removed,
        [
            ("fired", "6a0e868ae2786be412d9883ded3082db"),
            ("continued", "2d3515fb50168b85740d5b85602bb169"),
            ("continued", "4ec514db14f01f26d9704aebbe985e1e"),
            ("resolved", "aa43cd71d6c97fa6dfa2ebe15e51bdf4"),
        ],
        id="a rule that goes",
    ),
    pytest.param(
        rule(group_by=HOST, suppress=Suppress(HOUR)),
        removed,
        [
            ("fired", "6a0e868ae2786be412d9883ded3082db"),
            ("fired", "2d3515fb50168b85740d5b85602bb169"),
            ("fired", "4ec514db14f01f26d9704aebbe985e1e"),
            ("summary", "bd319ec8f2b71f64725931f76aced2ac"),
        ],
        id="a rule that goes and owes a summary",
    ),
    pytest.param(
        rule(group_by=HOST, hold=S),
        heard,
        [("fired", "6a0e868ae2786be412d9883ded3082db"), ("continued", "4ec514db14f01f26d9704aebbe985e1e")],
        id="a hold",
    ),
    pytest.param(rule(group_by=HOST, **CLOSED), heard, [("fired", "cae95935cba947b4bd67d8602ba15d00")], id="a window"),
    pytest.param(
        rule(group_by=HOST, **EAGER), heard, [("fired", "703b2f4f6d903a1a64c4f3d9e5f496d7")], id="an eager window"
    ),
    pytest.param(
        rule(trigger=SequenceTrigger(MINUTE, STEPS), group_by=HOST),
        heard,
        [("fired", "31f124832dd1a3e1bcc72b5c169850c7")],
        id="a sequence",
    ),
    pytest.param(
        rule(trigger=AbsenceTrigger(MINUTE), group_by=HOST),
        heard,
        [("fired", "e5b15b16d7239135e6df5c68174d22db")],
        id="an absence",
    ),
    pytest.param(
        rule(trigger=NewValueTrigger("n", learn=0), group_by=HOST),
        heard,
        [("fired", "749a5945f8d4c26b58dc70489254e13c"), ("fired", "505a7c992f4c816587fae96d507557e9")],
        id="new values",
    ),
    pytest.param(rule(trigger=ANOMALY), anomalous, [("fired", "8849d7b793142baa91ec774a8b237838")], id="an anomaly"),
]


@pytest.mark.parametrize(("the_rule", "rows", "expected"), CASES)
def test_ids(the_rule: Rule, rows: Callable[[Program], list[Row]], expected: list[tuple[str, str]]) -> None:
    compiled = program(the_rule)
    assert [(firing.kind, firing.id) for firing in run(Engine(compiled), rows(compiled))] == expected
