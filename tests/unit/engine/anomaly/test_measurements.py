"""Every method on measurements of which it is known when something was wrong."""

import importlib.util
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from cepd.engine.evaluation import Evaluation
from tests.support.anomalies import (
    METHODS,
    SHARED,
    anomaly_rule,
    at_work,
    bound,
    event_of,
    hits_and_misses,
    labelled,
    measurements,
)

HOUR = 3_600_000_000
FEWEST = 200


@cache
def series() -> Mapping[str, Sequence[tuple[int, float]]]:
    return measurements()


def found_by(method: str, name: str, **parameters: Any) -> list[Evaluation]:
    """What a rule with these parameters finds in one series; nothing is found in the warm-up."""
    member = at_work(anomaly_rule(method, **parameters))
    unit = bound(member)
    found: list[Evaluation] = []
    for place, (time, value) in enumerate(series()[name]):
        unit.feed(event_of(value, time), time, "[]", 0)
        evaluations = unit.read(member)
        assert not evaluations or place >= FEWEST
        found.extend(evaluations)
    return found


def prototype() -> tuple[int, int]:
    """(windows hit, firings in no window) of the sketch."""
    path = SHARED / "prototypes" / "anomaly" / "auto.py"
    if not path.is_file():
        pytest.skip(f"the prototype is not here: {path}")
    spec = importlib.util.spec_from_file_location("prototype_of_auto", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    hits = misses = 0
    for name, values in series().items():
        sketch = module.Auto()
        moments = [(time, datetime.fromtimestamp(time / 1e6, UTC), value) for time, value in values]
        fired = [time for time, moment, value in moments if sketch.update(moment, value)[0]]
        hit, missed = hits_and_misses(fired, labelled()[name])
        hits, misses = hits + hit, misses + missed
    return hits, misses


@pytest.mark.parametrize("parameters", [{}, {"cooldown": 10 * HOUR}], ids=["default", "ten hours"])
def test_auto_hits_as_many_windows_as_the_prototype_with_no_more_firings_outside(parameters: dict[str, Any]) -> None:
    hits = misses = 0
    for name in series():
        fired = [found.time for found in found_by("auto", name, **parameters)]
        hit, missed = hits_and_misses(fired, labelled()[name])
        hits, misses = hits + hit, misses + missed
    wanted, allowed = prototype()
    assert wanted > 0
    assert hits >= wanted
    assert misses <= allowed


@pytest.mark.parametrize("method", METHODS)
def test_nothing_is_found_in_a_series_that_stands_still(method: str) -> None:
    assert found_by(method, "art_flatline") == []


@pytest.mark.parametrize("method", METHODS)
def test_what_is_found_has_a_range_and_a_sentence(method: str) -> None:
    found = found_by(method, "Twitter_volume_AAPL", **({"threshold": 5} if method == "seasonal" else {}))
    assert found
    for one in found:
        told = one.values
        assert told["is_anomaly"]
        assert told["score"] > told["threshold"]
        assert told["expected"]["low"] <= told["expected"]["center"] <= told["expected"]["high"]
        assert f"; expected {told['expected']['low']:.6g} to {told['expected']['high']:.6g}" in told["text"]
        assert told["details"]["direction"] in ("up", "down")
        assert told["baseline"]["samples"] >= FEWEST
