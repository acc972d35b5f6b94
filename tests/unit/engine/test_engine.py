"""The engine as a whole: determinism under every way of cutting a stream, dispatch, targeted events, containment."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.engine import Engine
from cepd.engine.program import Program
from cepd.engine.rows import Batch, Resume, Row, Target, Tick
from cepd.engine.snapshot import decode_state
from cepd.model.condition import Field, Literally, Test
from cepd.model.duration import HOUR
from cepd.model.rule import Aggregate, EventTrigger, MetricTrigger, ScheduleTrigger, Suppress, Window
from tests.support.rows import START, S, batch, line, program, rule, run

RULES = (
    rule("every", "cpu > 20", group_by=("host",), suppress=Suppress(20 * S), max_alerts=3),
    rule("typed", trigger=EventTrigger(("a",)), group_by=("host", "cpu"), suppress=Suppress(5 * S, False)),
    rule("metric", trigger=MetricTrigger("cpu", ">", 40, ("a", "b")), max_alerts=2),
    rule("arrival", 'host == "x"', time="arrival", suppress=Suppress(30 * S), max_alerts=1),
    rule("quiet", "cpu > 1000"),
)

events = st.tuples(
    st.sampled_from([0, 0, 0, 1, 4, 31, 65]),
    st.sampled_from("pq"),
    st.sampled_from([None, 0, 0, -1, -9, -50, 20]),
    st.sampled_from(["a", "b", None]),
    st.sampled_from("xy"),
    st.sampled_from([10, 30, 50]),
)
streams = st.lists(events, max_size=40)


def rows_of(compiled: Program, stream: list[tuple]) -> list[Batch]:
    """One row an event."""
    clock, rows = 0, []
    for number, (gap, name, offset, event_type, host, cpu) in enumerate(stream):
        clock += gap
        typed = {} if event_type is None else {"type": event_type}
        text = line(None if offset is None else clock + offset, host=host, cpu=cpu, **typed)
        rows.append(batch(compiled, clock, text, first=number, name=name))
    return rows


def joined(rows: list[Batch], rng: random.Random) -> list[Batch]:
    """Neighbours of one clock and input in one row, or not, as it falls."""
    out: list[Batch] = []
    for row in rows:
        last = out[-1] if out else None
        if last and (last.clock, last.input) == (row.clock, row.input) and rng.random() < 0.7:
            out[-1] = Batch(row.clock, row.input, [*last.events, *row.events])
        else:
            out.append(row)
    return out


def ticked(rows: list[Batch], rng: random.Random) -> list[Row]:
    out: list[Row] = []
    for before, row in zip([None, *rows], rows, strict=False):
        if before is not None:
            out += [
                Tick(clock) for clock in sorted(rng.randint(before.clock, row.clock) for _ in range(rng.randint(0, 3)))
            ]
        out.append(row)
    return out


@given(streams, st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_however_a_stream_is_cut_the_firings_are_the_same(stream: list[tuple], seed: int) -> None:
    compiled, rng = program(*RULES), random.Random(seed)
    rows = rows_of(compiled, stream)
    end = [Tick(START + 10_000 * S)]
    expected = run(Engine(compiled), [*rows, *end])
    assert run(Engine(compiled), [*rows, *end]) == expected, "a replay"
    assert run(Engine(compiled), [*joined(rows, rng), *end]) == expected, "other batches"
    assert run(Engine(compiled), [*ticked(rows, rng), *end]) == expected, "ticks in between"
    engine, firings = Engine(compiled), []
    for row in [*rows, *end]:
        if rng.random() < 0.3:
            engine = Engine.restore(compiled, engine.snapshot())
        firings += engine.apply(row)
    assert firings == expected, "snapshots in between"


@given(streams, st.integers(0, 2**32))
@settings(max_examples=100, deadline=None)
def test_next_deadline_is_when_a_tick_first_changes_something(stream: list[tuple], seed: int) -> None:
    compiled, rng = program(*RULES), random.Random(seed)
    engine = Engine(compiled)
    for row in rows_of(compiled, stream):
        engine.apply(row)
        while (deadline := engine.next_deadline()) is not None and rng.random() < 0.3:
            assert deadline > row.clock, "what is due is not left behind"
            before = decode_state(engine.snapshot()).rules
            assert engine.apply(Tick(deadline - 1)) == []
            assert decode_state(engine.snapshot()).rules == before
            assert engine.next_deadline() == deadline
            engine.apply(Tick(deadline))
            assert decode_state(engine.snapshot()).rules != before
            row = Tick(deadline)
    for _ in range(3 * len(RULES) * len(stream)):
        if (deadline := engine.next_deadline()) is not None:
            engine.apply(Tick(deadline))
    assert engine.next_deadline() is None
    assert all(
        not (state.windows or state.minutes or state.tallies)
        for state in decode_state(engine.snapshot()).rules.values()
    )


def test_a_metric_threshold_is_one_more_condition() -> None:
    compiled = program(rule("m", 'env != "test"', trigger=MetricTrigger("cpu.load", ">=", 90)))
    lines = [line(0, **fields) for fields in ({"cpu": {"load": 90}, "env": "p"}, {"cpu": {"load": 89}, "env": "p"})]
    lines += [line(0, cpu={"load": 99}, env="test"), line(0, env="p"), line(0, cpu={"load": "99"}, env="p")]
    (firing,) = run(Engine(compiled), [batch(compiled, 0, *lines)])
    assert firing.event_ids == ("j#1",)
    assert firing.values == {}
    assert firing.payload == lines[0]


def test_a_rule_that_fails_is_counted_and_takes_no_other_along() -> None:
    broken = rule("broken", group_by=(5,))
    compiled = program(rule("first"), broken, rule("last"))
    engine = Engine(compiled)
    firings = run(
        engine,
        [
            batch(compiled, 0, line(0)),
            Target(START, "broken", compiled.decode([b"{}"], START, source="", origin="", first=1)[0]),
        ],
    )
    assert [firing.rule_id for firing in firings] == ["first", "last"]
    assert engine.stats.rules["broken"].errors == 2
    assert engine.stats.rules["broken"].last_error.startswith("AttributeError")
    assert engine.stats.rules["last"].errors == 0


def test_a_group_by_value_that_is_no_key_skips_the_event_for_that_rule() -> None:
    compiled = program(rule("grouped", group_by=("host",)), rule("plain"))
    engine = Engine(compiled)
    firings = run(engine, [batch(compiled, 0, line(0, host=["a"]), line(0, host={"a": 1}))])
    assert [firing.rule_id for firing in firings] == ["plain", "plain"]
    stats = engine.stats.rules["grouped"]
    assert (stats.matched, stats.skipped_keys, stats.fired) == (2, 2, 0)


def test_a_targeted_event_without_a_key_is_counted_and_skipped() -> None:
    compiled = program(rule("r", "n > 0", group_by=("host",)))
    engine = Engine(compiled)
    for number, fields in enumerate(({"n": 1, "host": ["a"]}, {"n": 0, "host": ["a"]}, {"n": 1, "host": "a"}), 1):
        (event,) = compiled.decode([line(**fields)], START, source="s", origin="o", first=number)
        assert len(engine.apply(Target(START, "r", event))) == (number == 3)
    stats = engine.stats.rules["r"]
    assert (stats.matched, stats.skipped_keys, stats.fired) == (2, 1, 1)


def test_the_clock_never_goes_back() -> None:
    compiled = program(rule(time="arrival"))
    engine = Engine(compiled)
    firings = run(engine, [batch(compiled, 100, line(0)), batch(compiled, 40, line(0), first=2), Tick(START)])
    assert [(firing.time - START) // S for firing in firings] == [100, 100]


def test_rows_without_events_start_the_clock_and_owe_nothing() -> None:
    engine = Engine(program(rule()))
    assert engine.next_deadline() is None
    assert run(engine, [Tick(START), Resume(START + HOUR), Batch(START + 2 * HOUR, "http", [])]) == []
    assert engine.next_deadline() is None


def test_an_event_of_the_same_identity_has_the_same_firing_id_and_one_with_other_bytes_has_not() -> None:
    compiled = program(rule())
    lines = [line(0, id="e", v=1), line(0, id="e", v=1), line(0, id="e", v=2)]
    one, same, other = (run(Engine(compiled), [batch(compiled, 0, text)])[0].id for text in lines)
    assert one == same != other


def test_a_targeted_event_skips_trigger_and_moves_no_watermark() -> None:
    target_rule = rule("t", "cpu > 50", trigger=EventTrigger((), ("nobody",)), suppress=Suppress(60 * S))
    compiled = program(target_rule, rule("other"))
    engine = Engine(compiled)
    lines = [line(at, type="x", cpu=cpu) for at, cpu in ((0, 60), (30, 70), (40, 20), (900, 80))]
    sent = compiled.decode(lines, START + 900 * S, source="", origin="", first=1)
    firings = run(engine, [Target(START, "t", event) for event in sent])
    assert [(firing.rule_id, firing.opens, firing.count) for firing in firings] == [
        ("t", True, 1),
        ("t", False, 2),
        ("t", True, 1),
    ]
    assert run(engine, [Target(START, "gone", sent[0])]) == []
    assert engine.stats.unknown_targets == 1
    assert engine.next_deadline() == START + 65 * S, "the first row's clock less the lateness, and idle from there"


def test_a_targeted_event_works_on_rules_that_the_engine_cannot_run_yet() -> None:
    windowed = rule(
        "w",
        trigger=EventTrigger(("host.cpu",)),
        window=Window("tumbling", size=HOUR),
        aggregate={"avg_cpu": Aggregate("avg", "cpu"), "n": Aggregate("count")},
        having=Test(">", Field("avg_cpu"), Literally(80)),
        hold=HOUR,
    )
    compiled = program(windowed, rule("cron", trigger=ScheduleTrigger("* * * * *")))
    engine = Engine(compiled)
    texts = [line(0, type="host.cpu", cpu=cpu) for cpu in (81, 80)]
    assert run(engine, [batch(compiled, 0, *texts)]) == [], "they see no events"
    high, low = compiled.decode(texts, START, source="", origin="", first=1)
    (firing,) = run(engine, [Target(START, "w", high), Target(START, "w", low)])
    assert firing.values == {"avg_cpu": 81, "n": 1}
    assert len(run(engine, [Target(START, "cron", low)])) == 1


def test_windows_that_are_open_at_the_end_close_in_the_order_in_which_time_would_close_them() -> None:
    tens, fives = (Window("session", timeout=timeout * S) for timeout in (10, 5))
    compiled = program(
        rule("first", group_by=("host",), window=tens),
        rule("short", group_by=("host",), window=fives),
        rule("twin", group_by=("host",), window=tens),
        rule("minutes", group_by=("host",), window=Window("tumbling", size=15 * S)),
    )
    sent = [batch(compiled, 0, *(line(at, host=host) for host in "ba" for at in (0, 5.000001)))]
    flushed, passed = Engine(compiled), Engine(compiled)
    run(flushed, sent)
    run(passed, sent)
    closed = [(found.rule_id, found.key["host"]) for found in flushed.flush()]
    assert closed == [
        ("short", "a"),
        ("short", "b"),
        ("short", "a"),
        ("short", "b"),
        ("minutes", "a"),
        ("minutes", "b"),
        ("first", "a"),
        ("first", "b"),
        ("twin", "a"),
        ("twin", "b"),
    ]
    assert closed == [(found.rule_id, found.key["host"]) for found in run(passed, [Tick(START + 1000 * S)])]


def test_firings_of_a_row_come_one_by_one_and_none_waits_for_all() -> None:
    compiled = program(rule(group_by=("host",), window=Window("tumbling", size=60 * S), max_alerts=1000))
    engine = Engine(compiled)
    engine.apply(batch(compiled, 0, *(line(0, host=f"h{number:03}") for number in range(500))))
    fired = engine.run(Tick(START + HOUR))
    first = next(fired)
    assert (first.key, engine.stats.rules["r"].fired) == ({"host": "h000"}, 1)
    assert [firing.key["host"] for firing in fired] == [f"h{number:03}" for number in range(1, 500)]
