"""What one value adds to the cost of an event, by anomaly method: a hundred series with a daily cycle, past warm-up."""

import math
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from cepd.engine.engine import Engine
from cepd.engine.program import compile_program
from cepd.engine.rows import Lines
from cepd.model.duration import MINUTE
from cepd.model.instant import Instant
from cepd.model.rule import AnomalyTrigger, Rule
from tests.bench.events import BEGIN, line_of
from tests.bench.feeding import feed, rows_of
from tests.bench.measuring import Load, Size, costs, decode_only
from tests.bench.table import Row, added
from tests.bench.targets import ANOMALY
from tests.support.rows import S, rule

KEYS = 100
STEP = 10 * MINUTE
STEPS_A_DAY = 144
WARM = 1_700
"""Values of each series that come before: the longest baseline there is holds 1,500."""
SHARING = 10
"""Rules that share a baseline and differ in their thresholds."""


def rows(size: Size) -> Iterator[Row]:
    warm = max(WARM * size.events // Size().events, 1) * KEYS
    lines = list(lines_of(warm + (size.rounds + 1) * size.few))
    parts = [(0, warm), *((start, start + size.few) for start in range(warm, len(lines), size.few))]
    clocked = [rows_of(lines[start:end], partial(clock_of, start=start)) for start, end in parts]
    watched = {method: [anomaly(method)] for method in ANOMALY}
    watched[f"zscore, {SHARING} rules"] = [
        anomaly("zscore", f"r{place}", threshold=4 + place / 10) for place in range(SHARING)
    ]
    for name, rules in watched.items():
        bound, without, cost = costs(
            decode_only(lines[warm : warm + size.few]),
            going_on([rule("r", "v > 1e9", group_by=("host",))], clocked, size.few),
            going_on(rules, clocked, size.few),
            rounds=size.rounds,
        )
        yield added(f"anomaly {name}", cost - without, bound, ANOMALY.get(name))


def anomaly(method: str, rule_id: str = "r", **parameters: Any) -> Rule:
    return rule(rule_id, trigger=AnomalyTrigger("v", method, parameters=parameters), group_by=("host",))


def going_on(rules: Sequence[Rule], parts: Sequence[Sequence[Lines]], count: int) -> Load:
    """One engine, after the first part. Each round takes the next one."""
    engine = Engine(compile_program(rules))
    nexts = iter(parts)
    feed(engine, next(nexts))

    def prepare() -> Callable[[], None]:
        part = next(nexts)
        return lambda: feed(engine, part)

    return Load(count, prepare)


def lines_of(events: int) -> Iterator[bytes]:
    dice = random.Random(1)
    for number in range(events):
        step, series = divmod(number, KEYS)
        yield line_of(
            {
                "id": f"{number:08x}",
                "type": "metric",
                "source": "collector",
                "host": f"host-{series:03d}",
                "service": "checkout",
                "region": "eu-west-1",
                "metric": "latency_ms",
                "ts": clock_of(number) // S,
                "v": round(100 + 20 * math.sin(math.tau * step / STEPS_A_DAY) + dice.gauss(0, 2), 3),
                "unit": "ms",
                "labels": {"pod": "checkout-7f9c", "zone": "b"},
            }
        )


def clock_of(number: int, start: int = 0) -> Instant:
    return BEGIN * S + (start + number) // KEYS * STEP
