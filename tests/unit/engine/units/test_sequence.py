"""Sequences of one run per key, by hand: order, span, counts, guards, restarts. Events are numbered from 1."""

import msgspec
import pytest

from cepd.engine.evaluation import Evaluation
from cepd.engine.unit import UnitStatus, make_unit
from cepd.model.firing import StepSeen
from cepd.model.instant import format_instant
from tests.support.saving import save
from tests.support.sequences import numbers, sequence, step
from tests.support.unit_driver import Driver, at

MICRO = 0.000001


def heard(driver: Driver, *events: tuple[float, str]) -> list[tuple[int, ...]]:
    """The matches of events (time, type), by the numbers of their events."""
    return [match for time, event_type in events for match in numbers(driver.hear(time, event_type))]


def test_a_match_names_all_that_led_to_it() -> None:
    driver = Driver(sequence(step("fail:A*2"), step("B", "user == fail.user"), carries=("fail.ip",)))
    driver.hear(1, "A", user="u", ip="1.1.1.1", id="x")
    driver.hear(2, "A", user="u", ip="2.2.2.2")
    (found,) = driver.hear(4, "B", user="u", source="sso")
    identity = "tests\\u0000x\\u0000"
    assert found.cause.startswith(f'["{identity}')
    assert found.cause.endswith('","#j#2","#j#3"]')
    assert msgspec.structs.replace(found, cause="") == Evaluation(
        key="[]",
        time=at(4),
        truth=True,
        values={"fail": {"user": "u", "ip": "2.2.2.2"}},
        events=3,
        event_ids=("x", "j#2", "j#3"),
        payload=b'{"type":"B","user":"u","source":"sso","time":1767225604.0}',
        event_type="B",
        event_source="sso",
        steps=(
            StepSeen(id="fail", first=at(1), last=at(2), event_ids=("x", "j#2")),
            StepSeen(id="2", first=at(4), last=at(4), event_ids=("j#3",)),
        ),
    )


@pytest.mark.parametrize(
    ("events", "matches"),
    [
        pytest.param([(5, "A"), (5, "B")], [(1, 2)], id="ties are in order"),
        pytest.param([(5, "A"), (4, "B")], [], id="an older event does not follow"),
        pytest.param([(5, "B"), (5, "A")], [], id="the journal decides over ties"),
        pytest.param([(0, "A"), (10, "B")], [(1, 2)], id="within is inclusive"),
        pytest.param([(0, "A"), (10 + MICRO, "B")], [], id="and ends there"),
        pytest.param([(0, "A"), (11, "B"), (9, "B")], [(1, 3)], id="what came too early in the journal hides nothing"),
        pytest.param([(0, "A"), (8, "A"), (15, "B")], [(2, 3)], id="the newest first step restarts"),
        pytest.param([(8, "A"), (0, "A"), (9, "B")], [(1, 3)], id="the newest, by time"),
        pytest.param([(0, "A"), (1, "B"), (2, "B")], [(1, 2)], id="a match consumes the run"),
        pytest.param([(0, "A"), (1, "C"), (2, "B")], [(1, 3)], id="others may come between"),
    ],
)
def test_two_steps(events: list[tuple[float, str]], matches: list[tuple[int, ...]]) -> None:
    assert heard(Driver(sequence("A", "B")), *events) == matches


@pytest.mark.parametrize(
    ("events", "matches"),
    [
        pytest.param([(n, "A") for n in range(6)] + [(6, "B")], [(2, 3, 4, 5, 6, 7)], id="six, the newest five"),
        pytest.param([(n, "A") for n in range(4)] + [(6, "B")], [], id="four are not enough"),
        pytest.param([(n, "A") for n in (0, 8, 9, 9, 11)] + [(12, "B")], [], id="the first is too old by the fifth"),
        pytest.param([(n, "A") for n in (0, 8, 9, 9, 11, 12)] + [(18, "B")], [(2, 3, 4, 5, 6, 7)], id="it fell out"),
        pytest.param(
            [(n, "A") for n in (1, 2, 3, 2, 4, 5)] + [(6, "B")], [(1, 2, 3, 5, 6, 7)], id="an older does not count"
        ),
    ],
)
def test_count_takes_the_newest(events: list[tuple[float, str]], matches: list[tuple[int, ...]]) -> None:
    assert heard(Driver(sequence("A*5", "B")), *events) == matches


def test_a_restart_gives_up_later_steps() -> None:
    driver = Driver(sequence("A", "B", "C"))
    assert heard(driver, (0, "A"), (1, "B"), (2, "A"), (3, "C"), (4, "B"), (5, "C")) == [(3, 5, 6)]


def test_one_event_never_serves_two_steps() -> None:
    driver = Driver(sequence("A", "any"))
    assert heard(driver, (0, "A"), (1, "A"), (2, "A"), (3, "A")) == [(1, 2), (3, 4)]
    assert heard(Driver(sequence("A*3")), *((n, "A") for n in range(7))) == [(1, 2, 3), (4, 5, 6)]


@pytest.mark.parametrize(
    ("events", "matches"),
    [
        pytest.param([(0, "A"), (1, "C"), (2, "B")], [], id="between"),
        pytest.param([(0, "C"), (1, "A"), (2, "B")], [(2, 3)], id="before the first"),
        pytest.param([(5, "A"), (4, "C"), (6, "B")], [(1, 3)], id="older than what is there"),
        pytest.param([(5, "A"), (5, "C"), (6, "B")], [], id="a tie is between"),
        pytest.param([(0, "A"), (11, "C"), (9, "B")], [(1, 3)], id="after the span"),
        pytest.param([(0, "A"), (10, "C"), (9, "B")], [], id="at the end of the span"),
        pytest.param([(0, "A"), (1, "C"), (2, "A"), (3, "B")], [(3, 4)], id="a new run after it"),
    ],
)
def test_guards(events: list[tuple[float, str]], matches: list[tuple[int, ...]]) -> None:
    assert heard(Driver(sequence("A", "not C", "B")), *events) == matches


def test_a_guard_is_looked_at_before_the_step_until_that_is_full() -> None:
    driver = Driver(sequence("A", step("not B", "n > 1"), "B*2", "C"))
    for n, event_type in ((0, "A"), (1, "B"), (2, "B"), (1, "C")):
        assert driver.hear(0, event_type, n=n) == [], "the second B is what must not come"
    found = [driver.hear(0, event_type, n=n) for n, event_type in ((0, "A"), (1, "B"), (1, "B"), (2, "B"), (1, "C"))]
    assert [numbers(one) for one in found] == [[], [], [], [], [(5, 6, 7, 9)]], "once it is full it may"


def test_an_event_that_ends_a_run_may_begin_the_next() -> None:
    driver = Driver(sequence(step("A"), step("not A", "n == 0"), "B"))
    driver.hear(0, "A", n=1)
    driver.hear(1, "A", n=0)
    assert numbers(driver.hear(2, "B")) == [(2, 3)]


def test_a_step_sees_only_steps_that_are_done_and_them_over_the_event() -> None:
    driver = Driver(sequence(step("a:A", "not exists(b.n)"), step("b:B", "n > a.n"), step("C", "n == a.n and n < b.n")))
    driver.hear(0, "A", n=5, b="a field")
    assert driver.unit.describe("[]")["runs"][0]["steps"][0]["events"] == 1
    driver.hear(1, "B", n=4, a={"n": 0})
    driver.hear(2, "B", n=6)
    (found,) = driver.hear(3, "C", n=5)
    assert numbers([found]) == [(1, 3, 4)]
    assert found.values == {"a": {"n": 5}, "b": {"n": 6}}


def test_a_run_is_over_once_the_watermark_has_passed_its_span_and_not_before() -> None:
    driver = Driver(sequence("A", "B"))
    driver.hear(0, "A")
    driver.passes(10)
    assert driver.unit.status() == UnitStatus(keys=1, windows=1)
    assert numbers(driver.hear(10, "B")) == [(1, 2)]
    driver.hear(0, "A")
    driver.passes(10 + MICRO)
    assert driver.unit.status() == UnitStatus(keys=0, windows=0)
    assert driver.hear(5, "B") == []


def test_what_is_left_of_a_run_goes_on() -> None:
    driver = Driver(sequence("A*2", "B"))
    assert heard(driver, (0, "A"), (9, "A")) == []
    driver.passes(11)
    assert heard(driver, (12, "A"), (13, "B")) == [(2, 3, 4)]


def test_an_event_that_could_only_begin_what_is_over_is_late() -> None:
    driver = Driver(sequence("A", "B"))
    driver.passes(20)
    for time, event_type in ((9, "A"), (9, "B"), (9, "C")):
        assert driver.hear(time, event_type) == []
    assert driver.unit.counts.late == 1
    driver.hear(10, "A")
    assert numbers(driver.hear(20, "B")) == [(4, 5)]


def test_events_too_old_for_the_order_are_counted_once() -> None:
    driver = Driver(sequence("A", "B"))
    heard(driver, (5, "A"), (4, "B"), (3, "A"), (4, "C"))
    assert driver.unit.counts.out_of_order == 2


def test_a_key_beyond_max_keys_is_refused_until_one_is_over() -> None:
    driver = Driver(sequence("A", "B", max_keys=1), sequence("A", "B", max_keys=2, rule_id="wider"))
    for key in ("a", "b", "c", "b"):
        driver.hear(0, "A", key=key)
    assert driver.unit.counts.refused_keys == 1
    assert [len(driver.hear(1, "B", key=key)) for key in ("a", "b", "c")] == [1, 1, 0]
    driver.hear(2, "A", key="c")
    assert len(driver.hear(2, "B", key="c")) == 1


def test_members_see_what_their_own_texts_name() -> None:
    driver = Driver(
        sequence(step("a:A"), "B", carries=("a.x",)),
        sequence(step("a:A"), "B", carries=("a.y.z", "other"), rule_id="second"),
        sequence(step("a:A"), "B", rule_id="third"),
    )
    driver.hear(0, "A", x=1, y={"z": 2, "w": 3})
    driver.restart()
    driver.hear(1, "B")
    assert [driver.unit.read(member)[0].values for member in driver.members] == [
        {"a": {"x": 1}},
        {"a": {"y": {"z": 2}}},
        {},
    ]


def test_where_a_key_stands() -> None:
    driver = Driver(sequence("fail:A*2", "B"))
    driver.hear(1, "A", key='["a"]')
    steps = [{"step": "fail", "events": 1, "of": 2}, {"step": "2", "events": 0, "of": 1}]
    until = format_instant(at(11))
    assert driver.unit.describe('["a"]') == {"runs": [{"first": format_instant(at(1)), "until": until, "steps": steps}]}
    assert driver.unit.describe('["b"]') == {}


def test_a_state_of_other_steps_is_refused() -> None:
    driver = Driver(sequence("A", "B"))
    driver.hear(0, "A")
    with pytest.raises(ValueError, match="other steps"):
        make_unit(sequence("A", "B", "C")).load(save(driver.unit))
    with pytest.raises(ValueError, match="malformed"):
        make_unit(sequence("A", "B")).load(b"]")
