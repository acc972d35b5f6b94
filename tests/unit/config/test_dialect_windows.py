"""Where the dialect's thresholds are tested: on events, for a while, or on an aggregate of a window."""

from typing import Any

import pytest

from tests.support.dialect import AVERAGE, HOOK, bare, found, rule


def test_a_threshold_with_a_duration_must_hold_that_long() -> None:
    translation = bare("metric", {"metric_name": "cpu", "op": ">", "threshold": 85, "duration": "5m"})
    assert rule(translation)["for"] == "5m"
    assert rule(translation)["trigger"] == {"type": "metric", "metric": "cpu", "op": ">", "threshold": 85}
    assert "window" not in rule(translation)


def test_a_threshold_with_an_aggregation_is_a_window_with_having() -> None:
    translation = bare("metric", AVERAGE)
    assert rule(translation) == {
        "id": "r",
        "trigger": {"type": "metric"},
        "when": {"field": "cpu", "op": "exists", "value": True},
        "window": {"type": "tumbling", "size": "5m"},
        "aggregate": {"avg_cpu": {"fn": "avg", "field": "cpu"}},
        "having": {"field": "avg_cpu", "op": ">", "value": 85},
        "actions": [HOOK],
    }
    assert found(translation) == []


def test_leaves_on_the_aggregated_metric_move_into_having() -> None:
    hot, hotter = {"field": "cpu", "op": ">", "value": 85}, {"field": "cpu", "op": "<", "value": 99}
    disk = {"field": "disk", "op": ">", "value": 9}
    tree = {"logic": "AND", "conditions": [hot, {"conditions": [disk, hotter]}]}
    translation = bare("metric", AVERAGE, composite_condition=tree)
    assert rule(translation)["when"] == disk
    assert rule(translation)["having"] == {
        "conditions": [{"field": "avg_cpu", "op": ">", "value": 85}, {"field": "avg_cpu", "op": "<", "value": 99}],
        "logic": "AND",
    }
    assert translation.origins["/rules/0/having/conditions/1"] == "/composite_condition/conditions/1/conditions/1"


def test_a_part_on_the_metric_alone_moves_as_a_whole() -> None:
    either = {
        "logic": "OR",
        "conditions": [{"field": "cpu", "op": ">", "value": 99}, {"field": "cpu", "op": "<", "value": 1}],
    }
    translation = bare("metric", AVERAGE, composite_condition=either)
    parts = rule(translation)["having"]["conditions"]
    assert [leaf["field"] for leaf in parts[1]["conditions"]] == ["avg_cpu", "avg_cpu"]
    assert parts[1]["logic"] == "OR"


def test_a_part_that_mixes_the_metric_with_others_stays_with_a_warning() -> None:
    mixed = {
        "logic": "OR",
        "conditions": [{"field": "cpu", "op": ">", "value": 99}, {"field": "disk", "op": ">", "value": 1}],
    }
    translation = bare("metric", AVERAGE, composite_condition=mixed)
    assert rule(translation)["when"] == mixed
    assert rule(translation)["having"] == {"field": "avg_cpu", "op": ">", "value": 85}
    assert found(translation) == [("CEP313", "/composite_condition")]


def test_a_window_config_is_the_window_and_its_aggregation_gives_the_name() -> None:
    translation = bare(
        "metric",
        {"metric_name": "cpu", "op": ">", "threshold": 85},
        window_config={"type": "sliding", "size": "5m", "slide": "1m"},
        aggregation={"type": "avg", "field": "cpu", "outputAlias": "mean"},
    )
    assert rule(translation)["window"] == {"type": "sliding", "size": "5m", "slide": "1m"}
    assert rule(translation)["having"] == {"field": "mean", "op": ">", "value": 85}
    assert rule(translation)["trigger"] == {"type": "metric"}


def test_aggregates_that_nothing_names_block_nothing() -> None:
    translation = bare(
        "metric",
        {"endpoint": "/m", "value_path": "d"},
        composite_condition={"field": "cpu", "op": ">", "value": 80},
        window_config={"type": "tumbling", "size": "5m"},
        aggregation={"type": "avg", "field": "other"},
    )
    assert rule(translation)["aggregate"] == {"avg_other": {"fn": "avg", "field": "other"}}
    assert "having" not in rule(translation)
    assert rule(translation)["when"] == {"field": "cpu", "op": ">", "value": 80}


def test_a_threshold_beside_a_window_that_does_not_aggregate_it_tests_events() -> None:
    translation = bare(
        "metric",
        {"metric_name": "cpu", "op": ">", "threshold": 85},
        window_config={"type": "session", "timeout": "10m"},
        aggregation={"type": "count"},
    )
    assert rule(translation)["trigger"] == {"type": "metric"}
    assert rule(translation)["when"] == {"field": "cpu", "op": ">", "value": 85}
    assert rule(translation)["aggregate"] == {"count": {"fn": "count"}}


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [
        ({"type": "std", "field": "ms"}, {"stddev_ms": {"fn": "stddev", "field": "ms"}}),
        (
            {"type": "percentile", "field": "a.ms", "p": 95},
            {"p95_a_ms": {"fn": "percentile", "field": "a.ms", "p": 95}},
        ),
        ({"type": "sum", "field": "n", "output_alias": "total"}, {"total": {"fn": "sum", "field": "n"}}),
        (
            [{"type": "count"}, {"type": "max", "field": "n"}],
            {"count": {"fn": "count"}, "max_n": {"fn": "max", "field": "n"}},
        ),
    ],
)
def test_aggregations(aggregation: Any, expected: dict[str, Any]) -> None:
    translation = bare("event", {}, window_config={"type": "tumbling", "size": "1m"}, aggregation=aggregation)
    assert rule(translation)["aggregate"] == expected


@pytest.mark.parametrize("keys", ["host, mount", ["host", "mount"]])
def test_keys_are_a_list_or_text_with_commas_wherever_they_stand(keys: Any) -> None:
    window, aggregation = {"type": "tumbling", "size": "1m"}, {"type": "count"}
    for fields in (
        {"window_config": window, "aggregation": {**aggregation, "group_by": keys}},
        {"window_config": {**window, "groupBy": keys}, "aggregation": aggregation},
        {"window_config": window, "aggregation": aggregation, "group_by": keys},
    ):
        translation = bare("event", {}, **fields)
        assert rule(translation)["group_by"] == ["host", "mount"]
        assert rule(translation)["window"] == window
        assert found(translation) == []
