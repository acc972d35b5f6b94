"""The engine against plain loops that keep every event: windows, holds and resolves, sequences, absences, new values.

The evaluations of a run of these tests are 200,000 and more.
"""

import pytest

from tests.support.generators import (
    ABSENCE,
    ANY_ORDER,
    NEW_VALUE,
    SEQUENCE,
    SESSION,
    SLIDING,
    STATELESS,
    TUMBLING,
)
from tests.support.versus import versus_model

pytestmark = pytest.mark.timeout(900)
"""Of a machine that is busy with other things: alone they take a few seconds each."""

FOLLOWED = {
    "stateless": (STATELESS, 500, 25_000),
    "tumbling": (TUMBLING, 500, 35_000),
    "sliding": (SLIDING, 500, 45_000),
    "session": (SESSION, 500, 25_000),
    "absence": (ABSENCE, 400, 20_000),
}
TOLD_ONCE = {
    "sequence": (SEQUENCE, 500, 25_000),
    "any order": (ANY_ORDER, 400, 20_000),
    "new value": (NEW_VALUE, 400, 20_000),
}


@pytest.mark.parametrize("kind", FOLLOWED)
def test_firings_and_resolves_are_those_of_a_plain_loop(kind: str) -> None:
    rules, examples, evaluations = FOLLOWED[kind]
    counts = versus_model(rules, examples, 120)
    assert counts["evaluations"] >= evaluations
    assert counts["fired"] >= 1_000
    assert counts["resolved"] >= 1_000


@pytest.mark.parametrize("kind", TOLD_ONCE)
def test_firings_are_those_of_a_plain_loop(kind: str) -> None:
    rules, examples, evaluations = TOLD_ONCE[kind]
    counts = versus_model(rules, examples, 120)
    assert counts["evaluations"] >= evaluations
    assert counts["fired"] >= 1_000
