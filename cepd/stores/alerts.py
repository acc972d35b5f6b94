"""Operations on alerts: pages, one alert whole, and what people do to it."""

from typing import get_args

import msgspec

from cepd.model.alert import Alert, AlertState
from cepd.model.delivery import DeliveryState
from cepd.model.errors import ConflictError, InputError, NotFoundError
from cepd.model.happenings import NOBODY, Listening
from cepd.model.instant import Instant, format_instant
from cepd.ports import AlertDetail, AlertPage, AlertQuery
from cepd.stores.cursor import read_cursor, write_cursor
from cepd.stores.happenings import tell_ack
from cepd.stores.operations import Operation, one
from cepd.stores.rows import alert_of, attempt_of, change_of, delivery_of
from cepd.stores.stream import tell

_FILTERS = ("rule_id", "severity", "since", "until", "acked")


def page(query: AlertQuery) -> Operation[AlertPage]:
    before = read_cursor("alert", query.cursor)
    values = {name: value for name in _FILTERS if (value := getattr(query, name)) is not None}
    rows = yield one("alerts_page", filters=_filters(query), before=before, limit=query.limit + 1, **values)
    found = list(rows[: query.limit])
    alerts = [alert_of(row) for row in found]
    channels: dict[str, dict[str, DeliveryState]] = {alert.event_id: {} for alert in alerts}
    states = yield one("newest_delivery_states", event_ids=msgspec.json.encode(list(channels)).decode())
    for row in states:
        channels[row["alert_id"]][row["target"]] = row["state"]
    more = len(rows) > query.limit
    return AlertPage(
        alerts=alerts, channels=channels, next_cursor=write_cursor("alert", found[-1]["seq"]) if more else None
    )


def detail(event_id: str) -> Operation[AlertDetail]:
    alert = yield from find(event_id)
    history = yield one("alert_history", event_id=event_id)
    deliveries = yield one("deliveries_of_alert", event_id=event_id)
    attempts = yield one("attempts_of_alert", event_id=event_id)
    return AlertDetail(
        alert=alert,
        history=[change_of(row) for row in history],
        deliveries=[delivery_of(row) for row in deliveries],
        attempts=[attempt_of(row) for row in attempts],
    )


def find(event_id: str, statement: str = "alert") -> Operation[Alert]:
    """NotFoundError where there is none. With `hold_alert` nobody else changes it until the operation is over."""
    rows = yield one(statement, event_id=event_id)
    if not rows:
        raise NotFoundError(f"there is no alert {event_id}")
    return alert_of(rows[0])


def acknowledge(
    event_id: str, *, by: str, at: Instant, note: str | None, steal: bool, listening: Listening = NOBODY
) -> Operation[Alert]:
    alert = yield from find(event_id, "hold_alert")
    if alert.acked_by == by:
        return alert
    if alert.acked_by is not None and not steal:
        since = format_instant(alert.acked_at or 0)
        message = f"{alert.acked_by} acknowledged {event_id} at {since}"
        raise ConflictError(message, help="take it over with steal: true")
    acked = msgspec.structs.replace(alert, acked_by=by, acked_at=at, ack_note=note)
    yield one("acknowledge", event_id=event_id, by=by, at=at, note=note)
    kind = "ack" if alert.acked_by is None else "steal"
    yield one(
        "insert_change", event_id=event_id, at=at, kind=kind, by=by, before=alert.state, after=acked.state, note=note
    )
    yield from tell("acked", [event_id], at)
    yield from tell_ack(acked, at, listening)
    return acked


def _filters(query: AlertQuery) -> list[str]:
    names = [f"where_{name}" for name in _FILTERS if getattr(query, name) is not None]
    if query.state is not None:
        if query.state not in get_args(AlertState):
            raise InputError(f"{query.state!r} is no state of an alert", help="open, acked or resolved")
        names.append(f"where_state_{query.state}")
    return names
