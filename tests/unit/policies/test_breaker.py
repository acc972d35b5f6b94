"""The circuit breaker under a clock that the test moves: what opens, holds, tries and closes it."""

import pytest

from cepd.model.delivery import Outcome
from cepd.model.duration import SECOND
from cepd.model.terms import BreakerSpec
from cepd.policies.breaker import Breaker, after
from tests.support.outbox import BUSY, DOWN, FORBIDDEN, LOST, NOT_MADE, REFUSED, SENT

SPEC = BreakerSpec(failure_threshold=3, timeout=30 * SECOND, half_open_max_requests=1)
NOW = 1_000 * SECOND
OPEN = Breaker(3, NOW + 30 * SECOND)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([], Breaker(), id="closed to begin with"),
        pytest.param([(0, DOWN)] * 2, Breaker(2), id="two failures do not open it"),
        pytest.param([(0, DOWN)] * 3, OPEN, id="three in a row do"),
        pytest.param([(0, LOST), (0, FORBIDDEN), (0, DOWN)], OPEN, id="silence and 401 or 403 are failures"),
        pytest.param([(0, DOWN), (0, DOWN), (0, SENT), (0, DOWN), (0, DOWN)], Breaker(2), id="a success begins anew"),
        pytest.param([(0, DOWN), (0, DOWN), (0, REFUSED), (0, DOWN)], Breaker(1), id="who refuses a message is well"),
        pytest.param([(0, DOWN), (0, DOWN), (0, BUSY), (0, DOWN)], OPEN, id="429 is neither failure nor success"),
        pytest.param([(0, BUSY)] * 9, Breaker(), id="429 never opens it"),
        pytest.param([(0, DOWN), (0, DOWN), (0, NOT_MADE), (0, DOWN)], OPEN, id="what was not made says nothing"),
        pytest.param(
            [(0, DOWN)] * 3 + [(29, DOWN)], Breaker(4, NOW + 30 * SECOND), id="a late failure prolongs nothing"
        ),
        pytest.param([(0, DOWN)] * 3 + [(29, SENT)], Breaker(), id="a late success closes it"),
        pytest.param(
            [(0, DOWN)] * 3 + [(30, DOWN)], Breaker(4, NOW + 60 * SECOND), id="a trial that fails opens it again"
        ),
        pytest.param([(0, DOWN)] * 3 + [(30, LOST)], Breaker(4, NOW + 60 * SECOND), id="one without answer too"),
        pytest.param([(0, DOWN)] * 3 + [(30, SENT)], Breaker(), id="a trial that succeeds closes it"),
        pytest.param([(0, DOWN)] * 3 + [(30, REFUSED)], Breaker(), id="one that is refused too"),
        pytest.param([(0, DOWN)] * 3 + [(30, BUSY)], OPEN, id="a trial that comes to a busy target is made again"),
        pytest.param([(0, DOWN)] * 3 + [(30, NOT_MADE)], OPEN, id="and one that was not made"),
        pytest.param([(0, DOWN)] * 3 + [(30, SENT), (31, DOWN)], Breaker(1), id="then it takes three again"),
    ],
)
def test_the_breaker(steps: list[tuple[int, Outcome]], expected: Breaker) -> None:
    breaker = Breaker()
    for seconds, outcome in steps:
        breaker = after(breaker, SPEC, outcome, NOW + seconds * SECOND)
    assert breaker == expected


@pytest.mark.parametrize(
    ("breaker", "seconds", "state"),
    [
        (Breaker(), 0, "closed"),
        (Breaker(2), 0, "closed"),
        (OPEN, 0, "open"),
        (OPEN, 29.999999, "open"),
        (OPEN, 30, "half_open"),
        (OPEN, 10_000, "half_open"),
    ],
)
def test_its_state(breaker: Breaker, seconds: float, state: str) -> None:
    assert breaker.state(NOW + round(seconds * SECOND)) == state


def test_its_spec_is_its_target_s() -> None:
    spec = BreakerSpec(failure_threshold=1, timeout=5 * SECOND)
    assert after(Breaker(), spec, DOWN, NOW) == Breaker(1, NOW + 5 * SECOND)
