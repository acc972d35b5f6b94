"""JSON shapes of deliveries by themselves, and the schemas that describe them. Within an alert they are shorter."""

from typing import get_args

from cepd.config.masking import without_tokens
from cepd.model.delivery import Delivery, DeliveryState
from cepd.model.instant import format_instant
from cepd.model.json import Json
from cepd.ports import DeliveryDetail
from cepd.web.shapes import ATTEMPT, COUNT, FLAG, TEXT, TIME, attempt_item, closed, listed, or_null, time_or_null

STATES: tuple[DeliveryState, ...] = get_args(DeliveryState)

NAMED = {"delivery_id": TEXT, "event_id": TEXT, "rule_id": TEXT, "kind": TEXT, "target": TEXT}
ITEM_PROPERTIES: dict[str, Json] = {
    **NAMED,
    "type": TEXT,
    "action": {**COUNT, "description": "Which action of the rule, from 0."},
    "state": {"type": "string", "enum": list(STATES)},
    "reason": or_null(TEXT),
    "tries": COUNT,
    "due_at": {**TIME, "description": "Since when it is owed."},
    "next_at": {**or_null(TIME), "description": "When it is tried next, while it is owed."},
    "deadline": {**or_null(TIME), "description": "No try starts after it."},
    "settled_at": or_null(TIME),
    "fell_back": {**FLAG, "description": "Another one stands in for it."},
    "fallback_of": {**or_null(TEXT), "description": "The delivery that it stands in for."},
    "redriven_by": or_null(TEXT),
    "redriven_at": or_null(TIME),
}
ITEM = closed(ITEM_PROPERTIES)
DETAIL = closed(
    {
        **ITEM_PROPERTIES,
        "order_key": {**TEXT, "description": "Those of one key go out one after the other, oldest first."},
        "request": {**or_null(TEXT), "description": "What is sent, without secrets; null where it is no text."},
        "request_size": COUNT,
        "attempts": listed(ATTEMPT),
    }
)


def named(delivery: Delivery) -> dict[str, Json]:
    return {
        "delivery_id": delivery.id,
        "event_id": delivery.alert_id,
        "rule_id": delivery.rule_id,
        "kind": delivery.kind,
        "target": delivery.target,
    }


def item(delivery: Delivery) -> dict[str, Json]:
    waits = delivery.state in ("pending", "sending")
    return {
        **named(delivery),
        "type": delivery.type,
        "action": delivery.action,
        "state": delivery.state,
        "reason": delivery.reason,
        "tries": delivery.tries,
        "due_at": format_instant(delivery.due_at),
        "next_at": format_instant(delivery.next_at) if waits else None,
        "deadline": time_or_null(delivery.deadline),
        "settled_at": time_or_null(delivery.settled_at),
        "fell_back": delivery.fell_back,
        "fallback_of": delivery.fallback_of,
        "redriven_by": delivery.redriven_by,
        "redriven_at": time_or_null(delivery.redriven_at),
    }


def detail(found: DeliveryDetail) -> dict[str, Json]:
    delivery = found.delivery
    return {
        **item(delivery),
        "order_key": delivery.order_key,
        "request": _shown(delivery.request),
        "request_size": len(delivery.request),
        "attempts": [attempt_item(attempt) for attempt in found.attempts],
    }


def _shown(request: bytes) -> str | None:
    """What was rendered, as it is stored: where it needs a secret it holds the secret's name. What only looks like one
    (nothing keeps an event from bringing it along) is hidden nevertheless."""
    try:
        return without_tokens(request.decode())
    except UnicodeDecodeError:
        return None
