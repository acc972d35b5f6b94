"""The table of metrics: clean for promtool, complete, and without children of rules that are gone."""

import shutil
import subprocess
from collections.abc import Iterator

import pytest

from cepd.telemetry.metrics import TABLE, Metrics, Sample


def lines(metrics: Metrics) -> dict[str, float]:
    text = metrics.render().decode()
    return {
        line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if not line.startswith("#")
    }


def filled() -> Metrics:
    metrics = Metrics()
    metrics.read_from(lambda: [(metric.name, tuple("x" for _ in metric.labels), 2.0) for metric in TABLE])
    return metrics


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian package prometheus) is not installed")
def test_promtool_finds_nothing_to_say() -> None:
    checked = subprocess.run(["promtool", "check", "metrics"], input=filled().render(), capture_output=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")


def test_every_metric_of_the_table_comes_out_under_its_name_and_nothing_else_of_ours() -> None:
    names = {name.split("{")[0] for name in lines(filled())}
    assert {name for name in names if name.startswith("cepd_")} == {metric.name for metric in TABLE}
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
