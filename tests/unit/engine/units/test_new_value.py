"""New values by hand, and against a plain loop over all events."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.evaluation import Evaluation
from cepd.engine.unit import UnitStatus
from cepd.model.duration import DAY, HOUR
from cepd.model.instant import format_instant
from cepd.model.rule import NewValueTrigger, Rule
from tests.support.rows import S, line, program, rule
from tests.support.unit_driver import Driver, at

MICRO = 0.000001


def new_value(ttl: float = 100, learn: float | None = 0, rule_id: str = "r", field: str = "v", **parts: object) -> Rule:
    learned = None if learn is None else round(learn * S)
    return rule(rule_id, trigger=NewValueTrigger(field, round(ttl * S), learned), **parts)


def news(driver: Driver, *values: object, key: str = "[]") -> list[object]:
    """The values that fire, of events a second apart from START on."""
    return [one.values["new_value"] for n, value in enumerate(values) for one in driver.hear(n, key=key, v=value)]


def test_a_new_value_of_a_known_key_fires() -> None:
    driver = Driver(new_value(field="user.country"))
    assert driver.hear(0, user={"country": "DE"}) == []
    assert driver.hear(1, user={"country": "DE"}) == []
    (found,) = driver.hear(2, "login", user={"country": "FR"}, source="sso")
    assert found == Evaluation(
        key="[]",
        time=at(2),
        truth=True,
        cause="#j#3",
        values={"new_value": "FR"},
        event_ids=("j#3",),
        payload=b'{"type":"login","user":{"country":"FR"},"source":"sso","time":1767225602.0}',
        event_type="login",
        event_source="sso",
    )
    assert driver.hear(3, user={"country": "FR"}) == []


def test_the_first_value_of_each_key_is_silent() -> None:
    driver = Driver(new_value())
    assert news(driver, 1, 2, key="a") == [2]
    assert news(driver, 2, 1, key="b") == [1]
    assert news(driver, "b", key="a]") == [], "keys and values do not run together"


def test_values_are_told_apart_as_keys_are() -> None:
    assert news(Driver(new_value()), 1, 1.0, True, "1", 1.5, "true", False) == [True, "1", 1.5, "true", False]
    long = "x" * 300
    ((digest,),) = [news(Driver(new_value()), "a", long, long)]
    assert str(digest).startswith("sha256:")


@pytest.mark.parametrize("value", [None, {}, [1]])
def test_what_is_no_value_is_counted_and_changes_nothing(value: object) -> None:
    driver = Driver(new_value())
    assert news(driver, value, 1, value) == []
    driver.hear(5)
    assert driver.unit.counts.unusable == 3
    assert driver.unit.status().keys == 1


def test_a_value_not_seen_for_longer_than_ttl_is_new_again() -> None:
    driver = Driver(new_value(ttl=100))
    driver.hear(0, v="a")
    driver.hear(0, v="b")
    assert driver.hear(100, v="a") == []
    assert len(driver.hear(100 + MICRO, v="b")) == 1
    assert driver.hear(200, v="a") == [], "it was seen at 100"
    assert len(driver.hear(300 + MICRO, v="a")) == 1, "and though the key was silent it is known"


def test_an_event_older_than_one_with_its_value_is_not_new() -> None:
    driver = Driver(new_value(ttl=10))
    driver.hear(100, v="a")
    assert len(driver.hear(100, v="b")) == 1
    assert driver.hear(50, v="b") == []
    assert driver.hear(110, v="b") == [], "the newest time of a value is the one that counts"


def test_while_learning_values_are_only_recorded() -> None:
    driver = Driver(new_value(learn=10))
    driver.hear(0, v="a")
    assert driver.hear(10 - MICRO, v="b") == []
    assert driver.hear(10, v="b") == []
    assert len(driver.hear(10, v="c")) == 1
    assert driver.hear(9, v="d") == [], "a time within it is within it whenever it comes"


@pytest.mark.parametrize(("ttl", "learn"), [(30 * DAY, DAY), (HOUR, HOUR)])
def test_learning_takes_the_ttl_and_at_most_a_day(ttl: int, learn: int) -> None:
    driver = Driver(new_value(ttl=ttl / S, learn=None))
    driver.hear(0, v="a")
    assert driver.hear(learn / S - MICRO, v="b") == []
    assert len(driver.hear(learn / S, v="c")) == 1


def test_members_read_with_a_ttl_and_learning_of_their_own() -> None:
    driver = Driver(new_value(ttl=10), new_value(ttl=100, rule_id="longer"), new_value(learn=60, rule_id="learning"))
    driver.hear(0, v="a")
    driver.hear(0, v="b")
    driver.hear(50, v="a")
    assert [len(driver.unit.read(member)) for member in driver.members] == [1, 0, 0]
    driver.hear(50, v="c")
    assert [len(driver.unit.read(member)) for member in driver.members] == [1, 1, 0]


def test_memory_rotates_two_generations() -> None:
    driver = Driver(new_value(max_keys=2), new_value(max_keys=6, rule_id="wider"))
    assert news(driver, "a", "b") == ["b"], "three entries: the key and two values"
    assert news(driver, "c") == ["c"], "key and c are in the young generation, a and b in the old one"
    assert driver.unit.counts.evicted == 0
    assert news(driver, "b") == [], "found in the old one, it moves"
    assert news(driver, "d") == ["d"], "the young one was full: a is forgotten"
    assert driver.unit.counts.evicted == 1
    assert news(driver, "b", "c", "a") == ["a"]


def test_a_single_entry_a_generation_still_works() -> None:
    driver = Driver(new_value(max_keys=1))
    assert news(driver, "a", "a", "b", "b", "a") == ["b", "a"]


def test_where_a_key_stands() -> None:
    driver = Driver(new_value())
    news(driver, "a", "b", key='["x"]')
    news(driver, "a", key='["x","y"]')
    assert driver.unit.status() == UnitStatus(keys=2)
    since, last = format_instant(at(0)), format_instant(at(1))
    assert driver.unit.describe('["x"]') == {"values": 2, "last": last, "learning_since": since}
    assert driver.unit.describe('["z"]') == {}


EVENTS = st.lists(
    st.tuples(st.integers(-5, 9), st.sampled_from("kl"), st.sampled_from([1, 1.0, True, "1", 2]), st.booleans()),
    min_size=20,
    max_size=40,
)


def test_against_a_plain_loop() -> None:
    """New: no earlier event of the key had the value within the ttl of 6, some event of it had one, and the time is
    not within 3 of the first event's."""
    firings = 0

    @settings(max_examples=500, deadline=None, derandomize=True, database=None)
    @given(EVENTS)
    def compare(moves: list[tuple[int, str, object, bool]]) -> None:
        nonlocal firings
        driver, time, history = Driver(new_value(ttl=6, learn=3)), 0, []
        for step, key, value, restart in moves:
            time = max(0, time + step)
            kind = (isinstance(value, bool), isinstance(value, str), value)
            known = any(then[1] == key for then in history)
            seen = any(then[1:] == (key, kind) and time - then[0] <= 6 for then in history)
            learning = not history or time < history[0][0] + 3
            history.append((time, key, kind))
            found = driver.hear(time, key=key, v=value)
            assert bool(found) == (known and not seen and not learning)
            firings += len(found)
            if restart:
                driver.restart()

    compare()
    assert firings > 1000


def test_rules_are_asked_only_about_a_value_that_is_new_to_one_of_them() -> None:
    driver = Driver(new_value(ttl=100), new_value(ttl=10, rule_id="shorter"), new_value(learn=60, rule_id="learns"))
    compiled = program(*driver.rules)
    asked = []
    for number, (time, value) in enumerate([(0, "a"), (1, "b"), (2, "b"), (30, "b"), (31, None)]):
        (event,) = compiled.decode([line(time, v=value)], at(time), source="s", origin="j", first=number)
        event.view = compiled.projection.of(event.fields)
        asked.append(len(driver.unit.feed(event, event.time, "[]", driver.mark)))
    assert asked == [0, 3, 0, 3, 0]
