"""A delivery: one action owed by an alert, its attempts, and how an attempt ended."""

import hashlib
from typing import Literal, TypeAlias

import msgspec

from cepd.model.alert import Alert
from cepd.model.duration import Span
from cepd.model.firing import Firing
from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.terms import Terms

DeliveryState: TypeAlias = Literal[
    "pending", "sending", "sent", "dead", "unknown", "superseded", "suppressed", "expired"
]
"""pending: owed. sending: a try is under way. sent: the receiver took it.

dead: given up. unknown: it may have arrived, and is not to be sent twice. superseded: its alert was resolved before
it could be told, and the resolve went instead. suppressed: a person dropped it. expired: it was not to be told so late.
"""

UNFINISHED: tuple[DeliveryState, ...] = ("pending", "sending")
REVIVABLE: tuple[DeliveryState, ...] = ("dead", "unknown", "expired")
"""What a person may send again."""

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
    terms: Terms
    due_at: Instant
    """When the first try may start."""
    urgent: bool = False
    """Falls back at once while the breaker of its target is open."""
    depth: int = 0
    """Links of the chain of rules that led to it."""
    fallback: "Draft | None" = None
    """What is owed instead once this one is given up; ready to be sent like this one."""

    @property
    def deadline(self) -> Instant | None:
        """No try starts after it."""
        return None if self.terms.keep_trying is None else self.due_at + self.terms.keep_trying


def draft_of(
    firing: Firing,
    alert: Alert,
    *,
    action: int,
    type: str,
    target: str,
    request: bytes,
    terms: Terms,
    fallback: Draft | None = None,
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
        terms=terms,
        due_at=alert.recorded_at,
        urgent=alert.severity == "critical" and fallback is not None,
        fallback=fallback,
    )


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A stored delivery."""

    id: str
    firing_id: str
    alert_id: str
    rule_id: str
    kind: str
    action: int
    type: str
    target: str
    order_key: str
    request: bytes
    terms: Terms
    state: DeliveryState
    attempts: int
    """Tries so far that count against the schedule."""
    tries: int = 0
    """All of them: the number of the newest attempt. Whoever claimed it settles it by this number, and nobody else."""
    due_at: Instant = 0
    next_at: Instant
    deadline: Instant | None = None
    fallback_of: str | None = None
    """The delivery that it stands in for."""
    fell_back: bool = False
    """Another one stands in for it, or tells the end of what one stood in for."""
    reason: str | None = None
    settled_at: Instant | None = None
    redriven_by: str | None = None
    redriven_at: Instant | None = None
    depth: int = 0
    """Links of the chain of rules that led to it."""
    progress: bytes | None = None
    """What an action of several steps has done so far, as it stored it for itself."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one attempt ended. `detail` is for people: redacted, short."""

    result: Result
    detail: str = ""
    status: int | None = None
    retry_after: Span | None = None
    references: dict[str, Json] = {}
    """What it gives to later steps of the same action; not stored with the attempt."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try of a delivery. Written before the send, so `ended_at` None means: it may have arrived."""

    delivery_id: str
    number: int
    started_at: Instant
    ended_at: Instant | None = None
    outcome: Outcome | None = None
