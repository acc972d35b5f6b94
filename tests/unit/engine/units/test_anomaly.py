from random import Random
from typing import Any

import msgspec
import pytest

from cepd.engine.running import Running
from cepd.engine.state import Episode
from cepd.engine.unit import make_unit
from cepd.engine.units.anomaly import Unit
from cepd.model.rule import Resolve
from tests.support.anomalies import (
    KEY,
    METHODS,
    MINUTE,
    START,
    anomaly_rule,
    at_work,
    bound,
    evaluations,
    event_of,
    feed,
    rebind,
)
from tests.support.saving import save

HOUR, DAY = 60 * MINUTE, 1440 * MINUTE
CALM = [100.0, 101.0, 99.0, 100.5, 99.5] * 40
"""Enough for a default baseline."""
AFTER = START + 200 * 5 * MINUTE


def warm(**parameters: Any) -> tuple[Unit, Running]:
    """A unit that learned enough, and its one member."""
    member = at_work(anomaly_rule(**parameters))
    unit = bound(member)
    assert evaluations(unit, member, CALM) == []
    return unit, member


def fires(unit: Unit, member: Running, value: float, time: int) -> bool:
    feed(unit, value, time)
    return any(found.truth for found in unit.read(member))


def test_an_anomaly_is_a_true_evaluation_of_its_event() -> None:
    unit, member = warm()
    event = event_of(500, AFTER)
    unit.feed(event, AFTER, KEY, 0)
    (found,) = unit.read(member)
    assert (found.key, found.time, found.truth, found.cause) == (KEY, AFTER, True, event.identity)
    assert (found.event_ids, found.payload, found.event_type) == ((event.id,), event.line, "m")
    assert found.values == unit.verdict(member)
    assert found.values["value"] == 500
    assert found.values["baseline"] == {"status": "ready", "samples": 201, "since": "2026-01-01T00:00:00Z"}


def test_a_warm_up_is_no_evaluation_not_even_for_an_open_episode() -> None:
    member = at_work(anomaly_rule(resolve=Resolve()))
    member.state.episodes[KEY] = Episode(START, "c", START, "f")
    unit = bound(member)
    assert evaluations(unit, member, [*CALM[:199], 1e9]) == []
    assert unit.verdict(member)["baseline"]["status"] == "warming_up"
    assert [found.truth for found in evaluations(unit, member, [100.0])] == [False]


@pytest.mark.parametrize("value", [None, True, "7", [1], {"a": 1}, 10**400, -(10**101), 2e100])
def test_what_is_no_number_to_compute_with_is_counted_and_learned_by_nobody(value: object) -> None:
    unit, member = warm()
    before = save(unit)
    feed(unit, value, AFTER)
    assert unit.read(member) == ()
    assert unit.verdict(member) == {}
    assert unit.counts.unusable == 1
    assert save(unit) == before


@pytest.mark.parametrize("value", [1e100, -1e100, 10**100, 7, -0.0])
def test_what_a_float_can_square_is_learned(value: float) -> None:
    unit, _ = warm()
    feed(unit, value, AFTER)
    assert (unit.counts.unusable, unit.describe(KEY)["samples"]) == (0, 201)


def test_a_value_behind_the_watermark_is_learned_and_not_judged() -> None:
    unit, member = warm()
    feed(unit, 1e6, AFTER - 1, mark=AFTER)
    assert unit.read(member) == ()
    assert (unit.counts.late, unit.describe(KEY)["samples"]) == (1, 201)
    feed(unit, 1e6, AFTER, mark=AFTER)
    assert unit.read(member)


def test_members_read_one_baseline_each_with_its_own_lines() -> None:
    rules = {
        "soft": {"threshold": 3},
        "hard": {"threshold": 9},
        "down": {"direction": "down"},
        "long": {"min_baseline": 999},
    }
    members = [at_work(anomaly_rule(rule_id=name, **given)) for name, given in rules.items()]
    assert len({member.compiled.state for member in members}) == 1
    unit = bound(*members)
    for place, value in enumerate(CALM):
        feed(unit, value, START + place)
    feed(unit, 105.0, AFTER)
    assert [member.rule.id for member in members if unit.read(member)] == ["soft"]
    feed(unit, 60.0, AFTER + 3 * HOUR)
    assert [member.rule.id for member in members if unit.read(member)] == ["soft", "hard", "down"]


def test_keys_have_baselines_of_their_own() -> None:
    unit, member = warm()
    feed(unit, 1e6, AFTER, key='["b"]')
    assert unit.read(member) == ()
    assert unit.status().keys == 2
    assert unit.describe('["c"]') == {}


def test_an_anomaly_that_goes_on_is_one_firing_until_it_was_away_for_the_cooldown() -> None:
    unit, member = warm(method="extreme", cooldown=HOUR)
    value, fired = 1000.0, []
    for minute in (0, 59, 117, 176, 236, 237, 297):
        value *= 2
        if fires(unit, member, value, AFTER + minute * MINUTE):
            fired.append(minute)
    assert fired == [0, 236, 297]
    assert unit.counts.muted == 4


def test_an_anomaly_that_never_ends_is_told_once_a_day() -> None:
    unit, member = warm(method="extreme", cooldown=2 * HOUR)
    values = [1000.0 * 1.1**hour for hour in range(60)]
    fired = [hour for hour, value in enumerate(values) if fires(unit, member, value, AFTER + hour * HOUR)]
    assert fired == [0, 24, 48]


def test_without_a_cooldown_every_anomaly_fires() -> None:
    unit, member = warm(method="extreme", cooldown=0)
    assert all(fires(unit, member, 1000.0 * 2**place, AFTER - place) for place in range(5))


def test_it_takes_as_many_in_a_row_as_the_rule_says() -> None:
    unit, member = warm(consecutive=3, cooldown=0, threshold=1.2)
    times = iter(range(AFTER, AFTER + DAY, MINUTE))
    far = [102.0, 102.0, 100.0, 102.0, 102.0, 102.0, 102.0, 100.0, 102.0]
    assert [fires(unit, member, value, next(times)) for value in far] == [False] * 5 + [True] * 2 + [False] * 2


def test_within_an_episode_trues_and_falses_pass_the_cooldown() -> None:
    unit, member = warm(resolve=Resolve(), cooldown=DAY)
    assert fires(unit, member, 500.0, AFTER)
    member.state.episodes[KEY] = Episode(AFTER, "c", AFTER, "f")
    assert fires(unit, member, 900.0, AFTER + MINUTE)
    feed(unit, 100.0, AFTER + 2 * MINUTE)
    (found,) = unit.read(member)
    assert (found.truth, found.values["is_anomaly"], found.values["value"]) == (False, False, 100.0)
    del member.state.episodes[KEY]
    assert not fires(unit, member, 5000.0, AFTER + 3 * MINUTE)
    assert unit.counts.muted == 1
    feed(unit, 100.0, AFTER + 4 * MINUTE)
    assert unit.read(member) == ()


def test_a_hold_that_led_to_nothing_begins_no_cooldown() -> None:
    unit, member = warm(hold=10 * MINUTE, cooldown=DAY)
    assert fires(unit, member, 500.0, AFTER)
    member.state.episodes[KEY] = Episode(AFTER, "c", AFTER)
    assert fires(unit, member, 900.0, AFTER + 9 * MINUTE)
    del member.state.episodes[KEY]
    assert fires(unit, member, 2000.0, AFTER + 10 * MINUTE)


def test_a_cooldown_begins_when_the_hold_is_over() -> None:
    unit, member = warm(hold=10 * MINUTE, cooldown=DAY)
    assert fires(unit, member, 500.0, AFTER)
    member.state.episodes[KEY] = Episode(AFTER, "c", AFTER)
    assert fires(unit, member, 900.0, AFTER + 10 * MINUTE)
    del member.state.episodes[KEY]
    assert not fires(unit, member, 5000.0, AFTER + 12 * MINUTE)


def test_keys_are_forgotten_by_two_generations() -> None:
    members = [at_work(anomaly_rule(rule_id=name, max_keys=most)) for name, most in (("a", 2), ("b", 4))]
    unit = bound(*members)
    for key in "abcdae":
        feed(unit, 1.0, START, key=f'["{key}"]')
    assert (unit.counts.evicted, unit.status().keys) == (1, 4)
    assert unit.describe('["b"]') == {}
    assert unit.describe('["a"]')["samples"] == 2


def series(seed: int) -> list[float]:
    random = Random(seed)
    return [random.gauss(100, 5) + (80 if random.random() < 0.02 else 0) + (place // 300) * 30 for place in range(900)]


@pytest.mark.parametrize("method", METHODS)
def test_a_restart_in_the_middle_changes_nothing(method: str) -> None:
    values = series(4)
    line = {"iqr": {"multiplier": 1}, "auto": {"sensitivity": "high"}}.get(method, {"threshold": 1})
    row = 2 if method == "ema" else 1
    rule = anomaly_rule(method, group_by=("host",), min_baseline=60, cooldown=HOUR, consecutive=row, **line)
    whole, member = bound(at_work(rule)), at_work(rule)
    rebind(whole, member)
    restarted = bound(member)
    fired = 0
    for place, value in enumerate(values):
        time, key = START + place * HOUR, f"[{place % 2}]"
        for unit in (whole, restarted):
            feed(unit, value, time, key=key)
        assert whole.read(member) == restarted.read(member)
        assert whole.verdict(member) == restarted.verdict(member)
        fired += len(whole.read(member))
        if place % 37 == 0:
            saved = save(restarted)
            restarted = Unit(rule)
            restarted.load(saved)
            rebind(restarted, member)
            assert save(restarted) == saved == save(whole)
    assert whole.baseline_status(member) == restarted.baseline_status(member)
    assert fired


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"entries":{"young":{"[]":{}}}}'])
def test_what_save_did_not_give_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Unit(anomaly_rule()).load(data)


def test_a_rule_that_leaves_takes_its_marks_along_and_one_that_joins_is_ready_at_once() -> None:
    unit, member = warm(cooldown=DAY)
    assert fires(unit, member, 500.0, AFTER)
    other = at_work(anomaly_rule(rule_id="other", cooldown=DAY))
    rebind(unit, other)
    assert fires(unit, other, 900.0, AFTER + MINUTE)
    rebind(unit, other, member)
    assert fires(unit, member, 9000.0, AFTER + 2 * MINUTE)
    assert unit.read(other) == ()


def test_a_swap_that_keeps_a_rule_keeps_its_cooldown() -> None:
    unit, member = warm(cooldown=DAY)
    assert fires(unit, member, 500.0, AFTER)
    rebind(unit, at_work(msgspec.structs.replace(member.rule, name="anew")))
    assert not fires(unit, member, 900.0, AFTER + MINUTE)


def test_a_reset_key_warms_up_again() -> None:
    unit, member = warm()
    assert unit.reset(KEY)
    assert not unit.reset(KEY)
    assert not fires(unit, member, 1e6, AFTER)
    assert unit.describe(KEY)["samples"] == 1


def test_the_status_of_the_baselines() -> None:
    member = at_work(anomaly_rule(group_by=("host",)))
    unit = bound(member)
    for place, value in enumerate(CALM):
        feed(unit, value, START + place * 5 * MINUTE, key='["b"]')
    feed(unit, 7.0, AFTER, key='["a"]')
    feed(unit, 500.0, AFTER, key='["b"]')
    a, b = unit.baseline_status(member)
    assert (a["key"], a["status"], a["samples"], a["needed"], a["expected"]) == (
        {"host": "a"},
        "warming_up",
        1,
        200,
        None,
    )
    assert (b["key"], b["status"], b["samples"], b["firings_24h"], b["last_value"]) == (
        {"host": "b"},
        "ready",
        201,
        1,
        500.0,
    )
    assert b["expected"]["low"] < b["details"]["mean"] < b["expected"]["high"]
    assert sum(one["count"] for one in b["scores"]) == 199
    assert [one["from"] for one in b["scores"]] == [0.0, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0]
    assert b["scores"][-1] == {"from": 20.0, "to": None, "count": 1}
    assert len(unit.baseline_status(member, limit=1)) == 1
    feed(unit, 100.0, AFTER + DAY + HOUR, key='["a"]')
    assert unit.baseline_status(member)[1]["firings_24h"] == 0


def test_a_trace_sees_what_was_found_before_the_value_was_learned() -> None:
    unit, member = warm()
    feed(unit, 500.0, AFTER)
    told = unit.describe(KEY)
    (finding,) = told["findings"]
    assert finding["score"] == unit.verdict(member)["score"] > 100
    assert (finding["method"], finding["samples"], finding["direction"]) == ("zscore", 200, "up")
    assert told["rules"] == {"r": {"fired": "2026-01-01T16:40:00Z", "in_a_row": 1}}
    feed(unit, 1.0, AFTER, key='["b"]')
    assert unit.describe(KEY)["findings"][0]["samples"] == 201


def test_it_is_the_unit_of_anomaly_rules_and_has_nothing_pending() -> None:
    unit = make_unit(anomaly_rule())
    assert isinstance(unit, Unit)
    assert (list(unit.deadlines()), list(unit.open_ends())) == ([], [])
