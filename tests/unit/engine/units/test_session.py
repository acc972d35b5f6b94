"""Sessions at their edges, worked out by hand, and against a plain loop over all events."""

from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.expressions import parse_expression
from cepd.model.rule import Aggregate, Window
from tests.support.rows import S, rule
from tests.support.saving import save
from tests.support.units import Bench, brief

CLOSE = Window("session", timeout=10 * S)
EAGER = Window("session", timeout=10 * S, emit="eager")
COUNT = {"n": Aggregate("count")}
MICRO = 1e-6


def counting(having=None, window=CLOSE, name="r", **parts):
    parts = {"group_by": ("k",), "aggregate": COUNT} | parts
    return rule(name, window=window, having=None if having is None else parse_expression(having), **parts)


def spans(said):
    return [(found.window[0] / S, found.window[1] / S, found.events) for _, found in said]


def test_a_gap_of_timeout_stays_in_and_one_microsecond_more_does_not():
    bench = Bench(counting())
    for at in (0, 10, 20 + MICRO):
        bench.feed(at, k="a")
    assert bench.until(20) == []
    ((_, found),) = bench.until(20 + MICRO)
    assert (found.window, found.time, found.cause) == ((0, 10 * S), 10 * S, "[0,10000000)")
    assert spans(bench.until(100)) == [(20 + MICRO, 20 + MICRO, 1)]
    assert bench.unit.deadlines() == []


def test_what_a_session_tells():
    bench = Bench(counting(aggregate={"total": Aggregate("sum", "v"), "per_second": Aggregate("rate")}, carries=("v",)))
    for at, value in ((4, 1), (0, 2), (8, 4)):
        bench.feed(at, k="a", v=value)
    bench.feed(5, k="b", v=9)
    single, found = (said for _, said in bench.until(100))
    assert (single.key, single.time, single.values, single.event_ids) == ('["b"]', 5 * S, {"total": 9}, ("e4",))
    assert (found.window, found.values) == ((0, 8 * S), {"total": 7, "per_second": 3 / 8})
    assert (found.event_ids, found.payload, found.events) == (("e1", "e3"), b'{"v":4}', 3)


def test_an_event_that_joins_two_sessions_makes_them_one():
    aggregates = {"first": Aggregate("first", "v"), "last": Aggregate("last", "v"), "n": Aggregate("count")}
    bench = Bench(counting(aggregate=aggregates))
    for at, value in ((20, "x"), (0, "y"), (10, "z")):
        bench.feed(at, k="a", v=value)
        bench.restart()
    assert bench.unit.status().windows == 1
    ((_, found),) = bench.until(100)
    assert (found.window, found.values) == ((0, 20 * S), {"first": "x", "last": "z", "n": 3})
    assert found.event_ids == ("e1", "e3")


def test_an_event_that_just_misses_both_neighbours_is_a_session_of_its_own():
    bench = Bench(counting())
    for at in (0, 20 + 2 * MICRO, 10 + MICRO):
        bench.feed(at, k="a")
    assert [window[2] for window in spans(bench.until(100))] == [1, 1, 1]


def test_an_event_is_late_where_its_own_session_would_be_closed_and_none_takes_it():
    bench = Bench(counting())
    bench.feed(10, mark=20, k="a")
    assert bench.unit.counts.late == 0
    bench.feed(9, mark=20, k="a")
    bench.feed(10, mark=20, k="b")
    bench.feed(10, mark=20 + MICRO, k="c")
    assert bench.unit.counts.late == 1
    assert spans(bench.until(100)) == [(9, 10, 2), (10, 10, 1)]


def test_a_session_that_grew_is_looked_at_again_when_it_is_due():
    bench = Bench(counting())
    for at in range(0, 50, 5):
        bench.feed(at, k="a")
    assert bench.until(55) == []
    assert spans(bench.until(55 + MICRO)) == [(0, 45, 10)]


def test_sessions_end_in_order_of_time_then_key():
    bench = Bench(counting())
    for at, key in ((3, "c"), (1, "b"), (1, "a"), (2, "b")):
        bench.feed(at, k=key)
    assert [found.key for _, found in bench.until(100)] == ['["a"]', '["b"]', '["c"]']


def test_beyond_max_keys_no_session_begins_until_one_ends():
    bench = Bench(counting(max_keys=1))
    bench.feed(0, k="a")
    bench.feed(1, k="b")
    bench.feed(2, k="a")
    assert (bench.unit.counts.refused_keys, bench.unit.status().keys) == (1, 1)
    assert spans(bench.until(13)) == [(0, 2, 2)]
    bench.feed(13, mark=13, k="b")
    assert spans(bench.flush()) == [(13, 13, 1)]


def test_an_eager_session_is_true_once_also_when_it_joins_another():
    bench = Bench(counting("n >= 2", EAGER), counting("n >= 5", EAGER, name="more"))
    assert bench.feed(20, k="a") == []
    ((_, found),) = bench.feed(21, k="a")
    assert (found.window, found.time, found.values) == ((20 * S, 21 * S), 21 * S, {"n": 2})
    assert (found.payload, found.event_ids) == (b"line 2", ("e2",))
    assert bench.feed(1, k="a") == []
    bench.restart()
    assert bench.feed(11, k="a") == []
    assert [name for name, _ in bench.feed(12, k="a")] == ["more"]
    assert bench.until(100) == []
    assert bench.feed(101, k="a") == []
    assert [name for name, _ in bench.feed(102, k="a")] == ["r"]


def test_the_end_of_an_eager_session_is_for_rules_that_follow_the_key():
    bench = Bench(counting("n < 3", EAGER))
    assert [found.truth for _, found in bench.feed(0, k="a")] == [True]
    bench.open("r", '["a"]', 0)
    assert [found.truth for at in (1, 2) for _, found in bench.feed(at, k="a")] == [True, False]
    assert brief(bench.until(100)) == [("r", '["a"]', 2.0, False, {"n": 3})]


def test_the_end_of_an_eager_session_says_nothing_of_what_was_heard_after_it():
    bench = Bench(counting("n < 3", EAGER))
    bench.feed(0, k="a")
    bench.feed(11, k="a")
    bench.open("r", '["a"]', 11)
    assert spans(bench.until(100)) == [(11, 11, 1)]


def test_slots_of_ended_sessions_do_not_pile_up():
    bench = Bench(counting(aggregate={"s": Aggregate("stddev", "v"), "f": Aggregate("first", "v")}, carries=("v",)))
    sizes = []
    for number in range(1000):
        for value in (number, number + 2):
            bench.feed(number, k=number % 50, v=value)
        assert [found.values["f"] for _, found in bench.until(number - 0.5)] == ([number - 11] if number > 10 else [])
        sizes.append(len(save(bench.unit)))
    assert max(sizes) < 3 * max(sizes[:50])
    last = [found for _, found in bench.flush()]
    assert [(found.events, found.payload, found.values["f"]) for found in last] == [
        (2, b'{"v":%d}' % (number + 2), number) for number in range(989, 1000)
    ]


def test_that_an_eager_session_has_fired_is_known_after_slots_moved():
    bench = Bench(counting("n >= 2", EAGER))
    bench.feed(0, k="long")
    assert len(bench.feed(1, k="long")) == 1
    for number in range(1, 300):
        bench.feed(number, k=number)
        assert bench.feed(number, k="long") == bench.until(number) == []
    assert len(save(bench.unit)) < 10_000
    assert bench.unit.describe('["long"]')["windows"][0]["events"] == 301


def test_describe():
    bench = Bench(counting())
    bench.feed(0, k="a")
    bench.feed(0.5, k="a")
    assert bench.unit.describe('["a"]') == {
        "windows": [
            {"start": "1970-01-01T00:00:00Z", "end": "1970-01-01T00:00:00.5Z", "events": 2, "values": {"count": 2}}
        ]
    }
    assert bench.unit.describe('["b"]') == {}


@given(st.lists(st.tuples(st.integers(-100, 100), st.sampled_from("ab")), max_size=40), st.integers(0, 40))
@settings(max_examples=100, deadline=None)
def test_against_a_loop_over_all_events(stream, restart):
    bench = Bench(counting())
    for number, (at, key) in enumerate(stream):
        bench.feed(at, k=key)
        if number == restart:
            bench.restart()
    expected = []
    for key in "ab":
        session = []
        for at in sorted(at for at, k in stream if k == key):
            if session and at - session[-1] > 10:
                expected.append((session[-1], key, session))
                session = []
            session = [*session, at]
        if session:
            expected.append((session[-1], key, session))
    assert spans(bench.flush()) == [(session[0], last, len(session)) for last, _, session in sorted(expected)]
