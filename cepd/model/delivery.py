"""A delivery: one action owed by an alert, its attempts, and how an attempt ended."""

import hashlib
from typing import Literal, TypeAlias

import msgspec

from cepd.model.alert import Alert
from cepd.model.duration import Span
from cepd.model.firing import Firing
from cepd.model.instant import Instant

DeliveryState: TypeAlias = Literal["pending", "sending", "sent", "dead", "unknown", "suppressed", "expired"]

Result: TypeAlias = Literal["sent", "retryable", "rate_limited", "auth", "permanent", "unknown"]
"""How an attempt ended, by cause.

sent: the receiver took it. retryable: timeout, connection error, 408, 425, 5xx. rate_limited: 429. auth: 401, 403.
permanent: any other refusal. unknown: it was sent in full and no answer came.
"""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery before it is stored: rendered once, by pure code, from a firing."""

    id: str
    """A function of the firing, the action's place in the rule and the target."""
    firing_id: str
    alert_id: str
    rule_id: str
    kind: str
    """The firing's kind."""
    action: int
    """Which action of the rule, from 0."""
    type: str
    """The action's type, and the module that performs it."""
    target: str
    """Channel name, or method and host of an endpoint: what attempts are counted and shown by."""
    order_key: str
    """Deliveries of one order key go out one after the other, oldest first."""
    request: bytes
    """What to send, as the action stored it for itself. Holds references to secrets, never a secret."""
    delays: tuple[Span, ...]
    """Waits between tries, before jitter; one more try than waits."""
    due_at: Instant
    """When the first try may start."""


def draft_of(
    firing: Firing, alert: Alert, *, action: int, type: str, target: str, request: bytes, delays: tuple[Span, ...]
) -> Draft:
    """The draft that action number `action` owes for a firing. Its id holds no `.`, which Standard Webhooks forbid."""
    cause = msgspec.json.encode([firing.id, action, target])
    key = msgspec.json.encode(list(firing.key.values())).decode()
    return Draft(
        id=hashlib.blake2b(cause, digest_size=16).hexdigest(),
        firing_id=firing.id,
        alert_id=alert.event_id,
        rule_id=firing.rule_id,
        kind=firing.kind,
        action=action,
        type=type,
        target=target,
        order_key=f"{type}:{target}:{firing.rule_id}:{key}",
        request=request,
        delays=delays,
        due_at=alert.recorded_at,
    )


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A stored delivery."""

    id: str
    alert_id: str
    rule_id: str
    kind: str
    action: int
    type: str
    target: str
    order_key: str
    request: bytes
    delays: tuple[Span, ...]
    state: DeliveryState
    attempts: int
    """Tries so far that count against the schedule."""
    next_at: Instant
    reason: str | None = None
    settled_at: Instant | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one attempt ended. `detail` is for people: redacted, short."""

    result: Result
    detail: str = ""
    status: int | None = None
    retry_after: Span | None = None


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try of a delivery. Written before the send, so `ended_at` None means: it may have arrived."""

    delivery_id: str
    number: int
    started_at: Instant
    ended_at: Instant | None = None
    outcome: Outcome | None = None
