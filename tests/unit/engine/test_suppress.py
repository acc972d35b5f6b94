"""Suppression, promise by promise; `test_storm` compares it with a plain loop over random streams."""

from cepd.engine.engine import Engine
from cepd.engine.ids import firing_id
from cepd.engine.rows import Target, Tick
from cepd.model.firing import Firing
from cepd.model.rule import EventTrigger, Resolve, Suppress
from tests.support.rows import START, S, batch, line, program, rule, run, stream

HOSTS = rule(group_by=("host",), suppress=Suppress(60 * S))


def facts(firings: list[Firing]) -> list[tuple[str, float, bool, int]]:
    return [(firing.kind, (firing.time - START) / S, firing.opens, firing.count) for firing in firings]


def test_the_first_is_let_through_and_later_ones_fold_until_one_summary() -> None:
    compiled = program(HOSTS)
    engine = Engine(compiled)
    firings = run(
        engine,
        [
            batch(compiled, 0, line(0, host="a")),
            batch(compiled, 10, line(10, host="a"), line(10, host="b"), first=2),
            batch(compiled, 20, line(20, host="a"), first=4),
        ],
    )
    assert facts(firings) == [
        ("fired", 0, True, 1),
        ("fired", 10, False, 2),
        ("fired", 10, True, 1),
        ("fired", 20, False, 3),
    ]
    assert {firing.alert_id for firing in firings if firing.key == {"host": "a"}} == {firings[0].id}
    assert len({firing.id for firing in firings}) == 4, "a folded firing keeps an id of its own"
    (summary,) = run(engine, [Tick(START + 200 * S)])
    state = compiled.compiled["r"].state
    assert summary == Firing(
        id=firing_id("r", state, '["a"]', "summary", firings[0].id),
        kind="summary",
        rule_id="r",
        key={"host": "a"},
        time=START + 60 * S,
        alert_id=firings[0].id,
        count=3,
        last_at=START + 20 * S,
        values={"count": 3, "folded": 2},
        reason="suppress",
    )
    assert engine.stats.rules["r"].suppressed == 2


def test_a_window_is_fixed_and_half_open() -> None:
    compiled = program(HOSTS, lateness=0)
    engine = Engine(compiled)
    rows = stream(compiled, *((at, line(at, host="a")) for at in (0, 59, 60, 61)))
    assert facts(run(engine, rows)) == [
        ("fired", 0, True, 1),
        ("fired", 59, False, 2),
        ("summary", 60, False, 2),
        ("fired", 60, True, 1),
        ("fired", 61, False, 2),
    ]


def test_the_summary_waits_for_the_watermark_because_late_ones_still_fold() -> None:
    compiled = program(HOSTS, lateness=5 * S)
    engine = Engine(compiled)
    times = ((0, 0), (64, 64), (64, 59), (65, 65))
    assert facts(run(engine, stream(compiled, *((at, line(time, host="a")) for at, time in times)))) == [
        ("fired", 0, True, 1),
        ("fired", 64, True, 1),
        ("fired", 59, False, 2),
        ("summary", 60, False, 2),
        ("fired", 65, False, 2),
    ]


def test_one_that_comes_out_of_order_just_before_a_window_folds_into_it() -> None:
    compiled = program(HOSTS)
    engine = Engine(compiled)
    rows = stream(compiled, *((100, line(time, host="a")) for time in (100, 41, 40)))
    assert facts(run(engine, rows)) == [("fired", 100, True, 1), ("fired", 41, False, 2), ("fired", 40, True, 1)]


def test_a_backlog_of_old_events_does_not_alert_one_by_one() -> None:
    compiled = program(HOSTS)
    engine = Engine(compiled)
    run(engine, [batch(compiled, 5000, line(5000, host="now"))])
    old = run(engine, [batch(compiled, 5001, *(line(second, host="a") for second in range(50)), first=9)])
    assert [firing.opens for firing in old] == [True] + [False] * 49
    summaries = run(engine, [Tick(START + 9000 * S)])
    assert [(firing.key["host"], firing.time) for firing in summaries] == [("a", START + 60 * S)]


def test_a_summary_is_sent_only_where_something_was_folded_and_it_is_wanted() -> None:
    for wanted, events in ((True, 1), (False, 3)):
        compiled = program(rule(suppress=Suppress(60 * S, wanted)))
        engine = Engine(compiled)
        run(engine, [batch(compiled, 0, *(line(0) for _ in range(events)))])
        assert engine.next_deadline() is not None
        assert run(engine, [Tick(START + 200 * S)]) == []
        assert engine.next_deadline() is None


def test_summaries_come_in_the_order_of_deadline_rule_and_key() -> None:
    long, short = rule("long", suppress=Suppress(60 * S)), rule("short", group_by=("host",), suppress=Suppress(30 * S))
    compiled = program(long, short)
    engine = Engine(compiled)
    run(engine, [batch(compiled, 0, *(line(0, host=host) for host in ("b", "a", "b", "a")))])
    run(engine, [batch(compiled, 30, *(line(30, host=host) for host in ("b", "b")), first=9)])
    summaries = run(engine, [Tick(START + 500 * S)])
    assert [(firing.rule_id, firing.key.get("host")) for firing in summaries] == [
        ("short", "a"),
        ("short", "b"),
        ("long", None),
        ("short", "b"),
    ]
    assert [(firing.time - START) // S for firing in summaries] == [30, 30, 60, 60]


def test_by_arrival_the_clock_is_time_and_watermark_at_once() -> None:
    compiled = program(rule(time="arrival", suppress=Suppress(60 * S)))
    engine = Engine(compiled)
    rows = stream(compiled, (0, line(-500)), (59, line(0)), (60, line(61)))
    assert facts(run(engine, rows)) == [
        ("fired", 0, True, 1),
        ("fired", 59, False, 2),
        ("summary", 60, False, 2),
        ("fired", 60, True, 1),
    ]
    assert engine.next_deadline() == START + 120 * S


def test_beyond_max_keys_a_new_key_is_let_through_unsuppressed_and_counted() -> None:
    compiled = program(rule(group_by=("host",), suppress=Suppress(60 * S), max_keys=2))
    engine = Engine(compiled)
    events = [line(n, host=host) for n, host in enumerate("abccab")]
    firings = run(engine, [batch(compiled, 5, *events)])
    assert [firing.opens for firing in firings] == [True, True, True, True, False, False]
    assert engine.stats.rules["r"].refused_keys == 2
    run(engine, [Tick(START + 200 * S)])
    (again,) = run(engine, [batch(compiled, 200, line(200, host="c"), first=7)])
    assert again.opens
    assert engine.stats.rules["r"].refused_keys == 2, "there is room again"


def test_a_window_that_a_resolve_dropped_takes_no_later_one_of_the_same_start_along() -> None:
    """Both begin at 900 s, long past; the first would close at 1005 s, the second closes at 1013 s."""
    the_rule = rule("r", "n > 0", trigger=EventTrigger(("n",)), resolve=Resolve(), suppress=Suppress(10 * S))
    compiled = program(the_rule)
    events = ((1000, 1000, 0), (1001, 900, 1), (1002, 901, 0), (1008, 1008, 0), (1008, 900, 1), (1012, 1012, None))
    rows = stream(compiled, *((at, line(time, type="x" if n is None else "n", n=n)) for at, time, n in events))
    (sent,) = compiled.decode([line(905, n=1)], START + 1012 * S, source="tests", origin="j", first=99)
    engine = Engine(compiled)
    assert [kind for kind, *_ in facts(run(engine, rows))] == ["fired", "resolved", "fired"]
    assert facts(engine.apply(Target(START + 1012 * S, "r", sent))) == [("fired", 905, False, 2)]
