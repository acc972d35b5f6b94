"""Sliding windows at their edges, worked out by hand, and against a plain loop over all events."""

import statistics
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.expressions import parse_expression
from cepd.engine.stepping import MANY
from cepd.model.rule import Aggregate, Window
from tests.support.rows import S, rule
from tests.support.units import Bench, brief

CLOSE = Window("sliding", size=30 * S, slide=10 * S)
EAGER = Window("sliding", size=30 * S, slide=10 * S, emit="eager")
COUNT = {"n": Aggregate("count")}
MICRO = 1e-6


def counting(having=None, window=CLOSE, name="r", **parts):
    parts = {"group_by": ("k",), "aggregate": COUNT} | parts
    return rule(name, window=window, having=None if having is None else parse_expression(having), **parts)


def counts(said):
    return [(key, time, values["n"]) for _, key, time, _, values in brief(said)]


def test_an_event_is_in_each_window_that_holds_its_pane():
    bench = Bench(counting())
    for at in (10, 20 - MICRO, 20):
        bench.feed(at, k="a")
    assert bench.until(20 - MICRO) == []
    a = '["a"]'
    assert counts(bench.until(100)) == [(a, 20, 2), (a, 30, 3), (a, 40, 3), (a, 50, 1)]
    assert bench.unit.deadlines() == []
    assert bench.unit.status().windows == 0


@pytest.mark.parametrize("having", ["n > 1", "n != 2", "n > 5"])
@pytest.mark.parametrize("panes", [1, 3])
def test_others_have_a_turn_again_and_again_while_a_window_with_many_keys_ends(having, panes):
    bench = Bench(counting(having))
    keys = [f"k{number}" for number in range(1_000)]
    for pane in range(panes):
        for key in keys:
            bench.feed(10 * pane, k=key)
    (member,) = bench.members.values()
    steps = list(bench.unit.due(member, "", 10 * (panes - 3) * S, 10 * panes * S))
    turns = [place for place, step in enumerate(steps) if step is None]
    assert len(steps) - len(turns) == {"n > 1": panes > 1, "n != 2": True, "n > 5": False}[having] * len(keys)
    assert len(turns) > len(keys) // MANY
    assert max(after - before for before, after in pairwise([-1, *turns, len(steps)])) <= MANY + 1


def test_times_before_the_epoch():
    bench = Bench(counting())
    bench.feed(-MICRO, k="a")
    assert [found.window for _, found in bench.flush()] == [(-30 * S, 0), (-20 * S, 10 * S), (-10 * S, 20 * S)]


def test_an_event_that_is_late_for_some_windows_is_in_the_others():
    bench = Bench(counting())
    bench.feed(5, k="a")
    bench.until(20)
    bench.feed(5, mark=20, k="a")
    assert bench.unit.counts.late == 1
    assert counts(bench.until(100)) == [('["a"]', 30, 2)]
    bench.feed(5, mark=30 - MICRO, k="a")
    bench.feed(5, mark=30, k="a")
    assert bench.unit.counts.late == 3
    assert counts(bench.until(100)) == [('["a"]', 30, 1)]


def test_first_and_last_follow_the_journal_not_the_panes():
    aggregates = {"first": Aggregate("first", "v"), "last": Aggregate("last", "v"), "n": Aggregate("count")}
    bench = Bench(counting("n == 3", aggregate=aggregates, carries=("v",)))
    for at, value in ((25, "x"), (5, "y"), (15, "z")):
        bench.feed(at, k="a", v=value)
    ((_, found),) = bench.until(30)
    assert found.values == {"first": "x", "last": "z", "n": 3}
    assert (found.event_ids, found.payload, found.events) == (("e1", "e3"), b'{"v":"z"}', 3)
    assert found.cause == "[0,30000000)"


def test_panes_are_merged_the_oldest_first_whatever_came_first():
    bench = Bench(counting("n == 3", aggregate=COUNT | {"s": Aggregate("sum", "v")}))
    for at, value in ((25, 0.3), (15, 0.2), (5, 0.1)):
        bench.feed(at, k="a", v=value)
    assert 0.1 + 0.2 + 0.3 != 0.3 + 0.2 + 0.1
    assert brief(bench.until(30)) == [("r", '["a"]', 30.0, True, {"n": 3, "s": 0.1 + 0.2 + 0.3})]


def test_an_estimate_is_marked():
    bench = Bench(counting(aggregate={"p": Aggregate("percentile", "v", p=50)}))
    for number in range(501):
        bench.feed(5, k="a", v=number)
        bench.feed(15, k="a", v=number)
    first, second, _, _ = bench.until(100)
    assert first[1].values == {"p": 250}
    assert second[1].values["p_approximate"] is True
    assert abs(second[1].values["p"] - 250) <= 2.5


def test_an_open_key_is_asked_at_every_end():
    bench = Bench(counting("n >= 2"))
    for _ in range(2):
        bench.feed(5, k="a")
    assert len(bench.until(30)) == 3
    bench.feed(35, k="b")
    bench.open("r", '["a"]', 30)
    bench.restart()
    assert brief(bench.until(60)) == [("r", '["a"]', float(at), False, {"n": 0}) for at in (40, 50, 60)]
    assert bench.unit.deadlines() == [(70 * S, "", 40 * S)]
    bench.close("r", '["a"]')
    assert bench.until(70) == []
    assert bench.unit.deadlines() == []


def test_a_full_pane_refuses_new_keys_and_the_next_takes_them():
    bench = Bench(counting(max_keys=1))
    for at, key in ((1, "a"), (2, "b"), (11, "b"), (12, "b")):
        bench.feed(at, k=key)
    assert (bench.unit.counts.refused_keys, bench.unit.status().incomplete, bench.unit.status().keys) == (1, 1, 2)
    assert counts(bench.until(20)) == [('["a"]', 10, 1), ('["a"]', 20, 1), ('["b"]', 20, 2)]


def test_eager_over_the_last_size_once_for_each_pane():
    bench = Bench(counting("n >= 3", EAGER))
    assert bench.feed(5, k="a") == bench.feed(15, k="a") == []
    ((_, found),) = bench.feed(25, k="a")
    assert (found.window, found.time, found.values, found.events) == ((0, 30 * S), 25 * S, {"n": 3}, 3)
    bench.restart()
    assert bench.feed(26, k="a") == []
    ((_, found),) = bench.feed(30, k="a")
    assert (found.window, found.values) == ((10 * S, 40 * S), {"n": 4})
    assert bench.feed(50, k="a") == []


def test_eager_of_an_event_behind_others_is_over_its_own_window():
    bench = Bench(counting("n >= 2", EAGER))
    bench.feed(25, k="a")
    assert bench.feed(15, k="a") == []
    assert [found.window for _, found in bench.feed(14, k="a")] == [(-10 * S, 20 * S)]
    assert [found.values for _, found in bench.feed(29, mark=20, k="a")] == [{"n": 4}]


def test_a_late_event_says_nothing_to_an_eager_rule_and_is_in_later_windows():
    bench = Bench(counting("n >= 1", EAGER))
    assert bench.feed(15, mark=20, k="a") == []
    assert [found.values for _, found in bench.feed(25, mark=20, k="a")] == [{"n": 2}]


def test_describe_and_flush():
    bench = Bench(counting(aggregate={"m": Aggregate("avg", "v")}))
    bench.feed(5, k="a", v=1)
    bench.feed(15, k="a", v=4)
    windows = bench.unit.describe('["a"]')["windows"]
    assert [(window["end"][17:19], window["events"], window["values"]) for window in windows] == [
        ("10", 1, {"avg(v)": 1.0}),
        ("20", 2, {"avg(v)": 2.5}),
        ("30", 2, {"avg(v)": 2.5}),
        ("40", 1, {"avg(v)": 4.0}),
    ]
    assert [found.time for _, found in bench.flush()] == [10 * S, 20 * S, 30 * S, 40 * S]
    assert bench.unit.open_ends() == []


events = st.lists(st.tuples(st.integers(-40, 60), st.sampled_from("ab"), st.integers(-5, 5)), max_size=40)


@given(events, st.sampled_from([1, 2, 5]), st.integers(0, 40))
@settings(max_examples=100, deadline=None)
def test_against_a_loop_over_all_events(stream, panes, restart):
    window = Window("sliding", size=panes * 7 * S, slide=7 * S)
    aggregates = {
        "total": Aggregate("sum", "v"),
        "least": Aggregate("min", "v"),
        "last": Aggregate("last", "v"),
        "spread": Aggregate("stddev", "v"),
        "median": Aggregate("percentile", "v", p=50),
    }
    bench = Bench(counting(window=window, aggregate=aggregates))
    for number, (at, key, value) in enumerate(stream):
        bench.feed(at, k=key, v=value)
        if number == restart:
            bench.restart()
    expected = []
    for end in range(-42, 140, 7):
        for key in "ab":
            values = [value for at, k, value in stream if k == key and end - panes * 7 <= at < end]
            if values:
                spread = [statistics.stdev(values)] if len(values) > 1 else []
                middle = sorted(values)[(len(values) - 1) // 2]
                expected.append((f'["{key}"]', end, sum(values), min(values), values[-1], middle, spread))
    found = brief(bench.flush())
    assert [
        (key, time, said["total"], said["least"], said["last"], said["median"]) for _, key, time, _, said in found
    ] == [item[:-1] for item in expected]
    for (*_, said), (*_, spread) in zip(found, expected, strict=True):
        assert ("spread" in said) == bool(spread)
        assert all(abs(said["spread"] - value) < 1e-9 for value in spread)
