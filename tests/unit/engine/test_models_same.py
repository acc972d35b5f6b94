"""What must change nothing: how events are cut into batches, ticks, restarts, swaps, replays, other rules beside."""

import pytest

from cepd.engine.engine import Engine
from cepd.model.rule import Resolve
from tests.support.generators import (
    ABSENCE,
    ANOMALY,
    ANY_ORDER,
    METHODS,
    NEW_VALUE,
    SEQUENCE,
    SESSION,
    SLIDING,
    STATELESS,
    TUMBLING,
    anomalies,
)
from tests.support.rows import START, S, batch, line, program, rule, run, stream
from tests.support.versus import versus_itself, versus_together

pytestmark = pytest.mark.timeout(900)
"""Of a machine that is busy with other things: alone they take a few seconds each."""

KINDS = {
    "stateless": STATELESS,
    "tumbling": TUMBLING,
    "sliding": SLIDING,
    "session": SESSION,
    "sequence": SEQUENCE,
    "any order": ANY_ORDER,
    "absence": ABSENCE,
    "new_value": NEW_VALUE,
    "anomaly": ANOMALY,
}


@pytest.mark.parametrize("kind", KINDS)
def test_batches_ticks_restarts_swaps_and_replays_change_nothing(kind: str) -> None:
    counts = versus_itself(KINDS[kind], 150, 100)
    assert counts["matched"] >= 4_500
    assert counts["fired"] >= 250


@pytest.mark.parametrize("kind", KINDS)
def test_events_of_one_body_or_recording_are_as_if_each_came_alone(kind: str) -> None:
    counts = versus_together(KINDS[kind], 100, 100)
    assert counts["matched"] >= 3_500
    assert counts["fired"] >= 150


@pytest.mark.parametrize("method", METHODS)
def test_they_change_nothing_with_any_method_of_anomalies(method: str) -> None:
    counts = versus_itself(anomalies(method), 20, 100, 10)
    assert counts["matched"] >= 10_000
    assert counts["fired"] >= 10


def test_an_episode_that_is_over_when_it_opens_ends_before_the_next_event_in_one_batch_or_two() -> None:
    """The watermark stands at 995 s: 5 s after 960 s are long over, so the event of 999 s opens another episode."""
    the_rule = rule(when="n > 0", resolve=Resolve(5 * S))
    compiled = program(the_rule)
    late, timely = line(960, n=1), line(999, n=1)
    one = [batch(compiled, 1000, line(1000, n=0), late, timely)]
    three = stream(compiled, (1000, line(1000, n=0)), (1000, late), (1000, timely))
    for given_rows in (one, three):
        told = [(found.kind, (found.time - START) // S) for found in run(Engine(compiled), given_rows)]
        assert told == [("fired", 960), ("resolved", 965), ("fired", 999)]
