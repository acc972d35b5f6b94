"""Alerts and what they owe, for tests of stores and of what works on them."""

from typing import Any

from cepd.model.alert import Alert
from cepd.model.delivery import Delivery, Draft, Outcome
from cepd.model.terms import Terms
from cepd.ports import Settled, Settlement, Store

SECOND = 1_000_000
SENT = Outcome(result="sent", status=204)


async def ended(store: Store, delivery: Delivery, **more: Any) -> Settled:
    """Settles what was claimed: as sent, or as said."""
    values: dict[str, Any] = {"outcome": SENT, "state": "sent", "attempts": 1, "next_at": 0, "at": 2000} | more
    return await store.settle(Settlement(**{"delivery_id": delivery.id, "attempt": delivery.tries, **values}))


def alert(event_id: str = "a1", **more: Any) -> Alert:
    values: dict[str, Any] = {
        "kind": "fired",
        "rule_id": "cpu",
        "rule_name": "CPU high",
        "pack": "hosts",
        "severity": "high",
        "summary": f"summary of {event_id}",
        "key": {"host": "web-1"},
        "values": {"avg": 91.5},
        "payload": {"host": "web-1", "n": [1, None, "é"]},
        "source_event_ids": ("e1",),
        "time": 10 * SECOND,
        "last_at": 10 * SECOND,
        "count": 1,
    }
    return Alert(event_id=event_id, **(values | more))


def draft(delivery_id: str = "d1", alert_id: str = "a1", **more: Any) -> Draft:
    values: dict[str, Any] = {
        "firing_id": alert_id,
        "rule_id": "cpu",
        "kind": "fired",
        "action": 0,
        "type": "notify",
        "target": "ops",
        "order_key": f"ops:{delivery_id}",
        "request": b"\x00{}\xff",
        "terms": Terms(delays=(SECOND, 2 * SECOND)),
        "due_at": 100,
    }
    return Draft(id=delivery_id, alert_id=alert_id, **(values | more))
