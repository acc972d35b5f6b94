"""Holds and resolves of rules without a window: what each evaluation does, worked out by hand."""

from cepd.engine.engine import Engine
from cepd.engine.program import compile_program
from cepd.engine.rows import Resume, Swap, Tick
from cepd.model.duration import MINUTE, SECOND
from cepd.model.firing import Firing
from cepd.model.rule import EventTrigger, MetricTrigger, Resolve, Rule, Suppress
from tests.support.rows import START as T0
from tests.support.rows import batch, line, program, rule


def hot(**changes: object) -> Rule:
    return rule("hot", "cpu > 80", trigger=EventTrigger(("cpu",)), group_by=("host",), **changes)


class Bench:
    """An engine and the rows it gets: `at` in seconds, each an event of type cpu that happens when it arrives."""

    def __init__(self, *rules: Rule) -> None:
        self.program = program(*rules)
        self.engine = Engine(self.program)
        self.number = 0

    def row(self, at: float, cpu: object, host: str = "a", **more: object):
        self.number += 1
        fields = {"type": "cpu", "host": host, "cpu": cpu, **more}
        return batch(self.program, at, line(at, **fields), first=self.number)

    def send(self, at: float, cpu: object, host: str = "a", **more: object) -> list[tuple]:
        return told(self.engine.apply(self.row(at, cpu, host, **more)))

    def tick(self, at: float) -> list[tuple]:
        return told(self.engine.apply(Tick(T0 + int(at * SECOND))))


def told(firings: list[Firing]) -> list[tuple]:
    """(kind, seconds after T0, host, count, reason)."""
    return [
        (firing.kind, (firing.time - T0) / SECOND, firing.key.get("host"), firing.count, firing.reason)
        for firing in firings
    ]


def test_a_hold_fires_at_the_first_true_evaluation_after_it_is_over_and_once_per_episode() -> None:
    bench = Bench(hot(hold=5 * MINUTE))
    assert bench.send(0, 90) == []
    assert bench.send(299.999999, 95) == []
    assert bench.send(300, 95) == [("fired", 300, "a", 1, None)]
    assert bench.send(301, 95) == [("continued", 301, "a", 2, None)]
    assert bench.send(400, 10) == []
    assert bench.send(401, 90) == []
    assert bench.send(701, 90) == [("fired", 701, "a", 1, None)]


def test_silence_neither_fires_nor_ends_a_hold() -> None:
    bench = Bench(hot(hold=5 * MINUTE))
    assert bench.send(0, 90) == []
    assert bench.tick(4000) == []
    assert bench.send(4000, 90) == [("fired", 4000, "a", 1, None)]


def test_a_false_evaluation_ends_a_hold_and_another_key_does_not() -> None:
    bench = Bench(hot(hold=5 * MINUTE))
    bench.send(0, 90)
    assert bench.send(100, 10, host="b") == []
    assert bench.send(200, 80) == []
    assert bench.send(300, 90) == []
    assert bench.send(600, 90) == [("fired", 600, "a", 1, None)]


def test_a_missing_field_is_a_false_evaluation_and_an_event_of_another_type_is_none() -> None:
    bench = Bench(hot(hold=5 * MINUTE))
    bench.send(0, 90)
    assert bench.send(100, 0, type="other") == []
    assert bench.send(300, 90) == [("fired", 300, "a", 1, None)]
    bench.send(400, "90")
    assert bench.send(401, 90) == []


def test_the_hold_begins_with_the_event_that_gives_the_firing_its_id() -> None:
    one, two = Bench(hot(hold=MINUTE)), Bench(hot(hold=MINUTE))
    for bench in (one, two):
        bench.send(0, 90)
    first, second = one.engine.apply(one.row(70, 91)), two.engine.apply(two.row(80, 99))
    assert first[0].id == second[0].id
    assert first[0].began == T0


def test_resolve_tells_once_when_the_condition_clears() -> None:
    bench = Bench(hot(resolve=Resolve()))
    assert bench.send(0, 90) == [("fired", 0, "a", 1, None)]
    assert bench.send(1, 91) == [("continued", 1, "a", 2, None)]
    assert bench.send(2, 10) == [("resolved", 2, "a", 2, "cleared")]
    assert bench.send(3, 10) == []
    assert bench.send(4, 90) == [("fired", 4, "a", 1, None)]


def test_resolve_after_silence_is_due_when_the_watermark_has_passed_the_limit() -> None:
    bench = Bench(hot(resolve=Resolve(after=15 * MINUTE)))
    bench.send(0, 90)
    bench.send(10, 91)
    bench.send(910, 20, host="b")
    assert bench.send(915, 20, host="b") == [], "the watermark stands at 910, which is still within"
    assert bench.send(915.000001, 20, host="b") == [("resolved", 910, "a", 2, "no_data")]
    assert bench.tick(5000) == []


def test_a_key_that_is_heard_of_is_not_silent() -> None:
    bench = Bench(hot(resolve=Resolve(after=MINUTE)))
    bench.send(0, 90)
    assert bench.send(50, 90) == [("continued", 50, "a", 2, None)]
    assert bench.send(100, 0, host="b") == []
    assert bench.send(115.000001, 0, host="b") == [("resolved", 110, "a", 2, "no_data")]


def test_a_metric_judges_only_events_that_carry_it_and_meet_when() -> None:
    metric = rule(
        "m",
        'env == "prod"',
        trigger=MetricTrigger("cpu", ">", 80),
        group_by=("host",),
        resolve=Resolve(),
    )
    bench = Bench(metric)
    assert bench.send(0, 90, env="prod") == [("fired", 0, "a", 1, None)]
    assert bench.send(1, 10, env="test") == []
    assert bench.send(2, None, env="prod") == []
    assert bench.send(3, 80, env="prod") == [("resolved", 3, "a", 1, "cleared")]


def test_a_refire_after_an_announced_resolve_is_let_through() -> None:
    bench = Bench(hot(resolve=Resolve(), suppress=Suppress(60 * MINUTE)))
    assert bench.send(0, 90) == [("fired", 0, "a", 1, None)]
    assert bench.send(1, 10) == [("resolved", 1, "a", 1, "cleared")]
    assert bench.send(2, 90) == [("fired", 2, "a", 1, None)]
    assert len(bench.send(3, 90)) == 1
    assert bench.tick(10 * 3600) == [], "both alerts told all they had to"


def test_without_resolve_suppress_folds_the_next_episode() -> None:
    bench = Bench(hot(hold=10 * SECOND, suppress=Suppress(10 * MINUTE)))
    bench.send(0, 90)
    assert bench.send(10, 90) == [("fired", 10, "a", 1, None)]
    bench.send(20, 10)
    bench.send(30, 90)
    assert bench.send(40, 90) == [("fired", 40, "a", 2, None)]
    assert bench.send(50, 90) == [("continued", 50, "a", 3, None)]
    assert bench.tick(3600) == [("summary", 610, "a", 3, "suppress")]


def test_a_restart_begins_holds_anew_and_keeps_open_episodes() -> None:
    bench = Bench(hot(hold=5 * MINUTE, resolve=Resolve()))
    bench.send(0, 90, host="held")
    bench.send(0, 90, host="open")
    bench.send(300, 90, host="open")
    assert told(bench.engine.apply(Resume(T0 + 1000 * SECOND))) == []
    assert bench.send(1001, 90, host="held") == []
    assert bench.send(1300, 90, host="held") == []
    assert bench.send(1301, 90, host="held") == [("fired", 1301, "held", 1, None)]
    assert bench.send(1302, 10, host="open") == [("resolved", 1302, "open", 1, "cleared")]


def test_downtime_is_not_the_silence_of_a_key() -> None:
    bench = Bench(hot(resolve=Resolve(after=15 * MINUTE)))
    bench.send(0, 90)
    assert told(bench.engine.apply(Resume(T0 + 3600 * SECOND))) == []
    assert bench.tick(4535) == [], "idle since 30, the watermark is 35 behind: 4500, which 3600 of downtime moved to"
    assert bench.tick(4535.000001) == [("resolved", 4500, "a", 1, "no_data")]


def test_a_changed_hold_ends_episodes_and_a_changed_text_keeps_them() -> None:
    bench = Bench(hot(hold=MINUTE, resolve=Resolve()))
    bench.send(0, 90)
    bench.send(60, 90)
    same = compile_program([hot(hold=MINUTE, resolve=Resolve(), description="new")], bench.program)
    assert told(bench.engine.apply(Swap(T0 + 61 * SECOND, same))) == []
    assert bench.send(62, 90) == [("continued", 62, "a", 2, None)]
    other = compile_program([hot(hold=2 * MINUTE, resolve=Resolve())], same)
    assert other.report.changes[0].episodes == ("for",)
    assert told(bench.engine.apply(Swap(T0 + 63 * SECOND, other))) == [("resolved", 63, "a", 2, "rule_changed")]
    assert bench.send(64, 10) == []


def test_a_removed_rule_closes_its_open_alerts() -> None:
    bench = Bench(hot(resolve=Resolve()))
    bench.send(0, 90, host="b")
    bench.send(0, 90, host="a")
    gone = bench.engine.apply(Swap(T0 + SECOND, compile_program([])))
    assert told(gone) == [("resolved", 1, "a", 1, "rule_removed"), ("resolved", 1, "b", 1, "rule_removed")]
    assert bench.engine.next_deadline() is None or bench.tick(3600) == []


def test_beyond_max_keys_a_resolving_rule_still_fires_and_a_holding_one_is_counted() -> None:
    bench = Bench(hot(resolve=Resolve(), max_keys=1))
    bench.send(0, 90, host="a")
    assert bench.send(1, 90, host="b") == [("fired", 1, "b", 1, None)]
    assert bench.send(2, 10, host="b") == []
    assert bench.engine.stats.rules["hot"].refused_keys == 1
    held = Bench(hot(hold=SECOND, max_keys=1))
    held.send(0, 90, host="a")
    assert held.send(1, 90, host="b") == held.send(9, 90, host="b") == []
    assert held.engine.stats.rules["hot"].refused_keys == 2


def test_a_snapshot_anywhere_changes_nothing() -> None:
    bench = Bench(hot(hold=MINUTE, resolve=Resolve(after=5 * MINUTE)))
    steps = [(0, 90), (30, 90), (60, 90), (70, 95), (80, 10), (90, 90), (200, 90)]
    expected = [bench.send(*step) for step in steps] + [bench.tick(2000)]
    other = Bench(hot(hold=MINUTE, resolve=Resolve(after=5 * MINUTE)))
    found = []
    for step in steps:
        found.append(other.send(*step))
        other.engine = Engine.restore(other.program, other.engine.snapshot())
    assert [*found, other.tick(2000)] == expected
    assert expected[-1] == [("resolved", 500, "a", 1, "no_data")]


def test_a_resolve_and_a_summary_are_as_severe_as_the_event_that_opened_the_alert() -> None:
    bench = Bench(hot(resolve=Resolve()), rule("folds", "cpu > 80", suppress=Suppress(MINUTE)))
    rows = [bench.row(0, 90, severity="critical"), bench.row(1, 95, severity="info"), bench.row(2, 10, severity="low")]
    said = [
        (firing.rule_id, firing.kind, firing.severity)
        for row in [*rows, Tick(T0 + MINUTE + 10 * MINUTE)]
        for firing in bench.engine.apply(row)
        if not firing.opens
    ]
    assert said == [
        ("hot", "continued", "critical"),
        ("folds", "fired", "critical"),
        ("hot", "resolved", "critical"),
        ("folds", "summary", "critical"),
    ]
