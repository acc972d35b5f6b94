"""An alert: the stored record of firings that a person acknowledges. The documents' word for it is event."""

from typing import Literal, TypeAlias

import msgspec

from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.rule import Severity

AlertState: TypeAlias = Literal["open", "acked", "resolved"]

Verdict: TypeAlias = Literal["true_positive", "false_positive"]
"""What a person found an alert to be."""

Through: TypeAlias = Literal["api", "cli", "slack", "pagerduty", "cepd"]
"""Through what a change came; `cepd`: by itself, when its time had come."""

ChangeKind: TypeAlias = Literal["ack", "steal", "extend", "unack", "lapse", "resolve", "note", "verdict"]
"""ack: of an alert that nobody held. steal: from another. extend: the holder gave it another end. lapse: it ended."""

NoticeKind: TypeAlias = Literal["fired", "updated", "acked", "unacked", "resolved", "noted", "judged", "delivery"]
"""What can happen to an alert that those who watch hear of."""


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `/cep/events`. `event_id` is the id of the firing that opened it."""

    event_id: str
    kind: Literal["fired", "storm"]
    rule_id: str
    rule_name: str
    pack: str
    severity: Severity
    resolved: bool = False
    summary: str
    key: dict[str, Json]
    values: dict[str, Json]
    payload: Json
    """The last event, decoded; its text where it could not be decoded; None where no event is the cause."""
    source_event_ids: tuple[str, ...]
    time: Instant
    last_at: Instant
    count: int
    window: tuple[Instant, Instant | None] | None = None
    trace: Json = None
    """Why it fired, as plain JSON: see `cepd.engine.why`."""
    generation: str = ""
    """Digest of the definitions that fired it."""
    revision: str = ""
    recorded_at: Instant = 0
    acked_by: str | None = None
    acked_at: Instant | None = None
    ack_note: str | None = None
    ack_source: Through | None = None
    ack_until: Instant | None = None
    """When the acknowledgement ends by itself, if the alert is still open then."""
    unacked_since: Instant | None = None
    """When it last lost an acknowledgement; None: it never did."""
    resolved_at: Instant | None = None
    resolved_by: str | None = None
    """The person who resolved it, for good; None where the engine did, or nobody."""
    verdict: Verdict | None = None
    verdict_by: str | None = None

    @property
    def state(self) -> AlertState:
        if self.resolved:
            return "resolved"
        return "acked" if self.acked_by is not None else "open"

    @property
    def waits_since(self) -> Instant:
        """Since when it has been there for people without an acknowledgement, if it has none."""
        return self.recorded_at if self.unacked_since is None else self.unacked_since


class Fold(msgspec.Struct, frozen=True):
    """Later facts of a stored alert, absolute: a store keeps the higher count and touches neither the ACK nor
    what a person resolved."""

    event_id: str
    count: int
    last_at: Instant
    resolved: bool = False


class AlertChange(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an alert's history: who changed it, when, from which state to which."""

    event_id: str
    at: Instant
    kind: ChangeKind
    by: str
    before: AlertState
    after: AlertState
    note: str | None = None
    source: Through = "api"
    until: Instant | None = None
    """The end that the acknowledgement was given."""
    verdict: Verdict | None = None
    idempotency_key: str | None = None
    """Under which the person asked for it; it is carried out once."""
