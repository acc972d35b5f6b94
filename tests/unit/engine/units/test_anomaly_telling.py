"""Whom a value is told: the short cut past members that it means nothing to, against judging every value for all."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.running import Running
from cepd.engine.state import Episode
from cepd.engine.units.anomaly import Unit
from cepd.model.rule import Resolve
from tests.support.anomalies import METHODS, START, anomaly_rule, at_work, bound, event_of, feed, rebind
from tests.support.saving import save

STEP = 1_800_000_000
"""Half an hour: a day is 48 values."""
TUNINGS: list[dict[str, Any]] = [
    {"line": 0.4},
    {"line": 1.0, "resolve": Resolve()},
    {"line": 0.7, "direction": "up", "consecutive": 2},
    {"line": 0.7, "direction": "down", "resolve": Resolve(), "consecutive": 2},
    {"line": 1.5, "min_change": 3.0, "hold": 3 * STEP},
    {"line": 0.5, "min_baseline": 260},
]
OWN_LINES = {
    "zscore": 1.5,
    "iqr": 0.5,
    "ema": 1.5,
    "level_shift": 1.0,
    "extreme": 0.005,
    "seasonal": 1.0,
    "volatility": 1.0,
}
SENSITIVITIES = ("high", "medium", "low", "high", "medium", "high")


def members_of(method: str, tunings: Sequence[dict[str, Any]]) -> list[Running]:
    made = []
    for place, given_tuning in enumerate(tunings):
        tuning = {"min_baseline": 60, "cooldown": 0, **given_tuning}
        line = tuning.pop("line")
        if method == "auto":
            tuning["sensitivity"] = SENSITIVITIES[place]
        else:
            tuning["multiplier" if method == "iqr" else "threshold"] = line * OWN_LINES[method]
        if method in ("auto", "seasonal"):
            tuning["season"] = 24 * STEP
        made.append(at_work(anomaly_rule(method, f"r{place}", group_by=("host",), **tuning)))
    return made


def series(random: Random, length: int) -> list[float]:
    kind, found = "calm", list[float]()
    for _ in range(length):
        if random.random() < 0.06:
            kind = random.choice(["calm", "calm", "calm", "wild", "high", "low", "still"])
        spread = {"calm": 2.0, "wild": 25.0, "still": 0.0}.get(kind, 1.0)
        found.append(random.gauss(100 + {"high": 40, "low": -40}.get(kind, 0), spread))
    return found


class Loop:
    """What each member has to be told, judging every value: runs of anomalies, and episodes as an engine has them."""

    def __init__(self, members: Sequence[Running]) -> None:
        self.members = members
        self.runs: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.counts: Counter[str] = Counter()

    def expected(self, unit: Unit, key: str) -> dict[str, bool]:
        told: dict[str, bool] = {}
        for member in self.members:
            rule, verdict = member.rule, unit.verdict(member)
            if verdict["baseline"]["status"] == "warming_up":
                continue
            needed = rule.trigger.parameters.get("consecutive", 1)
            if verdict["is_anomaly"]:
                self.runs[rule.id, key] += 1
                if self.runs[rule.id, key] >= needed:
                    told[rule.id] = True
                continue
            self.counts["reset"] += self.runs[rule.id, key] > 0
            self.runs[rule.id, key] = 0
            if key in member.state.episodes:
                told[rule.id] = False
        self.counts["true"] += sum(told.values())
        self.counts["false"] += len(told) - sum(told.values())
        self.counts["silent"] += not told
        return told

    def obey(self, told: dict[str, bool], key: str, time: int) -> None:
        """Opens and ends episodes."""
        for member in self.members:
            if member.rule.hold is None and member.rule.resolve is None:
                continue
            if told.get(member.rule.id) is True:
                member.state.episodes.setdefault(key, Episode(time, "c", time, "f"))
            elif told.get(member.rule.id) is False:
                del member.state.episodes[key]


@pytest.mark.parametrize("method", METHODS)
def test_every_member_is_told_what_judging_every_value_for_all_would_tell(method: str) -> None:
    counts: Counter[str] = Counter()

    @settings(max_examples=3, deadline=None, derandomize=True)
    @given(st.integers(0, 2**32), st.permutations(TUNINGS), st.integers(1, len(TUNINGS)))
    def compare(seed: int, tunings: list[dict[str, Any]], count: int) -> None:
        random = Random(seed)
        members = members_of(method, tunings[:count])
        unit, loop = bound(*members), Loop(members)
        streams = {key: series(random, 420) for key in ('["a"]', '["b"]')}
        for place in range(420):
            time = START + place * STEP
            for key, values in streams.items():
                asked = unit.feed(event_of(values[place], time), time, key, 0)
                wanted = loop.expected(unit, key)
                assert [one.rule.id for one in asked] == [one.rule.id for one in members if one.rule.id in wanted]
                assert {one.rule.id: [found.truth for found in unit.read(one)] for one in asked} == {
                    rule_id: [truth] for rule_id, truth in wanted.items()
                }
                assert all(unit.read(one) == () for one in members if one.rule.id not in wanted)
                loop.obey(wanted, key, time)
                in_a_row = {rule_id: told["in_a_row"] for rule_id, told in unit.describe(key)["rules"].items()}
                assert in_a_row == {rule_id: loop.runs[rule_id, key] for rule_id in in_a_row}
                assert in_a_row.keys() >= {rule for (rule, of), run in loop.runs.items() if of == key and run}
            if random.random() < 0.05:
                saved = save(unit)
                unit = Unit(members[0].rule)
                unit.load(saved)
                rebind(unit, *members)
        counts.update(loop.counts)

    compare()
    assert counts["silent"] > 200
    assert counts["true"] > 10
    assert counts["reset"] > 10
    assert counts["false"] > 0


def test_members_that_a_value_means_nothing_to_are_not_asked() -> None:
    members = members_of("zscore", [{"line": line} for line in (4.0, 1.0, 8.0)])
    unit = bound(*members)
    values = [100.0, 101.0, 99.0] * 70
    for place, value in enumerate(values):
        assert not unit.feed(event_of(value, START + place), START + place, "[null]", 0)
    time = START + len(values)
    assert [one.rule.id for one in unit.feed(event_of(102.0, time), time, "[null]", 0)] == ["r1"]
    assert [one.rule.id for one in unit.feed(event_of(107.0, time), time, "[null]", 0)] == ["r0", "r1"]
    assert unit.feed(event_of("?", time), time, "[null]", 0) == ()
    assert unit.feed(event_of(1000.0, time), time, "[null]", time + 1) == ()


def test_a_score_at_the_lowest_line_is_told_nobody_and_one_just_above_it_is() -> None:
    (member,) = members_of("extreme", [{"line": 1.0}])
    unit = bound(member)
    for place in range(200):
        feed(unit, 1000.0 * (place % 2), START + place, key="[null]")
    assert unit.feed(event_of(1005.0, START + 200), START + 200, "[null]", 0) == ()
    assert unit.verdict(member)["score"] == unit.verdict(member)["threshold"]
    assert unit.feed(event_of(1010.03, START + 201), START + 201, "[null]", 0) == [member]


def test_what_ends_an_episode_of_a_rule_that_joins_is_told() -> None:
    (first,) = members_of("zscore", [{"line": 2.0}])
    unit = bound(first)
    for place in range(200):
        feed(unit, 100.0 + place % 3, START + place, key="[null]")
    joins = at_work(anomaly_rule("zscore", "joins", group_by=("host",), resolve=Resolve()))
    joins.state.episodes["[null]"] = Episode(START, "c", START, "f")
    rebind(unit, first, joins)
    assert unit.feed(event_of(101.0, START + 200), START + 200, "[null]", 0) == [joins]
    assert [found.truth for found in unit.read(joins)] == [False]


def test_keys_that_were_forgotten_in_a_run_of_anomalies_are_not_looked_out_for() -> None:
    (member,) = members_of("extreme", [{"line": 1.0, "max_keys": 4, "min_baseline": 2}])
    unit = bound(member)
    for key in range(50):
        for value in (1.0, 2.0, 3.0, 90.0):
            feed(unit, value, START, key=f"[{key}]")
        assert unit.read(member)
    assert unit.status().keys <= 4
    assert len(unit._watched) <= 4
