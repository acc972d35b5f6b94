"""The small Protocols between the daemon's moving parts and the adapters that touch the world.

No code of its own: a port says what it takes, what it gives, and which errors of `cepd.model.errors` it raises.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Protocol, TypeAlias

import msgspec

from cepd.model.alert import Alert, AlertChange, Fold
from cepd.model.channel import ChannelSpec
from cepd.model.delivery import Attempt, Delivery, DeliveryState, Draft, Outcome
from cepd.model.duration import Span
from cepd.model.firing import Firing
from cepd.model.frame import Frame
from cepd.model.generation import Definition
from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.message import Message
from cepd.model.secret import SecretRef


class Clock(Protocol):
    """Wall time at start plus monotonic time elapsed: it never goes back, restarts included."""

    def now(self) -> Instant: ...


class Journal(Protocol):
    """The log in front of the engine. One process writes it."""

    @property
    def id(self) -> str:
        """Part of the identity of events without an id: what was numbered under one id is never numbered again
        under it. Frames carry the one that held when they were written."""

    @property
    def last_clock(self) -> Instant:
        """Clock of the newest frame; 0 in an empty journal."""

    @property
    def next_seq(self) -> int: ...

    @property
    def next_event(self) -> int:
        """Running number that the next event gets."""

    @property
    def damage(self) -> str | None:
        """What was cut off at the end when it was opened, in words; None where nothing was."""

    @property
    def first_seq(self) -> int:
        """Row of its oldest frame; `next_seq` where it holds none."""

    @property
    def generations(self) -> frozenset[str]:
        """Digests that the swaps in it name."""

    def renew(self) -> None:
        """Takes a new id, on disk when it returns: what the log has lost shares no identity with what comes. Only
        before the first append. StartError where the disk refuses."""

    def skip_to(self, seq: int, event: int, clock: Instant) -> None:
        """Sets aside all that it holds, takes a new id, and goes on with these numbers. Only before the first append.
        StartError where the disk refuses."""

    def read(self, after: int = 0) -> Iterator[Frame]:
        """The frames behind a row, oldest first. Only before the first append."""

    def append(self, frame: Frame) -> Awaitable[None]:
        """Queue one frame, in call order; the awaitable ends when it is on disk. Raises RetryLaterError from the
        awaitable where the disk does not take it."""

    def synced(self) -> Awaitable[None]:
        """Ends when everything appended so far is on disk."""

    async def trim(self, below: int, older_than: Instant) -> int:
        """Lets go of frames before row `below` whose clock is before `older_than`, as far as whole files hold nothing
        else; returns how many files went. RetryLaterError where the disk refuses."""

    async def close(self) -> None: ...


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The engine between two rows, and what else a start needs that no longer reads the rows before."""

    seq: int
    """The last row that is in it."""
    clock: Instant
    """Of that row."""
    next_event: int
    """Running number of the first event behind it."""
    digest: str
    """Of the generation that ran; empty before the first one."""
    engine: bytes
    horizon: Sequence[tuple[str, tuple[str, str]]]
    """(identity, (source, id)) of the known events, oldest first."""


class Snapshots(Protocol):
    """Snapshots on disk. Blocking: call it in a thread where a loop waits."""

    def rows(self) -> list[int]:
        """Of each one the row at which it was taken, newest first."""

    def read(self, seq: int) -> Snapshot:
        """StartError where it is damaged, of another format, or gone."""

    def write(self, snapshot: Snapshot) -> int:
        """Whole on disk when it returns; its bytes. RetryLaterError where the disk refuses."""

    def keep(self, number: int) -> list[int]:
        """Removes all but the newest `number`; the rows of those, newest first. RetryLaterError where the disk
        refuses."""

    def set_aside(self, seq: int) -> None:
        """Keeps one that cannot be used under another name, where it is in nobody's way."""


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """What one or more applied rows owe the store: one transaction."""

    seq: int
    """The newest journal row whose firings are in here."""
    alerts: Sequence[Alert] = ()
    folds: Sequence[Fold] = ()
    drafts: Sequence[Draft] = ()
    at: Instant = 0


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


class StoreCounts(msgspec.Struct, frozen=True, kw_only=True):
    unacked: Mapping[str, int]
    """Open, unacknowledged alerts by severity."""
    deliveries: Mapping[tuple[str, str], int]
    """By (target, state), of the states that are not final: pending, sending, and of dead and unknown."""
    oldest_pending: Instant | None


class Store(Protocol):
    """Alerts, deliveries, attempts. Every call is one transaction; RetryLaterError where the database is away."""

    async def record(self, recording: Recording) -> None:
        """Insert-or-ignore by id: repeating it changes nothing. A fold only ever raises a count."""

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
        """Due deliveries, now `sending`, the oldest of each order key; an order key with one in flight waits. Of each
        target at most `per_target` are in flight at once, so that those that hang do not hold up the others; of a
        paused one none is claimed."""

    async def begin_attempt(self, delivery_id: str, at: Instant) -> int:
        """Writes the attempt row, before the send; returns its number, from 1."""

    async def settle(
        self,
        delivery_id: str,
        *,
        attempt: int,
        outcome: Outcome,
        state: DeliveryState,
        attempts: int,
        next_at: Instant,
        at: Instant,
        pause_target_until: Instant | None = None,
    ) -> None:
        """Ends the attempt and moves the delivery to `state`: `pending` with a later `next_at`, or a final one.
        `pause_target_until` holds back everything for its target, what is recorded later too; a pause is never cut
        short by another."""

    async def reclaim(self, at: Instant) -> int:
        """At start: deliveries that died in flight become pending; returns how many."""

    async def next_due(self, now: Instant) -> Instant | None:
        """When the next pending delivery becomes due, of those that are not yet and that only time holds back."""

    async def counts(self) -> StoreCounts: ...

    async def close(self) -> None: ...


class Secrets(Protocol):
    def read(self, reference: SecretRef) -> str:
        """The value now; RefusedError (never with the value) where it cannot be read."""

    def redact(self, text: str) -> str:
        """The text with every secret that was ever read replaced by `***`."""


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """The first 64 KiB."""
    whole: bool = True
    """False where the body went on: past 64 KiB, past the deadline, or until the connection broke."""


class HttpError(Exception):
    """No answer. `sent`: the request may have arrived, so its outcome is unknown."""

    def __init__(self, detail: str, *, sent: bool) -> None:
        super().__init__(detail)
        self.detail = detail
        self.sent = sent


class HttpClient(Protocol):
    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        content: bytes | None,
        deadline: Span,
        allow: Sequence[str] = (),
        allow_private: bool = False,
    ) -> HttpResponse:
        """One call within `deadline` as a whole, without redirects. `allow` lists host, host:port or CIDR that may be
        private; else RefusedError for private, loopback, link-local and metadata addresses, decided on the address
        that is connected to. HttpError where no answer came."""


class Channel(Protocol):
    def render(self, message: Message) -> bytes:
        """The exact bytes that will be stored and sent. Pure."""

    async def send(self, delivery_id: str, body: bytes) -> Outcome:
        """One try. Never raises for what a receiver does."""


class Directory(msgspec.Struct, frozen=True, kw_only=True):
    """The channels of one generation."""

    specs: Mapping[str, ChannelSpec]
    connected: Mapping[str, Channel]
    """Those whose type cepd can send to."""


class Tools(msgspec.Struct, frozen=True, kw_only=True):
    """What actions and channels of one generation may use to reach the world."""

    http: HttpClient
    secrets: Secrets
    clock: Clock
    egress: Sequence[str]


Plan: TypeAlias = Callable[[Firing, Alert, Mapping[str, Json]], list[Draft]]
"""(firing, alert, template names) to what the action owes. Pure: no clock, no secret, no I/O."""


class ActionModule(Protocol):
    """A module of `cepd.actions`; its name is the type's name."""

    def prepare(self, definition: Definition, index: int, directory: Directory) -> Plan:
        """Compiles the action number `index` of a rule."""

    async def perform(self, delivery: Delivery, tools: Tools, directory: Directory) -> Outcome:
        """One try. Never raises for what a receiver does."""


class ChannelModule(Protocol):
    """A module of `cepd.channels`; its name is the type's name."""

    def connect(self, spec: ChannelSpec, tools: Tools) -> Channel: ...
