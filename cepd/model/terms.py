"""How something is tried: the waits between tries, the time for one, and when its target is left alone."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from cepd.model.duration import SECOND, Span, parse_duration


class BreakerSpec(msgspec.Struct, frozen=True):
    """When a target that keeps failing is left alone: after so many failures in a row, for so long, and then for so
    many trials at a time until one of them succeeds."""

    failure_threshold: int = 3
    timeout: Span = 30 * SECOND
    half_open_max_requests: int = 1


class Terms(msgspec.Struct, frozen=True):
    """How a delivery is tried."""

    delays: tuple[Span, ...] = (1 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND)
    """Waits between tries, before jitter; one more try than waits."""
    timeout: Span = 10 * SECOND
    """Of one try."""
    keep_trying: Span | None = None
    """Once the waits are used up it goes on with the last of them until so long after it was due."""
    on_unknown: Literal["resend", "hold"] = "resend"
    """After a try of which nobody knows whether it arrived: send again under the same id, or leave it to a person."""
    breaker: BreakerSpec = BreakerSpec()

    @property
    def patience(self) -> Span:
        """How long after the claim its try may last. It has to begin early enough for all of its own time."""
        return 2 * self.timeout + 4 * SECOND

    @property
    def lease(self) -> Span:
        """For how long a claim holds; whoever has not settled by then is taken for dead."""
        return self.patience + SECOND


def terms_of(document: Mapping[str, Any], terms: Terms = Terms()) -> Terms:  # noqa: B008 - it never changes
    """What a channel, or an action, says of `timeout`, `retry`, `on_unknown` and `circuit_breaker`, as it is written;
    for what it does not say, `terms`."""
    retry = document.get("retry", {})
    named: dict[str, Any] = {}
    if "timeout" in document:
        named["timeout"] = parse_duration(document["timeout"])
    if "on_unknown" in document:
        named["on_unknown"] = document["on_unknown"]
    if "delays" in retry:
        named["delays"] = tuple(parse_duration(text) for text in retry["delays"])
    if "keep_trying_until" in retry:
        until = retry["keep_trying_until"]
        named["keep_trying"] = None if until is None else parse_duration(until)
    if "circuit_breaker" in document:
        named["breaker"] = _breaker(document["circuit_breaker"], terms.breaker)
    return msgspec.structs.replace(terms, **named)


def _breaker(document: Mapping[str, Any], spec: BreakerSpec) -> BreakerSpec:
    named: dict[str, Any] = {name: document[name] for name in _COUNTS if name in document}
    if "timeout_seconds" in document:
        named["timeout"] = round(document["timeout_seconds"] * SECOND)
    return msgspec.structs.replace(spec, **named)


_COUNTS = ("failure_threshold", "half_open_max_requests")
