"""Values of the model to rows of the database and back. Nested values are columns of JSON text."""

from typing import Any

import msgspec

from cepd.model.alert import Alert, AlertChange, Fold
from cepd.model.delivery import Attempt, Delivery, Draft
from cepd.model.execution import Run
from cepd.model.instant import Instant
from cepd.stores.operations import Row

_ALERT_JSON = ("key", "values", "payload", "source_event_ids", "window", "trace")


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


def fold_row(fold: Fold, at: Instant) -> dict[str, Any]:
    """`at` is when it is recorded."""
    return {**msgspec.structs.asdict(fold), "at": at}


def draft_row(draft: Draft, fallback_of: str | None) -> dict[str, Any]:
    """What stands in for it is kept as JSON until it is owed."""
    row = msgspec.structs.asdict(draft)
    row.update(
        terms=_text(draft.terms),
        lease=draft.terms.lease,
        deadline=draft.deadline,
        fallback=None if draft.fallback is None else msgspec.json.encode(draft.fallback),
        fallback_of=fallback_of,
    )
    return row


def delivery_of(row: Row) -> Delivery:
    values = {name: row[name] for name in Delivery.__struct_fields__}
    values["terms"] = msgspec.json.decode(values["terms"])
    values["fell_back"] = bool(values["fell_back"])
    return msgspec.convert(values, Delivery)


def attempt_of(row: Row) -> Attempt:
    values = {name: row[name] for name in ("delivery_id", "number", "started_at", "ended_at")}
    if row["result"] is not None:
        values["outcome"] = {name: row[name] for name in ("result", "detail", "status", "retry_after")}
    return msgspec.convert(values, Attempt)


def run_row(run: Run) -> dict[str, Any]:
    return msgspec.structs.asdict(run) | {"asked": _text(run.asked)}


def run_of(row: Row) -> Run:
    values = {name: row[name] for name in Run.__struct_fields__}
    values["asked"] = msgspec.json.decode(values["asked"])
    values["condition_met"] = None if values["condition_met"] is None else bool(values["condition_met"])
    return msgspec.convert(values, Run)


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()
