"""Operations that show deliveries. What people do to them: `cepd.stores.redrive`, the machine: `cepd.stores.outbox`."""

from cepd.model.delivery import REVIVABLE, Delivery
from cepd.model.errors import NotFoundError
from cepd.ports import DeliveryDetail, DeliveryPage, DeliveryQuery, StoreCounts
from cepd.ports.store import Held
from cepd.stores.cursor import read_cursor, write_cursor
from cepd.stores.operations import Operation, one
from cepd.stores.rows import attempt_of, delivery_of

_FILTERS = ("state", "target", "rule_id", "alert_id", "since", "until")


def page(query: DeliveryQuery) -> Operation[DeliveryPage]:
    before = read_cursor("delivery", query.cursor)
    values = {name: value for name in _FILTERS if (value := getattr(query, name)) is not None}
    filters = [f"delivery_where_{name}" for name in values]
    if query.state in REVIVABLE:
        filters[filters.index("delivery_where_state")] = "delivery_where_revivable"
    rows = yield one("deliveries_page", filters=filters, before=before, limit=query.limit + 1, **values)
    found = list(rows[: query.limit])
    more = len(rows) > query.limit
    return DeliveryPage(
        deliveries=[delivery_of(row) for row in found],
        next_cursor=write_cursor("delivery", found[-1]["seq"]) if more else None,
    )


def detail(delivery_id: str) -> Operation[DeliveryDetail]:
    delivery = yield from _find(delivery_id)
    attempts = yield one("attempts_of_delivery", id=delivery_id)
    return DeliveryDetail(delivery=delivery, attempts=[attempt_of(row) for row in attempts])


def counts() -> Operation[StoreCounts]:
    unacked = yield one("unacked")
    deliveries = yield one("delivery_counts")
    oldest = yield one("oldest_pending")
    held = yield one("held_targets")
    return StoreCounts(
        unacked={row["severity"]: row["number"] for row in unacked},
        deliveries={(row["target"], row["state"]): row["number"] for row in deliveries},
        oldest_pending={row["target"]: row["due_at"] for row in oldest},
        held={row["target"]: Held(row["paused_until"], row["failures"], row["open_until"]) for row in held},
    )


def _find(delivery_id: str) -> Operation[Delivery]:
    rows = yield one("find_delivery", id=delivery_id)
    if not rows:
        raise NotFoundError(f"there is no delivery {delivery_id}")
    return delivery_of(rows[0])
