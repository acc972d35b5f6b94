"""Anomaly rules at work without an engine, and the measurements to try them on."""

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from cepd.engine.evaluation import Evaluation
from cepd.engine.program import compile_program
from cepd.engine.projection import Projection
from cepd.engine.running import Running
from cepd.engine.state import RuleState
from cepd.engine.stats import RuleStats
from cepd.engine.units.anomaly import Unit
from cepd.model.event import Event
from cepd.model.instant import read_instant
from cepd.model.rule import AnomalyTrigger, Rule

MINUTE = 60_000_000
START = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z."""
KEY = "[]"
METHODS = ("zscore", "iqr", "ema", "level_shift", "extreme", "seasonal", "volatility", "auto")
SHARED = Path(__file__).parents[3] / "shared"


def anomaly_rule(method: str = "zscore", rule_id: str = "r", **parameters: Any) -> Rule:
    """A rule that watches `v`; names of rules' own fields go to the rule, the others to its trigger."""
    own = {name: parameters.pop(name) for name in tuple(parameters) if name in Rule.__struct_fields__}
    return Rule(id=rule_id, name=rule_id, trigger=AnomalyTrigger("v", method, parameters=parameters), actions=(), **own)


def at_work(rule: Rule) -> Running:
    compiled = compile_program([rule]).compiled[rule.id]
    return Running(compiled, 0, RuleState(compiled.state, compiled.episode), RuleStats(), set())


def bound(*members: Running) -> Unit:
    unit = Unit(members[0].rule)
    rebind(unit, *members)
    return unit


def rebind(unit: Unit, *members: Running) -> None:
    unit.bind(members, lambda at, key, start: pytest.fail("an anomaly has no deadlines"))


def event_of(value: object, time: int) -> Event:
    fields = {"v": value}
    line = json.dumps(fields).encode()
    return Event(str(time), "m", "s", time, fields, line, "", 0, Projection(["v"]).of(fields))


def feed(unit: Unit, value: object, time: int, *, key: str = KEY, mark: int = 0) -> None:
    unit.feed(event_of(value, time), time, key, mark)


def evaluations(
    unit: Unit, member: Running, values: Iterable[object], *, start: int = START, step: int = 5 * MINUTE
) -> list[Evaluation]:
    """What a member reads of values that come one step of time apart."""
    found: list[Evaluation] = []
    for place, value in enumerate(values):
        feed(unit, value, start + place * step)
        found.extend(unit.read(member))
    return found


def measurements() -> dict[str, list[tuple[int, float]]]:
    """(time, value) of each series of the shared data; skips where it is not at hand."""
    path = SHARED / "data" / "metrics.ndjson.gz"
    if not path.is_file():
        pytest.skip(f"the shared measurements are not here: {path}")
    series: dict[str, list[tuple[int, float]]] = {}
    for line in gzip.decompress(path.read_bytes()).splitlines():
        event = json.loads(line)
        series.setdefault(event["series"], []).append((read_instant(event["time"]) or 0, event["value"]))
    return series


def labelled() -> dict[str, list[tuple[int, int]]]:
    """[first, last] of the times at which something was wrong, by series."""
    text = (SHARED / "data" / "metrics.labels.json").read_text(encoding="utf-8")
    return {name: [(_label(one), _label(two)) for one, two in pairs] for name, pairs in json.loads(text).items()}


def _label(text: str) -> int:
    return read_instant(f"{text}Z") or 0


def hits_and_misses(fired: Sequence[int], windows: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """(windows with a firing in them, firings in no window)."""
    hits = sum(any(low <= time <= high for time in fired) for low, high in windows)
    return hits, sum(not any(low <= time <= high for low, high in windows) for time in fired)
