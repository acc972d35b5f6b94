"""What the dialect's trigger specs and their conditions mean."""

from typing import Any

import pytest

from cepd.config.dialect import translate
from tests.support.dialect import bare, found, rule


def test_a_rule_without_a_trigger_spec_fires_by_name_alone() -> None:
    assert rule(bare("event"))["trigger"] == {"type": "event", "event_type": []}
    assert rule(translate({"rule_id": "r"}, "s"))["trigger"] == {"type": "event", "event_type": []}


def test_an_empty_trigger_spec_is_every_event() -> None:
    assert rule(bare("event", {}))["trigger"] == {"type": "event"}


@pytest.mark.parametrize("name", ["metric_name", "metricName", "field", "metric"])
@pytest.mark.parametrize("op", ["op", "operator"])
@pytest.mark.parametrize("value", ["threshold", "value"])
def test_spellings_of_a_threshold_are_one(name: str, op: str, value: str) -> None:
    metric = bare("metric", {name: "cpu", op: ">=", value: 8})
    assert rule(metric)["trigger"] == {"type": "metric", "metric": "cpu", "op": ">=", "threshold": 8}
    test = {"field": "cpu", "op": ">=", "value": 8}
    assert rule(bare("event", {name: "cpu", op: ">=", value: 8}))["when"] == test
    tree = rule(bare("event", {"conditions": [{name: "cpu", op: ">=", value: 8}], "logic": "OR"}))["when"]
    assert tree == {"conditions": [test], "logic": "OR"}


@pytest.mark.parametrize(
    ("text", "number"), [("85", 85), ("-1", -1), ("85.50", 85.5), ("1e3", 1000.0), (" 7 ", 7), (".5", 0.5)]
)
def test_numeric_text_that_orders_becomes_a_number_with_a_warning(text: str, number: float) -> None:
    for op in (">", "<", ">=", "<="):
        event = bare("event", {"field": "cpu", "op": op, "value": text})
        assert rule(event)["when"]["value"] == number
        assert type(rule(event)["when"]["value"]) is type(number)
        assert found(event) == [("CEP310", "/trigger_spec/value")]
    metric = bare("metric", {"field": "cpu", "op": "==", "threshold": text})
    assert rule(metric)["trigger"]["threshold"] == number
    assert found(metric) == [("CEP310", "/trigger_spec/threshold")]


@pytest.mark.parametrize("value", ["high", "", "12:30", "1e999", "٣", "true", "nan", True, None, [80], "9" * 5000])
def test_other_values_stay_what_they_are(value: Any) -> None:
    translation = bare("event", {"field": "cpu", "op": ">", "value": value})
    assert rule(translation)["when"]["value"] == value
    assert type(rule(translation)["when"]["value"]) is type(value)
    assert found(translation) == []


def test_text_under_equality_stays_text() -> None:
    translation = bare("event", {"field": "code", "op": "==", "value": "85"})
    assert rule(translation)["when"] == {"field": "code", "op": "==", "value": "85"}
    assert found(translation) == []


def test_numbers_are_found_at_any_depth_of_a_tree() -> None:
    deep = {"logic": "NOT", "conditions": [{"logic": "OR", "conditions": [{"field": "a", "op": "<", "value": "1"}]}]}
    translation = bare("event", {"field": "b", "op": "==", "value": 1}, composite_condition=[deep])
    assert found(translation) == [("CEP310", "/composite_condition/0/conditions/0/conditions/0/value")]
    inner = rule(translation)["when"]["conditions"][1]["conditions"][0]
    assert inner == {"logic": "OR", "conditions": [{"field": "a", "op": "<", "value": 1}]}


def test_trigger_and_composite_condition_must_both_hold() -> None:
    one, two = {"field": "a", "op": "==", "value": 1}, {"field": "b", "op": "==", "value": 2}
    translation = bare("event", one, composite_condition={"conditions": [two], "logic": "AND"})
    assert rule(translation)["when"] == {"conditions": [one, two], "logic": "AND"}


def test_a_test_of_text_on_a_metric_is_a_condition() -> None:
    translation = bare("metric", {"metric_name": "state", "op": "==", "threshold": "down"})
    assert rule(translation)["trigger"] == {"type": "metric"}
    assert rule(translation)["when"] == {"field": "state", "op": "==", "value": "down"}


def test_a_poll_keeps_its_relative_address() -> None:
    translation = bare(
        "metric", {"endpoint": "/m", "method": "GET", "value_path": "d.v", "field": "v", "op": ">", "value": 1}
    )
    assert rule(translation)["trigger"] == {
        "type": "metric",
        "poll": {"url": "/m", "method": "GET", "value_path": "d.v"},
        "metric": "v",
        "op": ">",
        "threshold": 1,
    }
    assert translation.origins["/rules/0/trigger/poll/url"] == "/trigger_spec/endpoint"


def test_anomaly_rules_take_the_documents_figures() -> None:
    figures = {"min_baseline": 30, "cooldown": "0s"}
    assert rule(bare("anomaly", {"metric_name": "ms"}))["trigger"] == {
        "type": "anomaly",
        "value": "ms",
        "method": "zscore",
        "threshold": 3.0,
        **figures,
    }
    given = {"value_path": "ms", "anomaly_method": "iqr", "multiplier": 2, "min_baseline": 50, "cooldown": "1m"}
    assert rule(bare("anomaly", given))["trigger"] == {
        "type": "anomaly",
        "value": "ms",
        "method": "iqr",
        "multiplier": 2,
        "min_baseline": 50,
        "cooldown": "1m",
    }
    assert rule(bare("anomaly", {"value_path": "ms", "threshold": "4"}))["trigger"]["threshold"] == 4
    of_iqr = {"value_path": "ms", "anomaly_method": "iqr", "threshold": "2.5"}
    trigger = rule(bare("anomaly", of_iqr))["trigger"]
    assert (trigger["multiplier"], "threshold" in trigger) == (2.5, False), "what iqr calls its threshold"


@pytest.mark.parametrize("name", ["cron", "scheduleExpression"])
def test_schedules(name: str) -> None:
    translation = bare("schedule", {name: "*/5 * * * *", "timezone": "Asia/Seoul"})
    assert rule(translation)["trigger"] == {"type": "schedule", "cron": "*/5 * * * *", "timezone": "Asia/Seoul"}
