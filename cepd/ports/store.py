"""Port of the store: alerts, what they owe, and what became of it."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from cepd.model.alert import Alert, AlertChange, Fold
from cepd.model.delivery import Attempt, Delivery, DeliveryState, Draft, Outcome
from cepd.model.execution import Execution, NewRun
from cepd.model.instant import Instant


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """What one or more applied rows owe the store: one transaction."""

    seq: int
    """The newest journal row whose firings are in here."""
    alerts: Sequence[Alert] = ()
    folds: Sequence[Fold] = ()
    drafts: Sequence[Draft] = ()
    runs: Sequence[NewRun] = ()
    """Those that were asked for; what they owe is not among `drafts`."""
    at: Instant = 0


class Held(msgspec.Struct, frozen=True):
    """What holds back a target: a pause that it asked for, a breaker that is open or on trial."""

    paused_until: Instant | None
    failures: int
    open_until: Instant | None


class AlertQuery(msgspec.Struct, frozen=True, kw_only=True):
    rule_id: str | None = None
    severity: str | None = None
    state: str | None = None
    acked: bool | None = None
    since: Instant | None = None
    until: Instant | None = None
    limit: int = 50
    cursor: str | None = None


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    alerts: list[Alert]
    channels: dict[str, dict[str, DeliveryState]]
    """Per alert: target to the state of its newest delivery."""
    next_cursor: str | None


class AlertDetail(msgspec.Struct, frozen=True, kw_only=True):
    alert: Alert
    history: list[AlertChange]
    deliveries: list[Delivery]
    attempts: list[Attempt]


class DeliveryQuery(msgspec.Struct, frozen=True, kw_only=True):
    state: DeliveryState | None = None
    target: str | None = None
    rule_id: str | None = None
    alert_id: str | None = None
    since: Instant | None = None
    until: Instant | None = None
    limit: int = 50
    cursor: str | None = None


class DeliveryPage(msgspec.Struct, frozen=True, kw_only=True):
    deliveries: list[Delivery]
    next_cursor: str | None


class DeliveryDetail(msgspec.Struct, frozen=True, kw_only=True):
    delivery: Delivery
    attempts: list[Attempt]


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """How a try ended, and what becomes of its delivery."""

    delivery_id: str
    attempt: int
    """The number that the claim gave; whoever comes with an older one settles nothing."""
    outcome: Outcome
    state: DeliveryState
    attempts: int
    next_at: Instant
    at: Instant
    pause_target_until: Instant | None = None
    """Holds back everything for its target, what is recorded later too; a pause is never cut short by another."""
    falls_back: bool = False
    """What stands in for it is owed from now on, if anything does and it is not already."""


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What else the end of a try brought about."""

    fallback: str | None = None
    """The target of what is now owed in its stead."""
    breaker: Literal["opened", "closed"] | None = None
    """What happened to the breaker of its target."""


class StoreCounts(msgspec.Struct, frozen=True, kw_only=True):
    unacked: Mapping[str, int]
    """Open, unacknowledged alerts by severity."""
    deliveries: Mapping[tuple[str, str], int]
    """By (target, state), of the states that are not final: pending, sending, and of dead and unknown."""
    oldest_pending: Instant | None
    held: Mapping[str, Held]
    """What holds back a target, of those that something holds back or has held back of late."""


class Store(Protocol):
    """Alerts, deliveries, attempts. Every call is one transaction; RetryLaterError where the database is away."""

    async def record(self, recording: Recording) -> None:
        """Insert-or-ignore by id: repeating it changes nothing. A fold only ever raises a count. A run that is to be
        alone is skipped, and owes nothing, where another run of its rule is under way."""

    async def recorded(self) -> int:
        """The newest journal row up to which all that fired was recorded; 0 where none was."""

    async def rewind(self, seq: int) -> None:
        """The journal ends with row `seq`: `recorded` is no more than that from here on."""

    async def alerts(self, query: AlertQuery) -> AlertPage:
        """Newest first. InputError for a cursor that is not one of ours."""

    async def alert(self, event_id: str) -> AlertDetail:
        """NotFoundError where there is none."""

    async def acknowledge(self, event_id: str, *, by: str, at: Instant, note: str | None, steal: bool) -> Alert:
        """Again by the same person changes nothing. NotFoundError; ConflictError where another holds it."""

    async def claim(self, now: Instant, per_target: int) -> list[Delivery]:
        """Due deliveries, now `sending`, the oldest of each order key, each with an attempt that is written down and
        whose number is its `tries`; an order key with one in flight waits. Of each target at most `per_target` are in
        flight at once, so that those that hang do not hold up the others; none where it is paused or its breaker is
        open, and as many as may be on trial where that is half-open.

        What others claimed and did not settle within their lease is taken over. What is past its deadline expires; a
        retry of what was resolved meanwhile is superseded; what is urgent falls back where the breaker is open."""

    async def settle(self, settlement: Settlement) -> Settled:
        """Ends the attempt and moves the delivery to `state`: `pending` with a later `next_at`, or a final one.
        NotFoundError; ConflictError where that attempt is not the one under way."""

    async def reclaim(self, at: Instant) -> int:
        """At start: what this instance had in flight when it died is pending again, or unknown where its terms say
        so; returns how many."""

    async def next_due(self, now: Instant) -> Instant | None:
        """When the next pending delivery becomes due, of those that are not yet and that only time holds back."""

    async def deliveries(self, query: DeliveryQuery) -> DeliveryPage:
        """Newest first. InputError for a cursor that is not one of ours."""

    async def delivery(self, delivery_id: str) -> DeliveryDetail:
        """NotFoundError where there is none."""

    async def redrive(self, delivery_id: str, *, by: str, at: Instant) -> Delivery:
        """Owed again, with all its tries before it and no deadline. NotFoundError; ConflictError where it was sent or
        is still owed."""

    async def drop(self, delivery_id: str, *, by: str, at: Instant) -> Delivery:
        """Not owed any more. NotFoundError; ConflictError where it is under way or over."""

    async def execution(self, exec_id: str) -> Execution | None:
        """The run that was asked for under this id, and how it ended; None where none was."""

    async def executions(self, rule_id: str, limit: int) -> list[Execution]:
        """Newest first: the runs that were asked for, and those of every firing that owed something."""

    async def keep_progress(self, delivery_id: str, attempt: int, progress: bytes) -> None:
        """What a delivery of several steps has done so far. ConflictError where that attempt is not under way."""

    async def counts(self) -> StoreCounts: ...

    async def close(self) -> None: ...
