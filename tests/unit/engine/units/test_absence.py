"""Absences by hand, and against a plain loop over all events."""

import hashlib

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.evaluation import Evaluation
from cepd.engine.state import Episode
from cepd.engine.unit import UnitStatus
from cepd.model.instant import format_instant
from cepd.model.rule import AbsenceTrigger, Resolve, Rule
from tests.support.rows import S, line, program, rule
from tests.support.saving import save
from tests.support.unit_driver import Driver, at

MICRO = 0.000001


def absence(timeout: float = 10, forget: float = 100, rule_id: str = "r", **parts: object) -> Rule:
    trigger = AbsenceTrigger(round(timeout * S), parts.pop("event_type", None), None, round(forget * S))
    return rule(rule_id, trigger=trigger, **parts)


def told(found: list[Evaluation]) -> list[tuple[str, float]]:
    return [(one.key, (one.time - at(0)) / S) for one in found]


def test_a_silence_fires_once_the_watermark_has_passed_the_deadline() -> None:
    driver = Driver(absence(event_type=("beat",), carries=("ip",)))
    assert driver.hear(0, "beat", id="x", ip="1.1.1.1", other=1) == []
    assert driver.passes(10) == []
    (found,) = driver.passes(10 + MICRO)
    identity, _, deadline = found.cause.rpartition(" ")
    assert identity.startswith("tests\x00x\x00")
    assert deadline == str(at(10))
    assert found == Evaluation(
        key="[]",
        time=at(10),
        truth=True,
        cause=found.cause,
        event_ids=("x",),
        payload=b'{"ip":"1.1.1.1"}',
        event_type="beat",
    )
    assert driver.passes(99) == [], "once per silence"


def test_an_event_at_the_deadline_moves_it() -> None:
    driver = Driver(absence())
    for time in (0, 10, 20):
        driver.hear(time)
        assert driver.passes(time) == []
    assert told(driver.passes(50)) == [("[]", 30)]


def test_the_next_event_arms_again() -> None:
    driver = Driver(absence())
    driver.hear(0)
    assert told(driver.passes(20)) == [("[]", 10)]
    driver.hear(21)
    driver.hear(25)
    assert told(driver.passes(60)) == [("[]", 35)]


def test_only_newer_events_count() -> None:
    driver = Driver(absence())
    driver.hear(5, id="first")
    driver.hear(5, id="tie")
    driver.hear(3, id="older")
    (found,) = driver.passes(20)
    assert (found.event_ids, found.time) == (("first",), at(15))


def test_an_event_whose_deadline_has_passed_is_late() -> None:
    driver = Driver(absence())
    driver.hear(0)
    driver.passes(30)
    driver.hear(19.9)
    driver.hear(19.9, key="new")
    assert driver.passes(90) == []
    assert (driver.unit.counts.late, driver.unit.status()) == (2, UnitStatus(keys=1))
    driver.hear(80, key="new")
    assert told(driver.passes(91)) == [("new", 90)]


def test_a_key_is_forgotten_after_forget_and_fires_no_more() -> None:
    driver = Driver(absence(), absence(forget=50, rule_id="shorter"))
    driver.hear(0)
    assert driver.passes(100) != []
    assert driver.unit.status().keys == 1
    driver.passes(100 + MICRO)
    assert driver.unit.status().keys == 0


def test_a_rule_that_forgets_before_the_deadline_never_fires() -> None:
    driver = Driver(absence(forget=9))
    driver.hear(0)
    assert driver.passes(200) == []
    assert driver.unit.status().keys == 0
    driver = Driver(absence(forget=9), absence(forget=10, rule_id="longer"))
    driver.hear(0)
    assert driver.passes(9.5, member=0) == []
    assert [told(driver.passes(10.5, member=1)), driver.unit.status().keys] == [[("[]", 10)], 0]


def test_another_forget_holds_from_a_swap_on() -> None:
    driver = Driver(absence(forget=100))
    driver.hear(0)
    driver.passes(20)
    driver.swap(absence(forget=30))
    driver.passes(30)
    assert driver.unit.status().keys == 1
    driver.passes(30 + MICRO)
    assert driver.unit.status().keys == 0


def test_downtime_moves_what_is_pending_and_never_back() -> None:
    driver = Driver(absence(forget=60))
    driver.hear(0)
    driver.passes(5)
    driver.resume(80)
    driver.restart()
    driver.hear(6)
    assert told(driver.passes(89)) == [], "the deadline was 90 already"
    assert told(driver.passes(91)) == [("[]", 90)]
    driver.hear(100)
    assert told(driver.passes(111)) == [("[]", 110)], "and then no more"
    driver.resume(80)
    driver.hear(105)
    assert told(driver.passes(189)) == [], "an event from before the downtime brings no deadline within it"
    assert told(driver.passes(191)) == [("[]", 190)]


def test_an_event_that_arms_is_a_false_evaluation_of_an_episode() -> None:
    driver = Driver(absence())
    assert driver.hear(0) == []
    driver.passes(20)
    driver.members[0].state.episodes["[]"] = Episode(began=at(10), cause="", heard=at(10), first_id="f")
    assert driver.hear(9, "beat") == [], "a late one is no sign of life"
    (found,) = driver.hear(30, "beat")
    assert (found.truth, found.time, found.event_ids, found.event_type) == (False, at(30), ("j#3",), "beat")


def test_keys_beyond_max_keys_are_refused() -> None:
    driver = Driver(absence(max_keys=1), absence(max_keys=2, rule_id="wider"))
    for key in ("b", "a", "c"):
        driver.hear(0, key=key)
    assert (driver.unit.counts.refused_keys, driver.unit.status().keys) == (1, 2)
    assert told(driver.passes(50)) == [("a", 10), ("b", 10)]


def test_members_carry_what_their_own_texts_name() -> None:
    driver = Driver(absence(carries=("x",)), absence(carries=("y",), rule_id="second"), absence(rule_id="third"))
    driver.hear(0, x=1, y=2, z=3)
    driver.hear(1, x=4, y=5, z=6)
    (due, key, start) = next(iter(driver.unit.deadlines()))
    driver.unit.drop(key, start, due)
    (due, key, start) = next(iter(driver.unit.deadlines()))
    told_payloads = [next(iter(driver.unit.due(member, key, start, due))).payload for member in driver.members]
    assert told_payloads == [b'{"x":4}', b'{"y":5}', b""]


def test_where_a_key_stands() -> None:
    driver = Driver(absence())
    driver.hear(1)
    newest, deadline = format_instant(at(1)), format_instant(at(11))
    assert driver.unit.describe("[]") == {"newest": newest, "deadline": deadline, "silent": False}
    driver.passes(20)
    assert driver.unit.describe("[]")["silent"] is True
    assert driver.unit.describe("other") == {}


def expected(events: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """(deadline, number of the event) of what fires, from (time, watermark after it) of all events: each silence that
    no event ended before the watermark passed its deadline. Timeout 3, forget 8."""
    fired: list[tuple[int, int]] = []
    newest, armed, number, mark = None, False, 0, -1000
    for place, (time, after) in enumerate([*events, (-1, 10**6)], 1):
        if time >= 0 and (newest is None or time > newest) and time + 3 >= mark:
            newest, armed, number = time, True, place
        mark = max(mark, after)
        if newest is not None and armed and newest + 3 < mark:
            fired.append((newest + 3, number))
            armed = False
        if newest is not None and newest + 8 < mark:
            newest = None
    return fired


EVENTS = st.lists(st.tuples(st.integers(-9, 2), st.integers(0, 5), st.booleans()), min_size=20, max_size=40)


def test_against_a_plain_loop() -> None:
    firings = 0

    @settings(max_examples=500, deadline=None, derandomize=True, database=None)
    @given(EVENTS)
    def compare(moves: list[tuple[int, int, bool]]) -> None:
        nonlocal firings
        driver, clock, events, heard = Driver(absence(3, 8)), 0, [], []
        for offset, gap, restart in moves:
            time = max(0, clock + offset)
            clock += gap
            events.append((time, clock))
            driver.hear(time)
            if restart:
                driver.restart()
            heard += driver.passes(clock)
        heard += driver.passes(1000)
        assert [((one.time - at(0)) // S, int(one.event_ids[0][2:])) for one in heard] == expected(events)
        firings += len(heard)

    compare()
    assert firings > 1000


def test_what_is_saved_tells_the_identity_of_the_newest_event() -> None:
    driver = Driver(absence())
    driver.hear(0, id="x")
    driver.hear(1, id="y")
    line = b'{"type":"A","id":"y","time":1767225601.0}'
    saved = msgspec.json.decode(save(driver.unit))["[]"]
    assert (saved["id"], saved["identity"]) == ("y", f"tests\0y\0{hashlib.blake2b(line, digest_size=16).hexdigest()}")
    driver.restart()
    assert driver.passes(20)[0].cause == f"{saved['identity']} {at(11)}"


def test_only_rules_with_episodes_are_asked_about_an_event() -> None:
    driver = Driver(absence(), absence(resolve=Resolve(), rule_id="resolves"))
    (event,) = program(*driver.rules).decode([line(0, type="A")], at(0), source="s", origin="j", first=1)
    event.view = program(*driver.rules).projection.of(event.fields)
    assert [member.rule.id for member in driver.unit.feed(event, at(0), "[]", driver.mark)] == ["resolves"]
    assert list(driver.unit.feed(event, at(0), "[]", driver.mark)) == [], "a tie moves nothing"
