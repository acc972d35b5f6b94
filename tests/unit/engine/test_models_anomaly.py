"""The engine's anomalies against plain loops over all values so far, method by method: several rules over one baseline
for each of several keys that come mixed, with late values and such as nobody can compute with."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cepd.engine.engine import Engine
from cepd.engine.rows import Batch, Resume, Row
from cepd.model.duration import HOUR
from cepd.model.firing import Firing
from cepd.model.rule import AnomalyTrigger, Resolve, Rule
from tests.support.generators import encoded
from tests.support.models.anomaly import expected, heard
from tests.support.models.said import Said, said, same
from tests.support.rows import START, S, program, rule, run
from tests.support.versus import CHANGES, fixed, told

pytestmark = pytest.mark.timeout(900)
"""Of a machine that is busy with other things: alone they take a few seconds each."""

SHAPE: dict[str, dict[str, Any]] = {
    "zscore": {"window": 40},
    "iqr": {"window": 41},
    "ema": {"alpha": 0.2},
    "seasonal": {"season": 24 * S},
    "auto": {"season": 24 * S},
}
LINES = {
    "zscore": ({"threshold": 0.7303}, {"threshold": 1.9007}),
    "iqr": ({"multiplier": 0.1303}, {"multiplier": 0.9107}),
    "ema": ({"threshold": 0.7303}, {"threshold": 1.9007}),
    "level_shift": ({"threshold": 0.1303}, {"threshold": 0.4107}),
    "extreme": ({"threshold": 0.00013}, {"threshold": 0.00711}),
    "seasonal": ({"threshold": 0.3303}, {"threshold": 1.2107}),
    "volatility": ({"threshold": 0.2303}, {"threshold": 0.8107}),
    "auto": ({"sensitivity": "high"}, {"sensitivity": "medium"}),
}
"""A low line and a higher one, neither of which a measurement of values on a grid meets."""
TUNINGS: list[tuple[int, Resolve | None, dict[str, Any]]] = [
    (0, None, {"min_baseline": 30, "cooldown": 0}),
    (1, None, {"min_baseline": 150, "cooldown": 0}),
    (0, None, {"min_baseline": 30, "cooldown": 20 * S, "direction": "up"}),
    (0, None, {"min_baseline": 30, "cooldown": 0, "direction": "down", "min_change": 1.3017}),
    (0, None, {"min_baseline": 30, "cooldown": 8 * S, "consecutive": 2}),
    (0, None, {"min_baseline": 30, "cooldown": 9 * HOUR}),
    (0, Resolve(), {"min_baseline": 30, "cooldown": 40 * S}),
    (1, Resolve(), {"min_baseline": 60, "cooldown": 0, "consecutive": 3, "direction": "up"}),
]
"""(which line, resolve, the others)."""
KEYS = ["a", "b", "c", 1]
STREAMS = {
    "zscore": (1200, 1, 1),
    "iqr": (1200, 1, 1),
    "ema": (700, 2, 2),
    "level_shift": (1000, 1, 1),
    "extreme": (1200, 3, 2),
    "seasonal": (1200, 1, 1),
    "volatility": (1500, 1, 1),
    "auto": (1400, 1, 1),
}
"""(events, streams that a loop goes through, streams that are disturbed)."""


def rules(method: str, time: str) -> list[Rule]:
    return [
        rule(
            f"r{place}",
            trigger=AnomalyTrigger("v", method, ("A",), None, SHAPE.get(method, {}) | LINES[method][line] | others),
            group_by=("host",),
            resolve=resolve,
            time=time,
            max_alerts=10**9,
        )
        for place, (line, resolve, others) in enumerate(TUNINGS)
    ]


class Series:
    """Values on a grid of eighths: little noise or much, a value that stands still, new levels, new highs and lows."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._kind = "calm"
        self._level = self.last = self._low = self._high = float(random.choice([0, 100, -40]))

    def next(self) -> float:
        random = self._random
        if random.random() < 0.05:
            self._kind = random.choice(["calm", "calm", "wild", "still", "climb", "dive"])
            self._level += random.choice([0, 0, 6, -6])
        match self._kind:
            case "calm":
                value = random.gauss(self._level, 2)
            case "wild":
                value = random.gauss(self._level, 15)
            case "still":
                value = self.last
            case "climb":
                value = self._high + random.expovariate(1)
            case _:
                value = self._low - random.expovariate(1)
        self.last = round(8 * value) / 8
        self._low, self._high = min(self.last, self._low), max(self.last, self._high)
        return self.last


def rows(rules: list[Rule], seed: int, length: int) -> list[Row]:
    """Clocks and times lie on a grid of 4 s. Now and then hours pass, some of them while nobody was there."""
    random = Random(seed)
    compiled = program(*rules)
    series = {key: Series(random) for key in KEYS}
    clock = START
    made: list[Row] = []
    for number in range(1, length + 1):
        clock += random.choice([0, 0, 4, 4, 8]) * S
        if random.random() < 0.01:
            clock += random.choice([40, 4 * 3600, 4 * 3600]) * S
            made += [Resume(clock)] if random.random() < 0.5 else []
        key = random.choice(KEYS)
        offset = random.choice([-40, -12, -8, 8]) if random.random() < 0.08 else random.choice([0, 0, 0, -4])
        fields: dict[str, Any] = {"type": "A", "host": key, "v": series[key].next(), "time": clock // S + offset}
        odd = random.random()
        if odd < 0.02:
            fields["v"] = random.choice([None, True, "7", [1], 10**400, 2e100])
        elif odd < 0.03:
            fields |= random.choice([{"type": "B"}, {"host": {}}, {"host": "once"}])
        elif fields["v"].is_integer():
            fields["v"] = int(fields["v"])
        events = compiled.decode([encoded(fields)], clock, source="tests", origin="j", first=number)
        made.append(Batch(clock, "http", events))
    return made


def judged(firings: list[Firing]) -> list[Said]:
    """What firings say, and of their verdicts what the loop says too."""
    return [
        one._replace(values={name: one.values[name] for name in ("reason", "score", "threshold", "value")})
        if one.kind == "fired"
        else one
        for one in said(firings)
    ]


@pytest.mark.parametrize("method", LINES)
def test_firings_and_resolves_are_those_of_a_loop_over_all_values(method: str) -> None:
    counts: Counter[str] = Counter()
    length, examples, _ = STREAMS[method]

    @settings(fixed(examples), phases=[Phase.generate])
    @given(st.integers(0, 2**32))
    def compare(seed: int) -> None:
        for time in ("event", "arrival"):
            tuned = rules(method, time)
            given_rows = rows(tuned, seed, length)
            compiled = program(*tuned)
            assert len(compiled.units) == 1
            engine = Engine(compiled)
            fired = run(engine, given_rows)
            values = heard(tuned[0], given_rows)
            found = Counter(late=sum(one.found is None for one in values))
            for one in tuned:
                mine = [firing for firing in fired if firing.rule_id == one.id]
                wanted, counted = expected(one, values)
                found += counted
                assert sum(firing.kind == "continued" for firing in mine) == counted["continued"]
                assert same(judged(mine), wanted), told(one, given_rows, judged(mine), wanted)
            counted = engine.standing("r0").unit_counts
            assert (counted.late, counted.muted) == (found["late"], found["muted"])
            assert counted.unusable == engine.stats.rules["r0"].matched - len(values) > 0
            counts.update(found)

    compare()
    assert counts["evaluations"] >= 5_000
    assert counts["fired"] >= 1_000
    assert counts["muted"] >= 800
    assert counts["continued"] >= 300
    assert counts["cleared"] >= 5
    assert counts["late"] >= 20
    assert not counts["near"], "last digits decide: other lines, or another grid"


def disturbances(random: Random, length: int) -> bytes:
    """Luck by which one row in ten brings a restart or a swap, and batches of one clock are mostly joined."""
    return bytes(random.choices([0, 60, 254, 255], [10, 80, 5, 5], k=length))


@pytest.mark.parametrize("method", LINES)
def test_batches_ticks_restarts_and_swaps_change_nothing(method: str) -> None:
    count = 0
    length, _, examples = STREAMS[method]

    @settings(fixed(examples), phases=[Phase.generate])
    @given(st.integers(0, 2**32))
    def compare(seed: int) -> None:
        nonlocal count
        tuned = rules(method, "event")
        given_rows = rows(tuned, seed, length)
        fired = run(Engine(program(*tuned)), given_rows)
        random = Random(seed)
        for one in tuned:
            mine = [firing for firing in fired if firing.rule_id == one.id]
            count += len(mine)
            for change in CHANGES:
                changed = change(one, given_rows, disturbances(random, len(given_rows)))
                assert changed == mine, f"{change.__name__}\n{told(one, given_rows, said(changed), said(mine))}"

    compare()
    assert count >= 1_000
