"""Rules that share what is remembered, and rules that change while it is: against each alone, and plain loops."""

import pytest

from tests.support.generators import ABSENCE, ANOMALY, SEQUENCE, SESSION, SLIDING, STATELESS, TUMBLING, sharing
from tests.support.versus import versus_alone, versus_swapped

pytestmark = pytest.mark.timeout(900)
"""Of a machine that is busy with other things: alone they take a few seconds each."""

KINDS = {"tumbling": TUMBLING, "sliding": SLIDING, "session": SESSION, "absence": ABSENCE}


@pytest.mark.parametrize("kind", [*KINDS, "sequence", "anomaly"])
def test_rules_that_share_their_state_say_what_each_says_alone(kind: str) -> None:
    assert versus_alone(sharing((KINDS | {"sequence": SEQUENCE, "anomaly": ANOMALY})[kind]), 150) >= 300


@pytest.mark.parametrize("kind", [*KINDS, "stateless"])
def test_another_episode_ends_what_is_open_and_keeps_what_was_added_up(kind: str) -> None:
    counts = versus_swapped((KINDS | {"stateless": STATELESS})[kind], 300)
    assert counts["fired"] >= 200
    assert counts["rule_changed"] >= 30
