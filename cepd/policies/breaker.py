"""The circuit breaker of a target: left alone after failures in a row, tried again by few, closed by a success.

Pure: the store holds one of these for each target, so that it outlives a restart and several daemons share it.
Closed: `open_until` is None. Open: the time has not come yet. Half-open: it has, and trials are under way.
"""

from typing import Literal, TypeAlias

import msgspec

from cepd.model.delivery import Outcome, Result
from cepd.model.instant import Instant
from cepd.model.terms import BreakerSpec

BreakerState: TypeAlias = Literal["closed", "open", "half_open"]

_FAILURES: frozenset[Result] = frozenset({"retryable", "unknown", "auth"})
"""What says that the target is not well. A 429 says that it is busy."""


class Breaker(msgspec.Struct, frozen=True):
    failures: int = 0
    """In a row."""
    open_until: Instant | None = None

    def state(self, now: Instant) -> BreakerState:
        if self.open_until is None:
            return "closed"
        return "open" if now < self.open_until else "half_open"


def after(breaker: Breaker, spec: BreakerSpec, outcome: Outcome, now: Instant) -> Breaker:
    """The breaker once a try has ended. A try that began before the breaker opened and fails late opens it no longer
    than it is; one that succeeds closes it. A target that refuses a message is well, the message is not; what never
    left the house says nothing of its target."""
    if outcome.result == "sent" or (outcome.result == "permanent" and outcome.status is not None):
        return Breaker()
    if outcome.result not in _FAILURES:
        return breaker
    failures = breaker.failures + 1
    if breaker.state(now) == "open":
        return Breaker(failures, breaker.open_until)
    if failures >= spec.failure_threshold or breaker.open_until is not None:
        return Breaker(failures, now + spec.timeout)
    return Breaker(failures)
