"""Simulate: the documents' verdicts, and replays compared with plain loops over the same lines."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cepd.engine.expressions import parse_expression
from cepd.engine.why import render_why, why_fired
from cepd.model.instant import format_instant, read_instant
from cepd.model.rule import (
    ActionSpec,
    Aggregate,
    AnomalyTrigger,
    EventTrigger,
    MetricTrigger,
    Rule,
    ScheduleTrigger,
    Suppress,
    Window,
)
from cepd.runtime.simulate import (
    PayloadVerdict,
    Simulation,
    firing_line,
    simulate_payload,
    why_payload,
)
from tests.support.alerting import alerting
from tests.support.rows import START, S, definition, line, rule

RECORDING = Path(__file__).parents[4] / "shared" / "data" / "metrics.ndjson.gz"


def replay(rules: list[Rule], lines: list[bytes], **options: object) -> tuple[Simulation, list[dict]]:
    simulation = Simulation([definition(found) for found in rules], **options)
    return simulation, [firing_line(firing) for firing in simulation.run(lines)]


def test_the_documents_shape() -> None:
    actions = (
        ActionSpec("webhook", {}),
        ActionSpec("multi_action", {"actions": [{"type": "notify"}, {"endpoint": "/x"}, {"type": "store"}]}),
    )
    critical = definition(rule(when='severity == "critical"', actions=actions))
    found = simulate_payload(critical, {"severity": "critical", "service": "cart"})
    assert found == PayloadVerdict(True, True, ["webhook", "notify", "webhook", "store"], "critical")
    assert simulate_payload(critical, {"severity": "warning"}) == PayloadVerdict(False, False, [], None)
    assert simulate_payload(critical, {}) == PayloadVerdict(False, False, [], None)


@pytest.mark.parametrize(("cpu", "matched"), [(92, True), (85, False), ("92", False), (True, False)])
def test_a_windowed_rule_takes_the_one_event_as_its_window(cpu: object, matched: bool) -> None:
    spike = rule(
        trigger=MetricTrigger("cpu_percent"),
        when="cpu_percent > 50",
        window=Window("tumbling", size=300 * S),
        aggregate={"avg": Aggregate("avg", "cpu_percent")},
        having=parse_expression("avg > 85"),
    )
    found = simulate_payload(definition(spike, active=False, reason="not yet"), {"cpu_percent": cpu})
    assert (found.matched, found.extracted_value) == (matched, 92 if matched else None)


def test_a_payload_is_an_event_of_the_rules_own_type_and_source() -> None:
    trigger = EventTrigger(("host.cpu", "host.load"), ("agent",))
    own = definition(rule(when='type == "host.cpu" and source == "agent"', trigger=trigger))
    assert simulate_payload(own, {}).matched
    assert not simulate_payload(own, {"event_type": "host.load"}).matched
    assert not simulate_payload(own, {"source": "other"}).matched
    assert simulate_payload(definition(rule(trigger=ScheduleTrigger("* * * * *"))), {}).matched


def test_lines_that_are_no_events_are_counted_and_the_first_20_kept() -> None:
    lines = [b"", line(0, v=1), b"{", b"[1]", b'{"v":"\xff"}', b"  \r", line(0, v=2), *[b"x"] * 30]
    simulation, firings = replay([rule()], lines)
    report = simulation.report()
    assert (report["events"], report["rejected"], report["firings"]) == (2, 33, 2)
    assert [rejection["line"] for rejection in report["rejections"]] == [3, 4, 5, *range(8, 25)]
    assert report["rejections"][1]["reason"] == "not an object but an array"
    assert report["rejections"][2]["reason"] == "not UTF-8: byte 7 is 0xff"
    assert [firing["event_ids"] for firing in firings] == [["#2"], ["#7"]], "known by the line's number"


def test_duplicates_are_skipped_and_the_same_id_with_other_bytes_is_not() -> None:
    one, two = line(0, id="a", v=1), line(0, id="a", v=2)
    simulation, firings = replay([rule()], [one, one + b"\n", two, one, b"{}", b"{}"])
    assert simulation.report()["duplicates"] == 2
    assert len({firing["id"] for firing in firings}) == len(firings) == 4


def test_events_without_a_time_take_the_clock_and_no_time_is_too_far_ahead() -> None:
    lines = [b"{}", line(0), b'{"time": "soon"}', line(-100), line(10_000_000), b"{}"]
    times = [START - 3600 * S, START, START, START - 100 * S, START + 10_000_000 * S, START + 10_000_000 * S]
    simulation, firings = replay([rule()], lines, start=START - 3600 * S)
    assert [firing["time"] for firing in firings] == [format_instant(time) for time in times]
    assert simulation.report()["period"] == {"from": format_instant(times[3]), "to": format_instant(times[4])}
    assert replay([rule()], [b"{}"])[1][0]["time"] == "1970-01-01T00:00:00Z"
    assert replay([rule()], [b"{}"])[0].report()["period"] == {"from": None, "to": None}


def test_summaries_run_to_the_last_time_and_until_extends() -> None:
    rules, lines = [rule(suppress=Suppress(60 * S))], [line(0), line(1)]
    assert [firing["kind"] for firing in replay(rules, lines)[1]] == ["fired", "fired"]
    simulation, firings = replay(rules, lines, until=START + 3600 * S)
    assert [firing["kind"] for firing in firings] == ["fired", "fired", "summary"]
    report = simulation.report()
    assert (report["firings"], report["alerts"]) == (2, 1)
    assert report["rules"] == {"r": {"firings": 2, "alerts": 1}}


def test_only_active_rules_run_and_the_others_are_listed_with_zeros() -> None:
    definitions = [
        definition(rule("on", max_alerts=1)),
        definition(rule("off", enabled=False), active=False, reason="disabled"),
        definition(rule("later", trigger=ScheduleTrigger("* * * * *")), active=False, reason="schedule"),
    ]
    lines = [line(0, v=v) for v in range(4)]
    whole = Simulation(definitions)
    list(whole.run(lines))
    nothing = {"firings": 0, "alerts": 0}
    assert whole.report()["rules"] == {"on": {"firings": 4, "alerts": 2}, "off": nothing, "later": nothing}
    for rule_id, counts in (("off", {"firings": 4, "alerts": 4}), ("later", nothing)):
        alone = Simulation(definitions, rule_id=rule_id)
        list(alone.run(lines))
        assert alone.report()["rules"] == {rule_id: counts}


def test_an_anomaly_rule_says_that_one_value_has_no_baseline() -> None:
    spike = definition(rule("a", trigger=AnomalyTrigger("ms", "zscore")))
    found = msgspec.to_builtins(simulate_payload(spike, {"ms": 5}))
    assert (found["is_anomaly"], found["score"], found["method"], found["details"]) == (False, 0, "zscore", {})
    assert "is_anomaly" not in msgspec.to_builtins(simulate_payload(definition(rule()), {"ms": 5}))


def test_explanations_show_each_leaf_with_the_value_it_saw() -> None:
    hot = definition(rule(when='cpu > 50 and env != "test"', group_by=("host",)))
    told = "\n".join(render_why(why_payload(hot, {"cpu": 40})))
    assert "cpu is 40" in told
    assert "env is missing" in told
    (firing,) = Simulation([hot]).run([line(0, cpu=60, env="live", host="a")])
    told = "\n".join(render_why(why_fired(hot.rule, firing)))
    assert told.startswith('2026-01-01T00:00:00Z r {"host":"a"}: fired and opened an alert')
    assert "cpu is 60" in told
    assert '"live"' in told


def test_memory_does_not_grow_with_the_recording() -> None:
    import tracemalloc

    def lines(count: int) -> Iterator[bytes]:
        return (b'{"v":%d,"ts":%d,"h":"%d"}' % (n, 1_700_000_000 + n, n % 5) for n in range(count))

    suppressed = [definition(rule(when="v > 2", group_by=("h",), suppress=Suppress(60 * S)))]
    peaks = []
    for count in (2_000, 20_000):
        tracemalloc.start()
        for _ in Simulation(suppressed).run(lines(count)):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0], peaks


def test_a_generated_stream_against_a_plain_loop() -> None:
    lines, events, clock = [], [], -100
    for n in range(4_000):
        number = (n * n * 7919 + n * 31) % 1009
        time, value, host = n // 4 - number % 9, number % 100, "abcdefghijklmnop"[number % 16]
        lines.append(line(time, id=str(n), host=host, value=value))
        clock = max(clock, time)
        events.append((clock, time, host if value > 40 else None))
    guarded = rule(when="value > 40", group_by=("host",), suppress=Suppress(30 * S), max_alerts=3)
    _, firings = replay([guarded], lines, until=START + 2_000 * S)
    expected = alerting(events, until=2_000, lateness=5, window=30, max_alerts=3)
    said = [(firing["kind"], firing["key"].get("host"), seconds(firing["time"])) for firing in firings]
    assert said == [(one.kind, one.key, one.time) for one in expected]
    assert {kind for kind, *_ in said} == {"fired", "summary", "storm"}


def seconds(text: str) -> int:
    instant = read_instant(text)
    assert instant is not None
    return (instant - START) // S


@pytest.mark.skipif(not RECORDING.is_file(), reason="the recorded metrics are not beside the project")
def test_real_measurements_against_a_plain_loop() -> None:
    limits = {"hot": 90.0, "hotter": 99.5}
    suppress = 3600
    rules = [
        rule(name, f"value > {limit}", group_by=("series",), trigger=EventTrigger(("metric.sample",)), suppress=each)
        for name, limit, each in (("hot", limits["hot"], Suppress(suppress * S)), ("hotter", limits["hotter"], None))
    ]
    with gzip.open(RECORDING) as recording:
        simulation, found = replay(rules, recording)
    expected: list[tuple[str, str, str, str]] = []
    alerts = {"hot": 0, "hotter": 0}
    open_until: dict[str, int] = {}
    count, times = 0, []
    with gzip.open(RECORDING) as recording:
        for text in recording:
            event = json.loads(text)
            count += 1
            times.append(event["time"])
            now = (read_instant(event["time"]) or 0) // S
            for name, limit in limits.items():
                if event["value"] > limit:
                    expected.append((name, event["series"], event["time"], event["id"]))
                    if name == "hotter" or now >= open_until.get(event["series"], 0):
                        alerts[name] += 1
                        if name == "hot":
                            open_until[event["series"]] = now + suppress
    fired = [
        (firing["rule_id"], firing["key"]["series"], firing["time"], firing["event_ids"][0])
        for firing in found
        if firing["kind"] == "fired"
    ]
    assert fired == expected
    report = simulation.report()
    assert (report["events"], report["rejected"], report["duplicates"]) == (count, 0, 0)
    assert {name: counts["alerts"] for name, counts in report["rules"].items()} == alerts
    assert report["period"] == {"from": min(times), "to": max(times)}
    assert report["cpu_seconds"] > 0
