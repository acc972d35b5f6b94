"""Port of the store: alerts, what they owe, and what became of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol, TypeAlias

import msgspec

from cepd.model.act import Act, Changed
from cepd.model.alert import Alert, AlertChange, Fold, Verdict
from cepd.model.delivery import Attempt, Delivery, DeliveryState, Draft, Outcome
from cepd.model.errors import InputError
from cepd.model.execution import Execution, NewRun
from cepd.model.happenings import NOBODY, Listening
from cepd.model.instant import Instant
from cepd.model.rule import Severity
from cepd.ports.retention import Table, Trim
from cepd.ports.stream import NoticePage
from cepd.ports.tally import PutAside, Tally


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
    severity: tuple[Severity, ...] | None = None
    """Any of them."""
    state: str | None = None
    acked: bool | None = None
    since: Instant | None = None
    until: Instant | None = None
    channel_state: DeliveryState | None = None
    """It has a delivery in that state."""
    verdict: Verdict | Literal["none"] | None = None
    """`none`: nobody has judged it."""
    q: str | None = None
    """Text in the summary, or in the key as JSON; A to Z in either case."""
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


Outcomes: TypeAlias = Mapping[str, Changed | InputError]
"""What became of an act for each alert: NotFoundError, HeldError, ConflictError, GoneError where it was refused."""


class Lapsed(msgspec.Struct, frozen=True, kw_only=True):
    event_ids: list[str]
    """Alerts that are open again."""
    next_at: Instant | None
    """When the next acknowledgement ends; not later than now where there were too many to end at once."""


class AckCounts(msgspec.Struct, frozen=True, kw_only=True):
    overdue: Mapping[str, int]
    """Open alerts by severity that have waited for an acknowledgement since before the time that was asked for."""
    judged: Mapping[tuple[str, Verdict], int]
    """By (rule, verdict)."""


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


class RedriveQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which deliveries are sent again: the oldest `most` of those in the state."""

    state: DeliveryState = "dead"
    """One of REVIVABLE; in no other state is there anything to find."""
    target: str | None = None
    rule_id: str | None = None
    most: int = 100
    force: bool = False
    """Those too that were overtaken."""


class Overtaken(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that is not sent again, as a later one, which tells what came next, went out or may have."""

    delivery: Delivery
    by: str


class Redriven(msgspec.Struct, frozen=True, kw_only=True):
    """What was, or in a dry run would be, sent again: each as it was before, oldest first."""

    deliveries: list[Delivery]
    overtaken: list[Overtaken]
    """The oldest of those that were left, at most as many as were asked for."""
    more: bool
    """There are others that could be sent again."""


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
    listening: Listening = NOBODY
    """What rules hear of happenings: of those that this end brings about, what is wanted is owed with it."""
    falls_back: bool = False
    """What stands in for it is owed from now on, if anything does and it is not already."""


BreakerChange: TypeAlias = Literal["opened", "closed"]


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What else the end of a try brought about."""

    fallback: str | None = None
    """The target of what is owed in its stead from now on, if it was not before."""
    breaker: BreakerChange | None = None
    """What happened to the breaker of its target."""


class StoreCounts(msgspec.Struct, frozen=True, kw_only=True):
    unacked: Mapping[str, int]
    """Open, unacknowledged alerts by severity."""
    deliveries: Mapping[tuple[str, str], int]
    """By (target, state), of the states that are not final: pending, sending, and of dead and unknown."""
    oldest_pending: Mapping[str, Instant]
    """When the oldest delivery that is owed became due, by target."""
    held: Mapping[str, Held]
    """What holds back a target, of those that something holds back or has ever held back."""


class Store(Protocol):
    """Alerts, deliveries, attempts. Every call is one transaction; RetryLaterError where the database is away."""

    tally: Tally

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

    async def change(self, event_id: str, act: Act, listening: Listening = NOBODY) -> Changed:
        """What an act makes of an alert, with its line of history and its row of the stream; again by the same person
        changes nothing, and neither does a second request under one key. Where rules hear of it, that is owed with it.
        NotFoundError; HeldError where another holds it and it is not stolen; GoneError, ConflictError where it is
        resolved: see `cepd.policies.acks`."""

    async def change_all(
        self, event_ids: Sequence[str], act: Act, *, dry_run: bool = False, listening: Listening = NOBODY
    ) -> Outcomes:
        """`change` of many different alerts in one transaction, each by itself, in the order given. A dry run says
        what would come of it."""

    async def change_matching(
        self, query: AlertQuery, act: Act, *, dry_run: bool = False, listening: Listening = NOBODY
    ) -> tuple[Outcomes, bool]:
        """`change_all` of the newest `limit` alerts that a query finds, and whether it finds more. No cursor."""

    async def lapse(self, now: Instant) -> Lapsed:
        """Ends the acknowledgements whose end has come, each at its end. They hold until this is called, or until
        somebody changes the alert."""

    async def claim(
        self,
        now: Instant,
        per_target: int,
        listening: Listening = NOBODY,
        put_aside: Callable[[PutAside], None] = lambda given_up: None,
    ) -> list[Delivery]:
        """Due deliveries, now `sending`, the oldest of each order key, each with an attempt that is written down and
        whose number is its `tries`; an order key with one in flight waits. Of each target at most `per_target` are in
        flight at once, so that those that hang do not hold up the others; none where it is paused or its breaker is
        open, and as many as may be on trial where that is half-open.

        What others claimed and did not settle within their lease is taken over. What is past its deadline expires; a
        retry of what was resolved meanwhile is superseded; what is urgent falls back where the breaker is open, and
        is given up unless its terms keep it trying. Where rules hear of what is given up, that is owed with it.
        `put_aside` hears of each that it gives up or lets fall back, once that is committed."""

    async def settle(self, settlement: Settlement) -> Settled:
        """Ends the attempt and moves the delivery to `state`: `pending` with a later `next_at`, or a final one.
        Where something stood in for the beginning of an alert, what stands in for its end is owed too.
        NotFoundError; ConflictError where that attempt is not the one under way."""

    async def reclaim(self, at: Instant, listening: Listening = NOBODY) -> int:
        """At start: what this instance had in flight when it died is pending again, or unknown where its terms say
        so; returns how many. Where rules hear of the latter, that is owed with it."""

    async def next_due(self, now: Instant) -> Instant | None:
        """When a claim next finds something to do without anybody doing anything before: later than `now`, and not
        after a delivery that only time holds back becomes due. None: never."""

    async def deliveries(self, query: DeliveryQuery) -> DeliveryPage:
        """Newest first. InputError for a cursor that is not one of ours."""

    async def delivery(self, delivery_id: str) -> DeliveryDetail:
        """NotFoundError where there is none."""

    async def redrive(self, delivery_id: str, *, by: str, at: Instant, force: bool = False) -> Delivery:
        """Owed again under the same id, with all its tries before it and no deadline, ahead of what its order key owes
        since. NotFoundError; ConflictError where it was sent or is still owed, or, without `force`, where it was
        overtaken: a later message of its order key went out or may have, and this one or a later one is a resolve."""

    async def redrive_all(self, query: RedriveQuery, *, by: str, at: Instant, dry_run: bool = False) -> Redriven:
        """The same for many, oldest first; those that were overtaken are left and told. A dry run changes nothing."""

    async def drop(self, delivery_id: str, *, by: str, at: Instant, note: str | None = None) -> Delivery:
        """Not owed any more. NotFoundError; ConflictError where it is under way or over."""

    async def stream_end(self) -> int:
        """The newest number of the stream, 0 before the first: nothing with that or a lower number is still to come,
        also of what others write to the same database."""

    async def stream_page(self, after: int, until: int, limit: int) -> NoticePage:
        """At most `limit` rows of the stream behind `after`, up to `until`, which is no more than `stream_end` gave."""

    async def rows(self, table: Table) -> int:
        """How many there are; of `stream`, as far as its numbers tell."""

    async def trim(self, asked: Trim) -> int:
        """Deletes at most `most` rows, the oldest of those that may go; how many. Fewer than `most`: there are no more.
        What is owed or under way stays, and an alert that is owed a delivery."""

    def watch(self, call: Callable[[], None]) -> None:
        """`call` is called on the loop after each transaction in which this store has written."""

    async def execution(self, exec_id: str) -> Execution | None:
        """The run that was asked for under this id, and how it ended; None where none was."""

    async def executions(self, rule_id: str, limit: int) -> list[Execution]:
        """Newest first: the runs that were asked for, and those of every firing that owed something."""

    async def keep_progress(self, delivery_id: str, attempt: int, progress: bytes) -> None:
        """What a delivery of several steps has done so far. ConflictError where that attempt is not under way."""

    async def counts(self) -> StoreCounts: ...

    async def ack_counts(self, before: Instant) -> AckCounts:
        """`before`: since when an alert must have waited to be overdue."""

    async def close(self) -> None: ...
