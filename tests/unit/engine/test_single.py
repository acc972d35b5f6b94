"""One event for one rule: what each aggregate says to it, and which value is shown."""

import pytest

from cepd.engine.expressions import parse_expression
from cepd.engine.single import Single, evaluate_single
from cepd.model.json import Json
from cepd.model.rule import Aggregate, AnomalyTrigger, EventTrigger, MetricTrigger, Rule, SequenceTrigger, Window
from tests.support.rows import START, S, line, program, rule


def single(the_rule: Rule, **fields: object) -> Single:
    (event,) = program().decode([line(0, **fields)], START, source="s", origin="", first=1)
    return evaluate_single(the_rule, event)


@pytest.mark.parametrize(
    ("fn", "field", "value", "expected"),
    [
        ("count", None, 5, {"x": 1}),
        ("count", "v", 5, {"x": 1}),
        ("count", "gone", 5, {"x": 0}),
        ("sum", "v", 5, {"x": 5}),
        ("sum", "v", "5", {"x": 0}),
        ("sum", "v", 10**400, {"x": 0}),
        ("avg", "v", 10**400, {}),
        ("max", "v", 10**400, {"x": 10**400}),
        ("avg", "v", 2.5, {"x": 2.5}),
        ("min", "v", -1, {"x": -1}),
        ("max", "v", True, {}),
        ("percentile", "v", 7, {"x": 7}),
        ("percentile", "gone", 7, {}),
        ("first", "v", "text", {"x": "text"}),
        ("last", "v", None, {"x": None}),
        ("last", "gone", 1, {}),
        ("distinct_count", "v", "a", {"x": 1}),
        ("distinct_count", "v", None, {"x": 1}),
        ("count", "v", None, {"x": 1}),
        ("distinct_count", "gone", "a", {"x": 0}),
        ("rate", None, 5, {"x": 0.1}),
        ("stddev", "v", 5, {}),
        ("std", "v", 5, {}),
    ],
)
def test_aggregates_over_one_event(fn: str, field: str | None, value: Json, expected: dict[str, Json]) -> None:
    the_rule = rule(window=Window("tumbling", size=10 * S), aggregate={"x": Aggregate(fn, field, 95)})
    assert single(the_rule, v=value).values == expected


def test_a_session_has_no_length_to_take_a_rate_over() -> None:
    assert single(rule(window=Window("session", timeout=S), aggregate={"x": Aggregate("rate")})).values == {}


def test_having_decides_over_aggregates_and_a_name_of_both_means_the_aggregate() -> None:
    the_rule = rule(
        when="cpu > 50",
        window=Window("tumbling", size=10 * S),
        aggregate={"cpu": Aggregate("count"), "spread": Aggregate("stddev", "cpu")},
        having=parse_expression("cpu == 1"),
    )
    found = single(the_rule, cpu=60)
    assert (found.condition, found.matched, found.extracted) == (True, True, 60), "what `when` saw"
    assert single(the_rule, cpu=40).condition is False
    no_value = rule(aggregate=the_rule.aggregate, having=parse_expression("spread >= 0"))
    assert (single(no_value, cpu=60).condition, single(no_value, cpu=60).matched) == (True, False)


@pytest.mark.parametrize(
    ("the_rule", "expected"),
    [
        (rule(when='severity == "critical" and cpu > 1'), "critical"),
        (rule(when='cpu > 1 and severity == "critical"'), 7),
        (rule(when="not (5 > 3 and nope > 1) or cpu > 1"), None),
        (rule(when='lower(severity) == "critical"'), "critical"),
        (rule(when="1 < cpu"), 7),
        (rule(when="2 > 1 and cpu > 1"), 7),
        (rule(when='host.name == "a"'), "a"),
        (rule(), None),
        (rule(when='severity == "critical"', trigger=MetricTrigger("cpu", ">", 1)), 7),
        (rule(when='severity == "critical"', trigger=AnomalyTrigger("cpu")), 7),
        (rule(having=parse_expression("n >= 1"), aggregate={"n": Aggregate("count")}), 1),
        (rule(when="cpu > 100"), None),
    ],
)
def test_the_extracted_value_is_that_of_the_metric_or_the_first_condition(the_rule: Rule, expected: Json) -> None:
    assert single(the_rule, severity="critical", cpu=7, host={"name": "a"}).extracted == expected


def test_trigger_and_steps_are_skipped() -> None:
    assert single(rule(trigger=EventTrigger((), ("nobody",)))).matched
    assert single(rule(trigger=SequenceTrigger(S, ()))).matched


def test_a_group_by_value_that_is_no_key_keeps_it_from_firing() -> None:
    found = single(rule(group_by=("host",)), host=[1])
    assert (found.condition, found.matched, found.key, found.extracted) == (True, False, None, None)
