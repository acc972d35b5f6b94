"""A swap of programs: what is kept, what starts anew, what is owed, and what the report says of it."""

from cepd.engine.engine import Engine
from cepd.engine.rows import Swap, Tick
from cepd.engine.swap import RuleChange
from cepd.model.rule import ActionSpec, EventTrigger, Suppress, Window
from tests.support.rows import START, S, batch, line, program, rule, run, stream

HOUR = 3600
RULE = rule("r", "cpu > 1", group_by=("host",), suppress=Suppress(HOUR * S))


def edited(**fields: object) -> object:
    parts = {"group_by": ("host",), "suppress": Suppress(HOUR * S), "when": "cpu > 1"} | fields
    return rule("r", parts.pop("when"), **parts)


def test_suppress_state_survives_an_edit_of_texts_and_not_one_of_the_key() -> None:
    for edit, outcome, opens in (
        (edited(actions=(ActionSpec("webhook", {}),), severity="low"), RuleChange("r", "kept"), False),
        (edited(suppress=Suppress(2 * HOUR * S)), RuleChange("r", "kept"), False),
        (edited(group_by=("zone",)), RuleChange("r", "reset", ("group_by",)), True),
        (edited(when="cpu > 2", time="arrival"), RuleChange("r", "reset", ("time", "when")), True),
    ):
        before = program(RULE)
        after = program(edit, previous=before)
        assert after.report.changes == (outcome,)
        engine = Engine(before)
        (first,) = run(engine, [batch(before, 0, line(0, host="a", cpu=9))])
        assert run(engine, [Swap(START + S, after)]) == []
        (later,) = run(engine, [batch(after, 2, line(2, host="a", cpu=9), first=2)])
        assert later.opens == opens
        assert (later.alert_id == first.id) != opens


def test_the_report_names_every_rule_and_the_field_that_caused_it() -> None:
    before = program(rule("same"), rule("gone"), rule("typed", trigger=EventTrigger(("a",))))
    after = program(
        rule("new"), rule("typed", trigger=EventTrigger(("b",))), rule("same", description="x"), previous=before
    )
    assert after.report.changes == (
        RuleChange("new", "added"),
        RuleChange("typed", "reset", ("trigger.event_type",)),
        RuleChange("same", "kept"),
        RuleChange("gone", "removed"),
    )
    assert [change.outcome for change in before.report.changes] == ["added"] * 3


def test_a_removed_rule_sends_the_summaries_it_owes() -> None:
    stormy = rule("s", max_alerts=1)
    quiet = rule("quiet", suppress=Suppress(HOUR * S, summary=False))
    before = program(quiet, stormy, RULE)
    after = program(rule("other"), previous=before)
    engine = Engine(before)
    events = [(0, line(0, host=host, cpu=9)) for host in "bab"] + [(1, line(1, host="c", cpu=9))]
    fired = run(engine, stream(before, *events))
    window = next(firing for firing in fired if firing.rule_id == "r" and firing.opens)
    storm = next(firing for firing in fired if firing.kind == "storm")
    summaries = run(engine, [Swap(START + 2 * S, after)])
    assert [(firing.kind, firing.rule_id, firing.alert_id, firing.count, firing.reason) for firing in summaries] == [
        ("summary", "s", storm.id, 3, "rule_removed"),
        ("summary", "r", window.id, 2, "rule_removed"),
    ]
    assert [firing.time for firing in summaries] == [START + 2 * S] * 2, "its windows end here"
    assert engine.next_deadline() is None
    assert set(engine.stats.rules) == {"other"}
    assert run(engine, [Tick(START + 2 * HOUR * S)]) == []


def test_what_removed_rules_owe_comes_by_deadline_then_rule_then_key() -> None:
    first, short, last = (
        rule(name, group_by=("host",), suppress=Suppress(length * S))
        for name, length in (("first", HOUR), ("short", HOUR // 2), ("last", HOUR))
    )
    before = program(first, short, last)
    engine = Engine(before)
    run(engine, stream(before, *((0, line(0, host=host)) for host in "bbaa"), *((9, line(9, host="0")) for _ in "12")))
    owed = run(engine, [Swap(START + 10 * S, program(previous=before))])
    assert [(firing.rule_id, firing.key["host"]) for firing in owed] == [
        *(("short", host) for host in "ab0"),
        *((name, host) for name in ("first", "last") for host in "ab"),
        *((name, "0") for name in ("first", "last")),
    ]


def test_a_rule_that_moves_keeps_its_deadlines_under_its_new_place() -> None:
    before = program(RULE)
    after = program(rule("first", "cpu > 100"), RULE, previous=before)
    engine = Engine(before)
    run(engine, stream(before, (0, line(0, host="a", cpu=9)), (1, line(1, host="a", cpu=9))))
    run(engine, [Swap(START + 2 * S, after)])
    (summary,) = run(engine, [Tick(START + 2 * HOUR * S)])
    assert (summary.rule_id, summary.reason) == ("r", "suppress")


def test_time_passes_under_the_old_program_before_a_swap() -> None:
    before = program(RULE)
    engine = Engine(before)
    run(engine, stream(before, (0, line(0, host="a", cpu=9)), (1, line(1, host="a", cpu=9))))
    (summary,) = run(engine, [Swap(START + 2 * HOUR * S, program(previous=before))])
    assert summary.reason == "suppress"
    assert summary.time == START + HOUR * S


def test_less_lateness_ends_what_it_ends_at_once() -> None:
    before = program(rule("r", suppress=Suppress(10 * S)), lateness=20 * S)
    engine = Engine(before)
    run(engine, stream(before, (0, line(0)), (1, line(1)), (15, line(15, v=1))))
    after = program(rule("r", suppress=Suppress(10 * S)), previous=before, lateness=0)
    (summary,) = run(engine, [Swap(START + 15 * S, after)])
    assert summary.time == START + 10 * S


def test_counting_goes_on_over_a_swap() -> None:
    before = program(RULE, rule("b"))
    engine = Engine(before)
    run(engine, [batch(before, 0, line(0, host="a", cpu=9), b'{"ts": "soon"}')])
    after = program(rule("b"), rule("c"), previous=before)
    run(engine, [Swap(START, after), batch(after, 1, b'{"ts": "soon"}')])
    assert engine.stats.rules["b"].fired == 3
    assert engine.stats.rules["c"].fired == 1
    assert engine.stats.decode.unreadable_times == 2
    assert engine.stats.events == 3


def test_a_rule_with_the_state_of_another_adopts_what_runs() -> None:
    window = Window("tumbling", size=60 * S)
    before = program(rule("old", window=window), rule("other", window=Window("tumbling", size=30 * S)))
    changed = (rule("other", window=window), rule("new", window=window, max_alerts=7), rule("stateless"))
    after = program(rule("old", window=window), *changed, previous=before)
    found = {change.rule_id: (change.outcome, change.fields) for change in after.report.changes}
    assert found == {
        "old": ("kept", ()),
        "other": ("adopted", ("window",)),
        "new": ("adopted", ()),
        "stateless": ("added", ()),
    }
