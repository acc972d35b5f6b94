"""The table of metrics: clean for promtool, complete, and without children of rules that are gone."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from cepd.telemetry.metrics import TABLE, Metrics, Sample

LATENCY = "cepd_delivery_latency_seconds"


def lines(metrics: Metrics) -> dict[str, float]:
    text = metrics.render().decode()
    return {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if not line.startswith("#")
    }


def filled() -> Metrics:
    metrics = Metrics()
    read = [metric for metric in TABLE if metric.kind != "histogram"]
    metrics.read_from(lambda: [(metric.name, tuple("x" for _ in metric.labels), 2.0) for metric in read])
    for metric in TABLE:
        if metric.kind == "histogram":
            metrics.observe(metric.name, *("x" for _ in metric.labels), value=2.0)
    return metrics


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian package prometheus) is not installed")
def test_promtool_finds_nothing_to_say() -> None:
    checked = subprocess.run(["promtool", "check", "metrics"], input=filled().render(), capture_output=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_every_metric_of_the_table_comes_out_under_its_name_and_nothing_else_of_ours() -> None:
    names = {name.split("{")[0] for name in lines(filled())}
    expected = {
        metric.name + ending
        for metric in TABLE
        for ending in (("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",))
    }
    assert {name for name in names if name.startswith("cepd_")} == expected
    assert any(name.startswith("process_") for name in names)


def test_counters_without_labels_are_there_from_the_start() -> None:
    assert lines(Metrics())["cepd_events_received_total"] == 0


def test_counts_add_up_with_what_sources_say() -> None:
    metrics = Metrics()
    metrics.count("cepd_alerts_total", "r")
    metrics.count("cepd_alerts_total", "r", by=2)

    def source() -> Iterator[Sample]:
        yield "cepd_rules", ("active",), 1
        yield "cepd_rules", ("active",), 1
        yield "cepd_alerts_total", ("r",), 10

    metrics.read_from(source)
    found = lines(metrics)
    assert found['cepd_alerts_total{rule="r"}'] == 13
    assert found['cepd_rules{state="active"}'] == 2
    again = lines(metrics)
    assert again['cepd_alerts_total{rule="r"}'] == 13, "a scrape adds nothing"
    assert again['cepd_rules{state="active"}'] == 2


def test_a_rule_that_is_gone_takes_its_counts_along_and_a_channel_stays() -> None:
    metrics = Metrics()
    for rule in ("old", "new"):
        metrics.count("cepd_alerts_total", rule)
    metrics.count("cepd_delivery_attempts_total", "old", "sent")
    metrics.forget_rules(["new"])
    found = lines(metrics)
    assert 'cepd_alerts_total{rule="old"}' not in found
    assert found['cepd_alerts_total{rule="new"}'] == 1
    assert found['cepd_delivery_attempts_total{channel="old",result="sent"}'] == 1


def test_a_label_may_hold_anything() -> None:
    metrics = Metrics()
    metrics.count("cepd_alerts_total", 'a"b\\c\nd')
    assert lines(metrics)[r'cepd_alerts_total{rule="a\"b\\c\nd"}'] == 1


def test_a_name_outside_the_table_and_a_missing_label_are_faults() -> None:
    with pytest.raises(KeyError):
        Metrics().count("cepd_other_total")
    with pytest.raises(ValueError, match="labels"):
        Metrics().count("cepd_alerts_total")


def test_a_value_is_in_each_bucket_whose_bound_it_does_not_pass() -> None:
    metrics = Metrics()
    for value in (59.0, 60.0, 60.5, 3_600.0, 1e9):
        metrics.observe("cepd_time_to_ack_seconds", "high", value=value)
    found = lines(metrics)
    buckets = {
        bound: found[f'cepd_time_to_ack_seconds_bucket{{le="{bound}",severity="high"}}']
        for bound in ("60.0", "300.0", "1800.0", "3600.0", "86400.0", "+Inf")
    }
    assert buckets == {"60.0": 2, "300.0": 3, "1800.0": 3, "3600.0": 4, "86400.0": 4, "+Inf": 5}
    assert found['cepd_time_to_ack_seconds_count{severity="high"}'] == 5
    assert found['cepd_time_to_ack_seconds_sum{severity="high"}'] == 59 + 60 + 60.5 + 3_600 + 1e9
    assert lines(metrics) == found, "a scrape adds nothing"


def test_bounds_ascend_and_only_histograms_have_them() -> None:
    for metric in TABLE:
        assert bool(metric.buckets) == (metric.kind == "histogram")
        assert list(metric.buckets) == sorted(set(metric.buckets))
    with pytest.raises(ValueError, match="labels"):
        Metrics().observe("cepd_time_to_ack_seconds", value=1)
    with pytest.raises(ValueError, match="labels"):
        Metrics().observe(LATENCY, value=1)
    with pytest.raises(ValueError, match="histogram"):
        Metrics().count(LATENCY, "ops")
    with pytest.raises(ValueError, match="counter"):
        Metrics().observe("cepd_alerts_total", "r", value=1)


def test_a_value_counts_in_each_bucket_that_holds_it() -> None:
    metrics = Metrics()
    for value in (0.05, 0.06, 4000, 3600):
        metrics.observe(LATENCY, "ops", value=value)
    found = lines(metrics)

    def at_most(bound: str) -> float:
        return found[f'{LATENCY}_bucket{{channel="ops",le="{bound}"}}']

    assert [at_most(bound) for bound in ("0.05", "0.1", "900.0", "3600.0", "+Inf")] == [1, 2, 2, 3, 4]
    assert found[f'{LATENCY}_count{{channel="ops"}}'] == 4
    assert found[f'{LATENCY}_sum{{channel="ops"}}'] == pytest.approx(7600.11)


def test_buckets_rise_and_only_histograms_have_them() -> None:
    for metric in TABLE:
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert bool(metric.buckets) == (metric.kind == "histogram")
