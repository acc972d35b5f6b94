"""A delivery with everything filled in, for tests that care for one field of it."""

from typing import Any

from cepd.model.delivery import Delivery
from cepd.model.terms import Terms


def a_delivery(*, delays: tuple[int, ...] | None = None, **changes: Any) -> Delivery:
    return Delivery(
        **{
            "id": "d1",
            "firing_id": "f1",
            "alert_id": "f1",
            "rule_id": "cpu-high",
            "kind": "fired",
            "action": 0,
            "type": "notify",
            "target": "ops",
            "order_key": "notify:ops:cpu-high:[]",
            "request": b"{}",
            "terms": Terms(delays) if delays is not None else Terms(),
            "state": "sending",
            "attempts": 0,
            "next_at": 0,
            **changes,
        }
    )
