"""Suppress and storm guard against a plain loop, over streams in and out of order; then each promise by itself."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cepd.engine.engine import Engine
from cepd.engine.ids import firing_id
from cepd.engine.rows import Tick
from cepd.model.firing import Firing
from cepd.model.rule import Rule, Suppress
from tests.support.alerting import Said, alerting
from tests.support.rows import START, S, batch, line, program, rule, run

UNTIL = 6_000
"""Later than any window of any stream ends."""

streams = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1, 5, 20, 31, 100]),
        st.sampled_from([0, 0, -1, -3, -8, -40, -70, -200, 30]),
        st.sampled_from("ab"),
    ),
    min_size=1,
    max_size=40,
)


def timed(stream: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """(gap, offset, key) to (clock, time, key)."""
    clock, events = 1000, []
    for gap, offset, key in stream:
        clock += gap
        events.append((clock, clock + offset, key))
    return events


def said_by_engine(the_rule: Rule, events: list[tuple[int, int, str]]) -> list[Said]:
    compiled = program(the_rule)
    engine = Engine(compiled)
    rows = [
        batch(compiled, clock, line(time, host=key, id=str(number)), first=number)
        for number, (clock, time, key) in enumerate(events)
    ]
    firings = run(engine, [*rows, Tick(START + UNTIL * S)])
    opened = {firing.id: name_of(firing) for firing in firings if firing.opens}
    return [
        Said(
            firing.kind,
            firing.key.get("host"),
            (firing.time - START) // S,
            opened[firing.alert_id],
            firing.count,
            (firing.last_at - START) // S,
            firing.values.get("folded"),
        )
        for firing in firings
    ]


def name_of(firing: Firing) -> object:
    number = int(firing.event_ids[0])
    return number if firing.kind == "fired" else ("storm", number)


@given(streams, st.sampled_from([None, 10, 60, 90]), st.booleans(), st.sampled_from([0, 1, 2, 100]))
@example([(0, -40, "a"), (0, 0, "a"), (0, 0, "b"), (0, 0, "b")], 60, True, 1)  # a window and a minute end together
@settings(max_examples=200)
def test_alerts_counts_and_summaries_are_those_of_a_plain_loop(
    stream: list[tuple[int, int, str]], window: int | None, summary: bool, max_alerts: int
) -> None:
    events = timed(stream)
    suppress = None if window is None else Suppress(window * S, summary)
    expected = alerting(events, until=UNTIL, lateness=5, window=window, summary=summary, max_alerts=max_alerts)
    assert said_by_engine(rule(group_by=("host",), suppress=suppress, max_alerts=max_alerts), events) == expected


def test_firings_beyond_the_limit_share_one_storm_alert_with_the_count() -> None:
    compiled = program(rule(max_alerts=2, group_by=("host",)))
    engine = Engine(compiled)
    first = run(engine, [batch(compiled, 10, *(line(10, host=f"h{n}") for n in range(5)))])
    assert [(firing.kind, firing.opens, firing.count) for firing in first] == [
        ("fired", True, 1),
        ("fired", True, 1),
        ("storm", True, 1),
        ("fired", False, 1),
        ("fired", False, 2),
        ("fired", False, 3),
    ]
    storm = first[2]
    cause = f"{START // (60 * S)} {first[3].id}"
    assert storm.id == firing_id("r", compiled.compiled["r"].state, "", "storm", cause)
    assert storm.key == {}
    assert {firing.alert_id for firing in first[3:]} == {storm.id}
    assert [firing.key["host"] for firing in first[3:]] == ["h2", "h3", "h4"]
    (summary,) = run(engine, [Tick(START + 200 * S)])
    assert (summary.kind, summary.reason, summary.alert_id) == ("summary", "storm", storm.id)
    assert (summary.time, summary.count) == (START + 60 * S, 3)
    assert summary.values == {"count": 3, "folded": 3}
    assert engine.stats.rules["r"].stormed == 3
    assert engine.stats.rules["r"].alerts == 3
    assert engine.next_deadline() is None, "nothing of it is left"


def test_the_next_minute_starts_anew_and_a_storm_of_one_needs_no_summary() -> None:
    compiled = program(rule(max_alerts=1))
    engine = Engine(compiled)
    firings = run(engine, [batch(compiled, 59, line(58), line(59)), batch(compiled, 60, line(60))])
    assert [(firing.kind, firing.opens) for firing in firings] == [
        ("fired", True),
        ("storm", True),
        ("fired", False),
        ("fired", True),
    ]
    assert run(engine, [Tick(START + 500 * S)]) == []


def test_a_suppress_window_that_began_in_a_storm_folds_into_the_storm_alert_past_its_minute() -> None:
    compiled = program(rule(max_alerts=1, group_by=("host",), suppress=Suppress(300 * S)))
    engine = Engine(compiled)
    begin = run(engine, [batch(compiled, 0, line(0, host="a"), line(0, host="b"), line(0, host="c"))])
    storm = begin[1]
    later = run(engine, [batch(compiled, 100, line(100, host="b"), first=10)])
    assert [(firing.kind, firing.alert_id, firing.count) for firing in later] == [
        ("summary", storm.id, 2),
        ("fired", storm.id, 3),
    ]
    assert run(engine, [Tick(START + 1000 * S)]) == [], "its own windows send no summary: the storm told"
    assert engine.next_deadline() is None


def test_a_minute_that_late_firings_open_again_is_a_storm_of_its_own() -> None:
    compiled = program(rule(max_alerts=2))
    engine = Engine(compiled)
    storm = [line(10, n=n) for n in range(12)]
    late = [line(20, n=n) for n in range(6)]
    firings = run(
        engine,
        [
            batch(compiled, 10, *storm),
            batch(compiled, 200, line(200), first=13),
            batch(compiled, 201, *late, first=14),
            Tick(START + 3_600 * S),
        ],
    )
    storms = [firing for firing in firings if firing.kind == "storm"]
    summaries = [firing for firing in firings if firing.kind == "summary"]
    assert len({firing.id for firing in storms}) == 2
    assert [(firing.alert_id, firing.count) for firing in summaries] == [(storms[0].id, 10), (storms[1].id, 4)]
    assert len({firing.id for firing in firings}) == len(firings), "no id comes twice"
