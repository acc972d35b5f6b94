"""Anomaly rules as plain loops: over all values that a key ever had, and over all that was said of it before."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile
from math import exp, inf
from typing import Any, NamedTuple

from cepd.engine.fingerprint import state_fingerprint
from cepd.engine.ids import firing_id
from cepd.engine.keys import compile_key, key_values
from cepd.engine.rows import Row
from cepd.model.duration import DAY, SECOND, Span
from cepd.model.event import Event
from cepd.model.instant import Instant
from cepd.model.rule import AnomalyTrigger, Rule
from tests.support.models.marks import moments
from tests.support.models.said import Said
from tests.support.naive_baselines import NAIVE, Values, season_residuals

PARTS = ("level_shift", "extreme", "seasonal", "volatility")
"""Of `auto`."""
LINES = {"low": (3, 0.01, 20, 4), "medium": (2, 0.005, 20, 3), "high": (2, 0.002, 15, 2.5)}
"""Of `auto`, by sensitivity, in the order of its parts."""
NEAR = 1e-6
"""So near to a line, as a share of it, the last digits decide."""


class Measured(NamedTuple):
    method: str
    score: float
    """Below the band negative."""
    change: float
    """How far outside the band, on the scale of the values."""
    samples: int


class Heard(NamedTuple):
    event: Event
    time: Instant
    key: str
    found: Sequence[Measured] | None
    """None of a value behind the watermark: it is learned and not judged."""


class Judged(NamedTuple):
    time: Instant
    anomaly: bool
    said: str
    """fired, continued, muted or cleared; else nothing: no anomaly, or too few in a row."""


def heard(rule: Rule, rows: Sequence[Row], lateness: Span = 5 * SECOND) -> list[Heard]:
    """Every value that the rule can compute with, and what it is found to be against all those before it. The same for
    all rules of one State."""
    found: list[Heard] = []
    past: dict[str, list[tuple[int, float]]] = defaultdict(list)
    read_key, trigger, arrival = compile_key(rule.group_by), _trigger(rule), rule.time == "arrival"
    for moment in moments(rows, lateness):
        event = moment.event
        if event is None or (trigger.event_type is not None and event.type not in trigger.event_type):
            continue
        key, value = read_key(event.fields), event.fields.get(trigger.value)
        if key is None or type(value) not in (int, float) or abs(value) > 1e100:
            continue
        time, mark = (moment.clock, moment.clock) if arrival else (event.time, moment.mark)
        before = past[key]
        found.append(Heard(event, time, key, None if time < mark else _measurements(trigger, before, time, value)))
        before.append((time, float(value)))
    return found


def expected(rule: Rule, values: Sequence[Heard]) -> tuple[list[Said], Counter[str]]:
    """What a rule says of the values, and how often what came of them; `near` counts those that last digits decide."""
    said: list[Said] = []
    counts: Counter[str] = Counter()
    state, given = state_fingerprint(rule), _trigger(rule).parameters
    past: dict[str, list[Judged]] = defaultdict(list)
    firsts: dict[str, str] = {}
    for one in values:
        verdict = None if one.found is None else _verdict(given, one.found, counts)
        if verdict is None:
            continue
        counts["evaluations"] += 1
        anomaly = bool(verdict.pop("is_anomaly"))
        what = _what(rule, past[one.key], one.time, anomaly)
        past[one.key].append(Judged(one.time, anomaly, what))
        counts[what] += 1
        values_of_key = key_values(rule.group_by, one.key)
        if what == "fired":
            name = firsts[one.key] = firing_id(rule.id, state, one.key, "fired", one.event.identity)
            verdict["value"] = one.event.fields[_trigger(rule).value]
            ids, line = (one.event.id,), one.event.line
            said.append(Said("fired", values_of_key, one.time, name, None, None, verdict, 1, ids, line))
        elif what == "cleared":
            name = firing_id(rule.id, state, one.key, "resolved", firsts[one.key])
            said.append(Said("resolved", values_of_key, one.time, name, "cleared"))
    return said, counts


def _what(rule: Rule, past: Sequence[Judged], time: Instant, anomaly: bool) -> str:
    given = _trigger(rule).parameters
    told = [one for one in past if one.said in ("fired", "continued", "cleared")]
    is_open = rule.resolve is not None and bool(told) and told[-1].said != "cleared"
    if not anomaly:
        return "cleared" if is_open else "nothing"
    in_a_row = 1 + sum(1 for _ in takewhile(lambda one: one.anomaly, reversed(past)))
    if in_a_row < given.get("consecutive", 1):
        return "nothing"
    if is_open:
        return "continued"
    fired = [one.time for one in past if one.said == "fired"]
    if fired and given["cooldown"]:
        seen = max(one.time for one in past if one.said in ("fired", "continued", "muted"))
        if time < seen + given["cooldown"] and time < fired[-1] + max(given["cooldown"], DAY):
            return "muted"
    return "fired"


def _verdict(given: Mapping[str, Any], found: Sequence[Measured], counts: Counter[str]) -> dict[str, Any] | None:
    """The measurement that says most; None where none has enough behind it."""
    told: list[tuple[bool, float, dict[str, Any]]] = []
    for one in found:
        if one.samples < given["min_baseline"]:
            continue
        line, least = _line(given, one.method), given.get("min_change", 0)
        score = {"both": abs(one.score), "up": max(one.score, 0.0), "down": max(-one.score, 0.0)}[
            given.get("direction", "both")
        ]
        counts["near"] += abs(score - line) <= NEAR * line or 0 < abs(one.change - least) <= NEAR * least
        anomaly = score > line and one.change >= least
        told.append(
            (anomaly, score / line, {"is_anomaly": anomaly, "reason": one.method, "score": score, "threshold": line})
        )
    return max(told, key=lambda item: item[:2])[2] if told else None


def _line(given: Mapping[str, Any], method: str) -> float:
    if "sensitivity" in given:
        return dict(zip(PARTS, LINES[given["sensitivity"]], strict=True))[method]
    return given["multiplier" if method == "iqr" else "threshold"]


def _measurements(trigger: AnomalyTrigger, past: Values, time: Instant, value: float) -> list[Measured]:
    shape = {name: trigger.parameters[name] for name in ("window", "alpha", "season") if name in trigger.parameters}
    found: list[Measured] = []
    for method in PARTS if trigger.method == "auto" else (trigger.method,):
        own = shape if method == trigger.method or method == "seasonal" else {}
        one = _measured(method, past, time, value, own)
        found += [] if one is None else [one]
    return found


def _measured(method: str, past: Values, time: Instant, value: float, shape: Mapping[str, Any]) -> Measured | None:
    found = NAIVE[method](past, time, value, **shape)
    if found is None:
        return None
    measured, low, high, spread = found
    distance = measured - high if measured > high else min(measured - low, 0.0)
    unit = max(spread, _floor(method, past, low, high, shape))
    score = distance / unit if unit else distance * inf if distance else 0.0
    shown = (lambda log_variance: exp(log_variance / 2)) if method == "volatility" else float
    change = max(shown(measured) - shown(high), shown(low) - shown(measured))
    return Measured(method, score, change, SAMPLES.get(method, len)(past, **shape))


def _floor(method: str, past: Values, low: float, high: float, shape: Mapping[str, Any]) -> float:
    """The least that a spread counts as."""
    if method == "volatility":
        return 0.05
    smallest = 1e-6 * max(abs(low), abs(high))
    if method == "iqr":
        last = [one for _, one in past][-shape["window"] :]
        return max(1e-6 * abs(high), 0.01 * (max(last) - min(last)))
    return smallest


SAMPLES: Mapping[str, Callable[..., int]] = {
    "zscore": lambda past, window: len(past),
    "iqr": lambda past, window: len(past),
    "ema": lambda past, alpha: len(past),
    "level_shift": lambda past: len(past) - 11,
    "seasonal": lambda past, season: len(season_residuals(past, season)) - 7,
    "volatility": lambda past: len(past) - 59,
}
"""How many measurements a method has behind it, of so many values."""


def _trigger(rule: Rule) -> AnomalyTrigger:
    assert isinstance(rule.trigger, AnomalyTrigger)
    return rule.trigger
