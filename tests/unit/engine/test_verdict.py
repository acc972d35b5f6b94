import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cepd.engine.baseline import Baseline, Finding, baseline_type, measure, methods_of
from cepd.engine.shares import share_of_line
from cepd.engine.verdict import Tuning, judge, least_share, lowest_lines, reaches, verdict, without_baseline
from cepd.model.rule import AnomalyTrigger
from tests.support.anomalies import METHODS, START, anomaly_rule

HOUR = 3_600_000_000


def tuning(method: str = "zscore", **parameters: Any) -> Tuning:
    return Tuning.of(AnomalyTrigger("v", method, parameters=parameters))


def found(method: str, measured: float, spread: float = 1.0, samples: int = 500, part: str | None = None) -> Finding:
    return measure(methods_of(method)[part or method], measured, 100.0, 100.0, spread, 1e-4, samples)


def judged(finding: Finding, **parameters: Any) -> bool | None:
    one = judge(tuning(**parameters), [finding])
    return None if one is None else one.is_anomaly


@pytest.mark.parametrize(
    ("method", "line"),
    [
        ("zscore", 4.0),
        ("iqr", 3.0),
        ("ema", 6.0),
        ("level_shift", 2.0),
        ("extreme", 0.005),
        ("seasonal", 20.0),
        ("volatility", 3.0),
    ],
)
def test_what_a_rule_does_not_say(method: str, line: float) -> None:
    one = tuning(method)
    assert one.lines == {method: line}
    assert (one.min_baseline, one.direction, one.consecutive, one.min_change) == (200, "both", 1, 0)
    assert one.cooldown == 2 * HOUR


def test_what_a_rule_says() -> None:
    assert tuning("iqr", multiplier=1.5).lines == {"iqr": 1.5}
    assert tuning("ema", threshold=9).lines == {"ema": 9}
    medium, low, high = (tuning("auto", sensitivity=one).lines for one in ("medium", "low", "high"))
    assert tuning("auto").lines == medium == {"level_shift": 2, "extreme": 0.005, "seasonal": 20, "volatility": 3}
    assert low == {"level_shift": 3, "extreme": 0.01, "seasonal": 20, "volatility": 4}
    assert all(high[name] <= medium[name] <= low[name] for name in medium)


def test_a_score_at_the_line_is_no_anomaly() -> None:
    assert judged(found("zscore", 104.0)) is False
    assert judged(found("zscore", 104.001)) is True


def test_a_short_baseline_is_neither_true_nor_false() -> None:
    assert judged(found("zscore", 900.0, samples=199)) is None
    assert judged(found("zscore", 900.0, samples=200)) is True
    assert judged(found("zscore", 900.0, samples=200), min_baseline=201) is None
    assert judge(tuning(), []) is None


@pytest.mark.parametrize(
    ("direction", "measured", "expected"),
    [("up", 110.0, True), ("up", 90.0, False), ("down", 110.0, False), ("down", 90.0, True), ("both", 90.0, True)],
)
def test_directions(direction: str, measured: float, expected: bool) -> None:
    one = judge(tuning(direction=direction), [found("zscore", measured)])
    assert one is not None
    assert one.is_anomaly is expected
    assert one.score == (10.0 if expected else 0.0)


def test_a_change_too_small_to_count() -> None:
    assert judged(found("zscore", 104.9, spread=0.0), min_change=5) is False
    assert judged(found("zscore", 95.1, spread=0.0), min_change=5) is False
    assert judged(found("zscore", 105.0, spread=0.0), min_change=5) is True
    assert judged(found("zscore", 103.0), min_change=1) is False


def test_of_several_findings_the_one_furthest_over_its_line_is_told() -> None:
    parts = [found("auto", 105.0, part="level_shift"), found("auto", 100.01, part="extreme")]
    one = judge(tuning("auto"), parts)
    assert one is not None
    assert (one.finding.method.name, one.line) == ("level_shift", 2.0)
    small = judge(tuning("auto", min_change=0.005), [found("auto", 101.0, part="level_shift"), parts[1]])
    assert small is not None
    assert (small.finding.method.name, small.is_anomaly) == ("extreme", True)


def learned(method: str, values: list[float]) -> Baseline:
    baseline = baseline_type(method).new({})
    for place, value in enumerate(values):
        baseline.learn(value, START + place * HOUR // 6)
    return baseline


def test_a_verdict_tells_everything() -> None:
    baseline = learned("zscore", [99.0, 101.0] * 150)
    told = verdict(tuning(), baseline, START, baseline.judge(110, START), 110)
    assert told == {
        "is_anomaly": True,
        "method": "zscore",
        "reason": "zscore",
        "score": pytest.approx(10.0),
        "threshold": 4.0,
        "value": 110,
        "expected": {"low": pytest.approx(96.0), "high": pytest.approx(104.0), "center": pytest.approx(100.0)},
        "details": {"mean": pytest.approx(100.0), "std": pytest.approx(1.0), "direction": "up"},
        "baseline": {"status": "ready", "samples": 300, "since": "2026-01-01T00:00:00Z"},
        "text": "the value 110 is 10 standard deviations above the mean of the values before it (100); "
        "expected 96 to 104",
    }


def test_a_series_that_stood_still_is_flat() -> None:
    baseline = learned("zscore", [100.0] * 300)
    told = verdict(tuning(min_change=5), baseline, START, baseline.judge(106.0, START), 106.0)
    assert told["is_anomaly"]
    assert told["baseline"]["status"] == "flat"
    assert told["score"] == pytest.approx(60_000)
    assert told["expected"] == {"low": 95.0, "high": 105.0, "center": 100.0}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_has_words_and_a_range_that_agrees_with_its_verdict(method: str) -> None:
    values = [100.0 + (place * 7 % 11) for place in range(1000)]
    baseline = learned(method, values)
    time = START + 1000 * HOUR // 6
    for value in (-5000.0, 101.0, 5000.0):
        told = json.loads(json.dumps(verdict(tuning(method), baseline, START, baseline.judge(value, time), value)))
        assert told["expected"]["low"] <= told["expected"]["center"] <= told["expected"]["high"]
        assert told["is_anomaly"] == (told["score"] > told["threshold"])
        assert told["method"] == method
        assert told["reason"] in methods_of(method)
        assert told["baseline"]["samples"] == 1000
        if method in ("zscore", "iqr", "ema", "extreme"):
            inside = told["expected"]["low"] <= value <= told["expected"]["high"]
            assert told["is_anomaly"] != inside
        if method != "seasonal":
            assert told["is_anomaly"] == (value != 101.0)
        if told["is_anomaly"]:
            assert (" above " if value > 0 or told["reason"] == "volatility" else " below ") in told["text"]
        assert "expected" in told["text"]


def test_without_a_baseline_nothing_is_an_anomaly() -> None:
    told = without_baseline(anomaly_rule("iqr", min_baseline=300), 1e99)
    assert told["is_anomaly"] is False
    assert (told["method"], told["score"], told["threshold"], told["value"]) == ("iqr", 0.0, 3.0, 1e99)
    assert told["baseline"] == {"status": "warming_up", "samples": 0, "needed": 300, "since": None}
    assert told["text"] == "the baseline is warming up: 0 values, 300 are needed"
    assert without_baseline(anomaly_rule("auto"), None)["threshold"] is None


def test_the_lowest_line_of_all_rules_is_by_method() -> None:
    low, high = tuning("auto", sensitivity="low"), tuning("auto", sensitivity="high")
    assert lowest_lines([low, high]) == {"level_shift": 2.0, "extreme": 0.002, "seasonal": 15.0, "volatility": 2.5}
    assert lowest_lines([tuning(threshold=9), tuning(threshold=2), tuning(threshold=5)]) == {"zscore": 2}
    assert least_share(tuning(threshold=1)) == 0.25
    assert least_share(high) == 0.4
    assert least_share(tuning("auto")) == 1.0


LINES = st.floats(0.0, 1e6, exclude_min=True) | st.sampled_from([1.0, 3.0, 4.0, 0.1, 0.3])


@st.composite
def tuned(draw: st.DrawFn) -> Tuning:
    method = draw(st.sampled_from(["auto", "zscore"]))
    own = {"sensitivity": st.sampled_from(["low", "medium", "high"])} if method == "auto" else {"threshold": LINES}
    others = {"direction": st.sampled_from(["both", "up", "down"]), "min_change": st.sampled_from([0, 0.5])}
    return tuning(method, **draw(st.fixed_dictionaries(own | others)))


@given(st.data(), tuned(), st.lists(tuned(), max_size=3))
def test_no_rule_calls_an_anomaly_what_reaches_no_line_of_any(
    data: st.DataObject, one: Tuning, more: list[Tuning]
) -> None:
    names = [name for name in methods_of(one.method) if data.draw(st.booleans(), label=name)]
    findings = []
    for name in names:
        line, factor = one.lines[name], data.draw(st.floats(-3, 3) | st.sampled_from([1.0, -1.0]))
        spread = data.draw(st.floats(1e-3, 1e3))
        findings.append(measure(methods_of(one.method)[name], factor * line * spread, 0.0, 0.0, spread, 0.0, 500))
    lines = lowest_lines([one, *(other for other in more if other.method == one.method)])
    verdict_of_one = judge(one, findings)
    over = [abs(found.score) > lines[found.method.name] for found in findings]
    assert reaches(findings, lines) is (True in over)
    if findings and verdict_of_one is not None and verdict_of_one.is_anomaly:
        assert reaches(findings, lines)
        assert share_of_line(findings) >= least_share(one)
