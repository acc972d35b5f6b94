"""Values of the model to rows of the database and back. Nested values are columns of JSON text."""

from typing import Any, Protocol

import msgspec

from cepd.model.alert import Alert, AlertChange
from cepd.model.delivery import Attempt, Delivery, Draft, Outcome
from cepd.model.instant import Instant
from cepd.model.json import Json

_ALERT_JSON = ("key", "values", "payload", "source_event_ids", "window", "trace")


class Row(Protocol):
    """A row of any driver: columns by name."""

    def __getitem__(self, name: str, /) -> Any: ...


def alert_row(alert: Alert, at: Instant) -> dict[str, Any]:
    """`at` is when it is recorded, where the alert does not say."""
    row = msgspec.structs.asdict(alert)
    row.update((name, _text(row[name])) for name in _ALERT_JSON)
    row["recorded_at"] = alert.recorded_at or at
    return row


def alert_of(row: Row) -> Alert:
    values = {name: row[name] for name in Alert.__struct_fields__}
    values.update((name, msgspec.json.decode(values[name])) for name in _ALERT_JSON)
    values["resolved"] = bool(values["resolved"])
    return msgspec.convert(values, Alert)


def change_of(row: Row) -> AlertChange:
    return msgspec.convert({name: row[name] for name in AlertChange.__struct_fields__}, AlertChange)


def draft_row(draft: Draft) -> dict[str, Any]:
    row = msgspec.structs.asdict(draft)
    row["delays"] = _text(draft.delays)
    return row


def delivery_of(row: Row) -> Delivery:
    values = {name: row[name] for name in Delivery.__struct_fields__}
    values["delays"] = msgspec.json.decode(values["delays"])
    return msgspec.convert(values, Delivery)


def attempt_of(row: Row) -> Attempt:
    values = {name: row[name] for name in ("delivery_id", "number", "started_at", "ended_at")}
    if row["result"] is not None:
        values["outcome"] = {name: row[name] for name in Outcome.__struct_fields__}
    return msgspec.convert(values, Attempt)


def _text(value: Json) -> str:
    return msgspec.json.encode(value).decode()
