"""A delivery with everything filled in, for tests that care for one field of it."""

from typing import Any

from cepd.model.delivery import Delivery
from cepd.model.duration import SECOND


def a_delivery(**changes: Any) -> Delivery:
    return Delivery(
        **{
            "id": "d1",
            "alert_id": "f1",
            "rule_id": "cpu-high",
            "kind": "fired",
            "action": 0,
            "type": "notify",
            "target": "ops",
            "order_key": "notify:ops:cpu-high:[]",
            "request": b"{}",
            "delays": (1 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND),
            "state": "sending",
            "attempts": 0,
            "next_at": 0,
            **changes,
        }
    )
