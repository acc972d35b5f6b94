"""An alert: the stored record of firings that a person acknowledges. The documents' word for it is event."""

from typing import Literal, TypeAlias

import msgspec

from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.rule import Severity

AlertState: TypeAlias = Literal["open", "acked", "resolved"]

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

    @property
    def state(self) -> AlertState:
        if self.resolved:
            return "resolved"
        return "acked" if self.acked_by is not None else "open"


class Fold(msgspec.Struct, frozen=True):
    """Later facts of a stored alert, absolute: a store keeps the higher count and never touches the ACK."""

    event_id: str
    count: int
    last_at: Instant
    resolved: bool = False


class AlertChange(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an alert's history: who changed it, when, from which state to which."""

    event_id: str
    at: Instant
    kind: Literal["ack", "steal"]
    by: str
    before: AlertState
    after: AlertState
    note: str | None = None
