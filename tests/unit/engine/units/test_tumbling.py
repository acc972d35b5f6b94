"""Tumbling windows at their edges, worked out by hand; the calendar's against dates of the standard library."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.expressions import parse_expression
from cepd.model.rule import Aggregate, EventTrigger, Window
from tests.support.rows import S, rule
from tests.support.saving import save
from tests.support.units import Bench, brief

TEN = Window("tumbling", size=10 * S)
COUNT = {"n": Aggregate("count")}
MICRO = 1e-6


def counting(having=None, window=TEN, name="r", **parts):
    parts = {"group_by": ("k",), "aggregate": COUNT} | parts
    return rule(name, window=window, having=None if having is None else parse_expression(having), **parts)


def test_an_event_on_an_edge_belongs_to_the_window_that_begins_there():
    bench = Bench(counting())
    for at in (10, 20 - MICRO, 20):
        bench.feed(at, k="a")
    assert bench.until(20 - MICRO) == []
    assert brief(bench.until(20)) == [("r", '["a"]', 20.0, True, {"n": 2})]
    assert brief(bench.until(30)) == [("r", '["a"]', 30.0, True, {"n": 1})]
    assert bench.unit.deadlines() == []


def test_times_before_the_epoch():
    bench = Bench(counting())
    for at in (-10, -MICRO, -10 - MICRO, 0):
        bench.feed(at, k="a")
    assert [(time, values["n"]) for _, _, time, _, values in brief(bench.flush())] == [(-10, 1), (0, 2), (10, 1)]


def test_an_event_is_late_once_its_window_is_closed():
    bench = Bench(counting())
    bench.feed(19, mark=20 - MICRO, k="a")
    assert bench.unit.counts.late == 0
    bench.until(20)
    bench.feed(19, mark=20, k="a")
    bench.feed(20, mark=20, k="a")
    assert bench.unit.counts.late == 1
    assert brief(bench.flush()) == [("r", '["a"]', 30.0, True, {"n": 1})]


def test_two_windows_are_open_at_once_and_end_in_order():
    bench = Bench(counting())
    for at, key in ((15, "b"), (5, "b"), (25, "a"), (5, "a")):
        bench.feed(at, k=key)
    assert bench.unit.status().windows == 3
    assert bench.unit.status().keys == 2
    assert [item[1:3] for item in brief(bench.until(100))] == [
        ('["a"]', 10),
        ('["b"]', 10),
        ('["b"]', 20),
        ('["a"]', 30),
    ]


def test_what_a_closed_window_tells():
    trigger = EventTrigger(("t",))
    bench = Bench(counting(trigger=trigger, aggregate={"m": Aggregate("avg", "v")}, carries=("v", "w")))
    bench.feed(12, k="a", v=1, w="x", z=0)
    bench.feed(11, k="a", v=4, z=1)
    ((_, found),) = bench.until(20)
    assert found.cause == "[10000000,20000000)"
    assert found.window == (10 * S, 20 * S)
    assert (found.values, found.events, found.event_ids) == ({"m": 2.5}, 2, ("e1", "e2"))
    assert (found.payload, found.event_type, found.event_source) == (b'{"v":4}', "t", None)


def test_rules_that_differ_in_having_and_names_read_one_unit():
    shared = {"aggregate": {"p": Aggregate("percentile", "v", p=50)}}
    other = {"aggregate": {"q": Aggregate("percentile", "v", p=100)}}
    bench = Bench(counting("p >= 2", name="low", **shared), counting("q >= 9", name="high", **other))
    for value in (1, 2, 3):
        bench.feed(1, k="a", v=value)
    bench.feed(1, k="b", v=9)
    assert brief(bench.until(10)) == [
        ("low", '["a"]', 10.0, True, {"p": 2}),
        ("low", '["b"]', 10.0, True, {"p": 9}),
        ("high", '["b"]', 10.0, True, {"q": 9}),
    ]


def test_a_rule_that_comes_later_reads_what_is_there():
    bench = Bench(counting("n >= 2"))
    bench.feed(1, k="a", v=1)
    bench.swap(counting("n >= 1"), counting("m >= 2", name="new", aggregate={"m": Aggregate("count")}, carries=("v",)))
    assert brief(bench.until(5)) == []
    bench.feed(2, k="a", v=3)
    bench.feed(2, k="b")
    assert [(name, found.key, found.payload) for name, found in bench.until(10)] == [
        ("r", '["a"]', b""),
        ("r", '["b"]', b""),
        ("new", '["a"]', b'{"v":3}'),
    ]


def test_what_is_no_saved_state_is_refused():
    bench = Bench(counting())
    bench.feed(1, k="a")
    data, unit = save(bench.unit), Bench(counting()).unit
    unit.load(data)
    wider = Bench(counting(aggregate=COUNT | {"m": Aggregate("avg", "v")}))
    wider.feed(1, k="a", v=1)
    for other in (b"", b"[]", data[:-1], save(wider.unit), data.replace(b'"index":{', b'"index":{"x":1,')):
        with pytest.raises(ValueError, match=r"."):
            unit.load(other)


def test_having_sees_the_key_also_below_a_dot_and_aggregates_before_it():
    parts = {"group_by": ("a.b", "n"), "aggregate": COUNT}
    bench = Bench(counting('a.b == "x" and n == 2', **parts))
    for _ in range(2):
        bench.feed(1, a={"b": "x"}, n=7)
    bench.feed(1, a={"b": "x"}, n=8)
    bench.feed(1, a={"b": "y"}, n=7)
    assert brief(bench.until(10)) == [("r", '["x",7]', 10.0, True, {"n": 2})]


def test_an_aggregate_without_a_value_makes_comparisons_false():
    bench = Bench(counting("m < 5 or m >= 5", aggregate={"m": Aggregate("avg", "v")}))
    bench.feed(1, k="a", v="3")
    bench.feed(1, k="b", v=3)
    assert [item[1] for item in brief(bench.until(10))] == ['["b"]']
    assert bench.unit.counts.unusable == 1


def test_an_open_key_is_asked_at_every_end_until_it_closes():
    bench = Bench(counting("n >= 2", aggregate=COUNT | {"m": Aggregate("avg", "v"), "s": Aggregate("sum", "v")}))
    for key in ("b", "b", "c"):
        bench.feed(1, k=key, v=3)
    assert brief(bench.until(10)) == [("r", '["b"]', 10.0, True, {"n": 2, "m": 3.0, "s": 6})]
    assert bench.unit.deadlines() == []
    bench.feed(11, k="c")
    bench.open("r", '["b"]', 10)
    assert brief(bench.until(20)) == [("r", '["b"]', 20.0, False, {"n": 0, "s": 0})]
    bench.restart()
    ((_, found),) = bench.until(30)
    assert (found.time, found.truth, found.events, found.event_ids, found.window) == (
        30 * S,
        False,
        0,
        (),
        (20 * S, 30 * S),
    )
    bench.close("r", '["b"]')
    assert bench.until(1000) == []
    assert bench.unit.deadlines() == []


def test_without_having_an_empty_window_is_false():
    bench = Bench(counting())
    bench.feed(1, k="a")
    bench.open("r", '["b"]', 0)
    assert [item[1:4] for item in brief(bench.until(10))] == [('["a"]', 10, True), ('["b"]', 10, False)]


def test_a_full_window_refuses_new_keys_and_the_next_takes_them():
    bench = Bench(counting(max_keys=1, name="small"), counting(max_keys=2, name="large"))
    for at, key in ((1, "a"), (2, "b"), (3, "c"), (4, "a"), (11, "c")):
        bench.feed(at, k=key)
    assert (bench.unit.counts.refused_keys, bench.unit.status().incomplete) == (1, 1)
    assert [(name, key) for name, key, *_ in brief(bench.until(10))] == [
        ("small", '["a"]'),
        ("small", '["b"]'),
        ("large", '["a"]'),
        ("large", '["b"]'),
    ]
    assert bench.unit.status().incomplete == 0
    assert [item[1] for item in brief(bench.until(20))] == ['["c"]', '["c"]']


def test_a_percentile_lowers_how_many_keys_there_may_be():
    bench = Bench(counting(aggregate={"p": Aggregate("percentile", "v", p=50)}))
    for key in range(10_001):
        bench.feed(1, k=key, v=key)
    assert (bench.unit.counts.refused_keys, bench.unit.status().keys) == (1, 10_000)


def test_an_eager_window_is_true_once_for_a_key_and_each_rule():
    eager = Window("tumbling", size=10 * S, emit="eager")
    bench = Bench(counting("n >= 2", eager), counting("n >= 3", eager, name="more"))
    assert bench.feed(1, k="a") == []
    ((name, found),) = bench.feed(2, k="a")
    assert (name, found.time, found.events, found.values) == ("r", 2 * S, 2, {"n": 2})
    assert (found.event_ids, found.payload, found.window) == (("e2",), b"line 2", (0, 10 * S))
    bench.restart()
    assert [name for name, _ in bench.feed(3, k="a")] == ["more"]
    assert bench.feed(4, k="a") == bench.feed(5, k="b") == bench.until(10) == []
    assert bench.feed(11, k="a") == []
    assert [name for name, _ in bench.feed(12, k="a")] == ["r"]


def test_an_eager_window_without_having_is_true_at_its_first_event():
    bench = Bench(counting(window=Window("tumbling", size=10 * S, emit="eager")))
    assert [len(bench.feed(at, k="a")) for at in (1, 2, 10, 11)] == [1, 0, 1, 0]


def test_an_eager_window_says_all_to_a_rule_that_follows_the_key():
    bench = Bench(counting("n != 3", Window("tumbling", size=10 * S, emit="eager")))
    assert [found.truth for _, found in bench.feed(1, k="a")] == [True]
    bench.open("r", '["a"]', 1)
    truths = [[found.truth for _, found in bench.feed(at, k="a")] for at in (2, 3, 4)]
    assert truths == [[True], [False], [True]]
    assert brief(bench.until(10)) == [("r", '["a"]', 10.0, True, {"n": 4})]
    assert brief(bench.until(20)) == [("r", '["a"]', 20.0, True, {"n": 0})]


def test_what_only_continued_an_episode_did_not_fire_in_the_window():
    bench = Bench(counting(window=Window("tumbling", size=10 * S, emit="eager")))
    bench.open("r", '["a"]', 0)
    assert len(bench.feed(11, k="a")) == 1
    bench.close("r", '["a"]')
    assert [len(bench.feed(at, k="a")) for at in (12, 13)] == [1, 0]


def test_an_eager_window_says_all_to_a_rule_that_holds():
    bench = Bench(counting(window=Window("tumbling", size=10 * S, emit="eager"), hold=3 * S))
    assert [len(bench.feed(at, k="a")) for at in (1, 2, 3)] == [1, 1, 1]


def test_the_end_of_an_eager_window_says_nothing_of_what_was_heard_after_it():
    bench = Bench(counting(window=Window("tumbling", size=10 * S, emit="eager")))
    bench.feed(5, k="b")
    bench.feed(10, k="a")
    bench.open("r", '["a"]', 10)
    assert bench.until(10) == []
    assert [item[1:4] for item in brief(bench.until(20))] == [('["a"]', 20, True)]


def test_a_late_event_says_nothing_to_an_eager_rule():
    bench = Bench(counting(window=Window("tumbling", size=10 * S, emit="eager")))
    assert bench.feed(9, mark=10, k="a") == []


def test_describe_and_flush():
    bench = Bench(counting(aggregate={"p": Aggregate("percentile", "v", p=50), "n": Aggregate("count")}))
    bench.feed(1, k="a", v=3)
    assert bench.unit.describe('["a"]') == {
        "windows": [
            {
                "start": "1970-01-01T00:00:00Z",
                "end": "1970-01-01T00:00:10Z",
                "events": 1,
                "values": {"percentile(v, 50)": 3, "count": 1},
            }
        ]
    }
    assert bench.unit.describe('["b"]') == {}
    bench.open("r", '["b"]', 0)
    assert [item[1:4] for item in brief(bench.flush())] == [('["a"]', 10, True), ('["b"]', 10, False)]
    assert bench.unit.open_ends() == []
    assert bench.unit.deadlines() == [(20 * S, "", 10 * S)]


def test_days_of_a_calendar_are_as_long_as_they_are():
    window = Window("tumbling", size=24 * 3600 * S, align="calendar", timezone="Europe/Berlin")
    bench = Bench(counting(window=window, aggregate={"per_second": Aggregate("rate")}))
    day = datetime(2026, 3, 29, tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    for at in (day, day + 23 * 3600 - MICRO, day + 23 * 3600):
        bench.feed(at, k="a")
    first, second = bench.flush()
    assert first[1].window == (day * S, (day + 23 * 3600) * S)
    assert first[1].values == {"per_second": 2 / (23 * 3600)}
    assert second[1].events == 1


@given(st.lists(st.integers(0, 60 * 24 * 12), max_size=60), st.sampled_from(["Europe/Berlin", "America/Sao_Paulo"]))
@settings(max_examples=60, deadline=None)
def test_calendar_days_against_the_dates_of_the_standard_library(minutes, zone):
    bench = Bench(counting(window=Window("tumbling", size=24 * 3600 * S, align="calendar", timezone=zone)))
    begin = datetime(2018, 10, 25, tzinfo=UTC)  # Berlin's clocks go back on the 28th, Sao Paulo's ahead on 4 November
    dates: dict[object, int] = {}
    for minute in minutes:
        moment = begin + timedelta(minutes=minute)
        date = moment.astimezone(ZoneInfo(zone)).date()
        dates[date] = dates.get(date, 0) + 1
        bench.feed(moment.timestamp(), k="a")
    assert [found.events for _, found in bench.flush()] == [dates[date] for date in sorted(dates)]
