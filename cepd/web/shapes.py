"""JSON shapes of alerts and their deliveries, and the schemas that describe them.

Times are RFC 3339 in UTC. Field order is the order in which people read.
"""

from collections.abc import Mapping
from typing import get_args

from cepd.model.alert import Alert, AlertChange, ChangeKind, Through, Verdict
from cepd.model.delivery import Attempt, Delivery, DeliveryState
from cepd.model.instant import Instant, format_instant
from cepd.model.json import Json
from cepd.model.rule import SEVERITIES
from cepd.ports import AlertDetail

TIME = {"type": "string", "format": "date-time"}
TEXT = {"type": "string"}
COUNT = {"type": "integer"}
FLAG = {"type": "boolean"}
MAP = {"type": "object"}


def closed(properties: Mapping[str, Json], optional: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """The schema of an object with exactly these members; the optional ones may be left out."""
    return {
        "type": "object",
        "properties": {**properties, **(optional or {})},
        "required": list(properties),
        "additionalProperties": False,
    }


def listed(items: Mapping[str, Json]) -> dict[str, Json]:
    return {"type": "array", "items": dict(items)}


def or_null(schema: Mapping[str, Json]) -> dict[str, Json]:
    return {**schema, "type": [schema["type"], "null"]}


ITEM_PROPERTIES: dict[str, Json] = {
    "event_id": TEXT,
    "rule_id": TEXT,
    "rule_name": TEXT,
    "severity": {"type": "string", "enum": list(SEVERITIES)},
    "state": {"type": "string", "enum": ["open", "acked", "resolved"]},
    "ack": {"type": "string", "enum": ["UNACK", "ACK"]},
    "summary": TEXT,
    "key": MAP,
    "time": TIME,
    "last_at": TIME,
    "count": COUNT,
    "acked_by": or_null(TEXT),
    "acked_at": or_null(TIME),
    "ack_until": {**or_null(TIME), "description": "When it is open again by itself."},
    "resolved_at": or_null(TIME),
    "resolved_by": {**or_null(TEXT), "description": "The person who resolved it; null where the rule did, or nobody."},
    "verdict": {"type": ["string", "null"], "enum": [*get_args(Verdict), None]},
    "source_event_ids": listed(TEXT),
    "channels": {
        "type": "object",
        "additionalProperties": TEXT,
        "description": "Target to its newest delivery's state.",
    },
}
ITEM = closed(ITEM_PROPERTIES)

ATTEMPT = closed(
    {
        "number": COUNT,
        "started_at": TIME,
        "ended_at": or_null(TIME),
        "result": or_null(TEXT),
        "status": or_null(COUNT),
        "detail": or_null(TEXT),
    }
)

DELIVERY = closed(
    {
        "delivery_id": TEXT,
        "kind": TEXT,
        "action": COUNT,
        "type": TEXT,
        "target": TEXT,
        "state": TEXT,
        "reason": or_null(TEXT),
        "tries": COUNT,
        "next_at": or_null(TIME),
        "settled_at": or_null(TIME),
        "fallback_of": {**or_null(TEXT), "description": "The delivery that it stands in for."},
        "fell_back": {**FLAG, "description": "Another one stands in for it."},
        "redriven_by": or_null(TEXT),
        "redriven_at": or_null(TIME),
        "attempts": listed(ATTEMPT),
    }
)

CHANGE = closed(
    {
        "at": TIME,
        "kind": {"type": "string", "enum": list(get_args(ChangeKind))},
        "by": TEXT,
        "source": {"type": "string", "enum": list(get_args(Through))},
        "before": TEXT,
        "after": TEXT,
        "note": or_null(TEXT),
        "until": or_null(TIME),
        "verdict": or_null(TEXT),
    }
)

DETAIL = closed(
    {
        **ITEM_PROPERTIES,
        "kind": {"type": "string", "enum": ["fired", "storm"]},
        "pack": TEXT,
        "condition_evaluated": FLAG,
        "values": MAP,
        "payload": {"description": "The last event: its JSON, or its text where that cannot be decoded."},
        "window": {"type": ["object", "null"], "properties": {"start": TIME, "end": or_null(TIME)}},
        "trace": {
            "description": "Why it fired: conditions with the values they saw, window, hold, steps.",
            **or_null(MAP),
        },
        "generation": TEXT,
        "revision": TEXT,
        "recorded_at": TIME,
        "ack_note": or_null(TEXT),
        "ack_source": or_null(TEXT),
        "verdict_by": or_null(TEXT),
        "history": listed(CHANGE),
        "deliveries": listed(DELIVERY),
    }
)


def item(alert: Alert, channels: Mapping[str, DeliveryState]) -> dict[str, Json]:
    return {
        "event_id": alert.event_id,
        "rule_id": alert.rule_id,
        "rule_name": alert.rule_name,
        "severity": alert.severity,
        "state": alert.state,
        "ack": "UNACK" if alert.acked_by is None else "ACK",
        "summary": alert.summary,
        "key": alert.key,
        "time": format_instant(alert.time),
        "last_at": format_instant(alert.last_at),
        "count": alert.count,
        "acked_by": alert.acked_by,
        "acked_at": time_or_null(alert.acked_at),
        "ack_until": time_or_null(alert.ack_until),
        "resolved_at": time_or_null(alert.resolved_at),
        "resolved_by": alert.resolved_by,
        "verdict": alert.verdict,
        "source_event_ids": alert.source_event_ids,
        "channels": channels,
    }


def detail(found: AlertDetail) -> dict[str, Json]:
    alert = found.alert
    channels = {delivery.target: delivery.state for delivery in found.deliveries}
    return {
        **item(alert, channels),
        "kind": alert.kind,
        "pack": alert.pack,
        "condition_evaluated": True,  # what was not true is no alert
        "values": alert.values,
        "payload": alert.payload,
        "window": alert.window and {"start": time_or_null(alert.window[0]), "end": time_or_null(alert.window[1])},
        "trace": alert.trace,
        "generation": alert.generation,
        "revision": alert.revision,
        "recorded_at": format_instant(alert.recorded_at),
        "ack_note": alert.ack_note,
        "ack_source": alert.ack_source,
        "verdict_by": alert.verdict_by,
        "history": [_change(change) for change in found.history],
        "deliveries": [_delivery(delivery, found.attempts) for delivery in found.deliveries],
    }


def _change(change: AlertChange) -> dict[str, Json]:
    return {
        "at": format_instant(change.at),
        "kind": change.kind,
        "by": change.by,
        "source": change.source,
        "before": change.before,
        "after": change.after,
        "note": change.note,
        "until": time_or_null(change.until),
        "verdict": change.verdict,
    }


def _delivery(delivery: Delivery, attempts: list[Attempt]) -> dict[str, Json]:
    waits = delivery.state in ("pending", "sending")
    return {
        "delivery_id": delivery.id,
        "kind": delivery.kind,
        "action": delivery.action,
        "type": delivery.type,
        "target": delivery.target,
        "state": delivery.state,
        "reason": delivery.reason,
        "tries": delivery.tries,
        "next_at": format_instant(delivery.next_at) if waits else None,
        "settled_at": time_or_null(delivery.settled_at),
        "fallback_of": delivery.fallback_of,
        "fell_back": delivery.fell_back,
        "redriven_by": delivery.redriven_by,
        "redriven_at": time_or_null(delivery.redriven_at),
        "attempts": [attempt_item(attempt) for attempt in attempts if attempt.delivery_id == delivery.id],
    }


def attempt_item(attempt: Attempt) -> dict[str, Json]:
    outcome = attempt.outcome
    return {
        "number": attempt.number,
        "started_at": format_instant(attempt.started_at),
        "ended_at": time_or_null(attempt.ended_at),
        "result": outcome.result if outcome else None,
        "status": outcome.status if outcome else None,
        "detail": outcome.detail if outcome else None,
    }


def time_or_null(instant: Instant | None) -> str | None:
    return None if instant is None else format_instant(instant)
