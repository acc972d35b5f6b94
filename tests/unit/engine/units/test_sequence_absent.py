"""Sequences that end with what must stay absent, by hand. Events are numbered from 1."""

import pytest

from cepd.engine.evaluation import Evaluation
from cepd.model.firing import StepSeen
from tests.support.sequences import numbers, sequence, step
from tests.support.unit_driver import Driver, at

MICRO = 0.000001
UNPAID = sequence("A", "absent B")


def after(driver: Driver, events: list[tuple[float, str]], mark: float) -> list[tuple[float, tuple[int, ...]]]:
    """(time in seconds, numbers of events) of what fires by a watermark; hearing the events fires nothing."""
    for time, event_type in events:
        assert driver.hear(time, event_type) == []
    return [((found.time - at(0)) / 1_000_000, numbers([found])[0]) for found in driver.passes(mark)]


@pytest.mark.parametrize(
    ("events", "firings"),
    [
        pytest.param([(0, "A")], [(10, (1,))], id="it stays absent"),
        pytest.param([(0, "A"), (10, "B")], [], id="it comes at the very end"),
        pytest.param([(0, "A"), (10 + MICRO, "B")], [(10, (1,))], id="it comes after it"),
        pytest.param([(5, "A"), (4, "B")], [(15, (1,))], id="it came before"),
        pytest.param([(5, "A"), (5, "B")], [], id="a tie is after"),
        pytest.param([(0, "A"), (4, "A")], [(14, (2,))], id="the newest restarts"),
        pytest.param([(0, "A"), (10, "A")], [(20, (2,))], id="up to the end of the span"),
        pytest.param([(0, "A"), (11, "A")], [(10, (1,)), (21, (2,))], id="a run whose span is over stands"),
        pytest.param([(0, "A"), (11, "A"), (9, "B")], [(21, (2,))], id="until a late event ends it"),
        pytest.param([(0, "A"), (11, "A"), (12, "B")], [(10, (1,))], id="and a later one ends the later"),
        pytest.param([(0, "A"), (11, "A"), (22, "A")], [(10, (1,)), (21, (2,)), (32, (3,))], id="each of them"),
        pytest.param([(0, "A"), (11, "A"), (5, "A")], [(10, (1,)), (21, (2,))], id="an older one begins nothing"),
    ],
)
def test_a_run_that_waits(events: list[tuple[float, str]], firings: list[tuple[float, tuple[int, ...]]]) -> None:
    assert after(Driver(UNPAID), events, 100) == firings


def test_it_fires_once_the_watermark_has_passed_the_end() -> None:
    driver = Driver(UNPAID)
    assert after(driver, [(0, "A")], 10) == []
    assert after(driver, [], 10 + MICRO) == [(10, (1,))]
    assert after(driver, [(11, "B")], 100) == []
    assert driver.unit.status().keys == 0


def test_the_span_counts_from_the_first_of_all_steps() -> None:
    driver = Driver(sequence("A*2", "not C", "D", "absent B"))
    assert after(driver, [(0, "A"), (3, "A"), (5, "D"), (6, "C"), (4, "B")], 100) == [(10, (1, 2, 3))]
    assert after(driver, [(100, "A"), (103, "A"), (105, "D"), (105, "B")], 200) == []
    assert after(driver, [(200, "A"), (203, "A"), (205, "E")], 300) == [], "not all steps were there"


def test_a_run_that_waits_gives_nothing_to_the_next() -> None:
    driver = Driver(sequence("A*2", "absent B"))
    assert after(driver, [(0, "A"), (5, "A"), (11, "A")], 100) == [(10, (1, 2))]
    driver = Driver(sequence("A*2", "absent B"))
    assert after(driver, [(0, "A"), (5, "A"), (11, "A"), (12, "A")], 100) == [(10, (1, 2)), (21, (3, 4))]


def test_what_a_firing_without_an_event_at_hand_tells() -> None:
    absent = step("absent B", "order == paid.order")
    driver = Driver(
        sequence("paid:A", absent, carries=("customer", "paid.sum")),
        sequence("paid:A", absent, carries=("sum",), rule_id="second"),
        sequence("paid:A", absent, rule_id="third"),
    )
    driver.hear(0, "A", order=7, sum=9, customer="c", other=1)
    driver.hear(1, "B", order=8)
    driver.restart()
    (due, key, start) = next(iter(driver.unit.deadlines()))
    told = [next(iter(driver.unit.due(member, key, start, due))) for member in driver.members]
    assert [(one.payload, one.values) for one in told] == [
        (b'{"customer":"c"}', {"paid": {"order": 7, "sum": 9}}),
        (b'{"sum":9}', {"paid": {"order": 7}}),
        (b"", {"paid": {"order": 7}}),
    ]
    assert told[2] == Evaluation(
        key="[]",
        time=at(10),
        truth=True,
        cause='["#j#1"]',
        values={"paid": {"order": 7}},
        event_ids=("j#1",),
        steps=(StepSeen(id="paid", first=at(0), last=at(0), event_ids=("j#1",)),),
    )


def test_keys_wait_for_themselves() -> None:
    driver = Driver(UNPAID)
    for key in ("b", "a"):
        driver.hear(0, "A", key=key)
    driver.hear(1, "B", key="b")
    assert [found.key for found in driver.passes(100)] == ["a"]


def test_runs_all_wait_side_by_side() -> None:
    driver = Driver(sequence("A", "absent B", runs="all"))
    assert after(driver, [(0, "A"), (4, "A"), (2, "A"), (3, "B"), (8, "A")], 100) == [(14, (2,)), (18, (5,))]
