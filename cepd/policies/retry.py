"""What an attempt's end means and what comes next: one table for everything that is delivered over HTTP.

Pure decisions. The clock's reading and the jitter come in as numbers, so that a test needs neither time nor chance.
"""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

import msgspec

from cepd.model.delivery import Delivery, DeliveryState, Outcome, Result
from cepd.model.duration import HOUR, SECOND, Span
from cepd.model.instant import Instant

_BY_STATUS: dict[int, Result] = {
    401: "auth",
    403: "auth",
    408: "retryable",
    425: "retryable",
    429: "rate_limited",
}

_SHORTEST, _LONGEST = SECOND, HOUR
"""What a receiver may ask us to wait."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Where a delivery goes after an attempt."""

    state: DeliveryState
    attempts: int
    """Tries so far that count against the schedule."""
    next_at: Instant
    falls_back: bool = False
    """The schedule is used up, or it is given up: what stands in for it, if anything does, is owed from now on."""


def result_of(status: int) -> Result:
    """How an attempt ended that was answered with this HTTP status."""
    if 200 <= status < 300:
        return "sent"
    if status >= 500:
        return "retryable"
    return _BY_STATUS.get(status, "permanent")


def retry_after(headers: Mapping[str, str], now: Instant) -> Span | None:
    """How long `Retry-After` (header names in lower case) asks to wait: seconds or an HTTP date (RFC 9110, 10.2.3).
    None where it is missing or unreadable."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        return min(int(text[:10]) * SECOND, _LONGEST)
    try:
        date = parsedate_to_datetime(text)
        return max(round(date.replace(tzinfo=date.tzinfo or UTC).timestamp()) * SECOND - now, 0)
    except (ValueError, OverflowError):
        return None


def next_step(delivery: Delivery, outcome: Outcome, now: Instant, jitter: float) -> Step:
    """What becomes of a delivery. `jitter` multiplies the waits of the schedule, from 0.9 to 1.1.

    A wait that the receiver asks for wins, within 1 s to 1 h. Being rate limited uses up no try. What may have arrived
    is left to a person where the terms say so.
    """
    tried, terms = delivery.attempts + 1, delivery.terms
    match outcome.result:
        case "sent":
            return Step(state="sent", attempts=tried, next_at=now)
        case "auth" | "permanent":
            return Step(state="dead", attempts=tried, next_at=now, falls_back=True)
        case "rate_limited":
            return Step(state="pending", attempts=delivery.attempts, next_at=now + _wait(delivery, outcome, jitter))
        case "unknown" if terms.on_unknown == "hold":
            return Step(state="unknown", attempts=tried, next_at=now)
        case "retryable" | "unknown":
            exhausted = delivery.attempts >= len(terms.delays)
            if exhausted and delivery.deadline is None:
                return Step(state="dead", attempts=tried, next_at=now, falls_back=True)
            next_at = now + _wait(delivery, outcome, jitter)
            return Step(state="pending", attempts=tried, next_at=next_at, falls_back=exhausted)


def _wait(delivery: Delivery, outcome: Outcome, jitter: float) -> Span:
    if outcome.retry_after is not None:
        return min(max(outcome.retry_after, _SHORTEST), _LONGEST)
    delays = delivery.terms.delays or (_SHORTEST,)
    return round(delays[min(delivery.attempts, len(delays) - 1)] * jitter)
