"""Operations that show alerts: pages, and one alert whole. What people do to them: `cepd.stores.acks`."""

from typing import Any, get_args

import msgspec

from cepd.model.alert import Alert, AlertState
from cepd.model.delivery import REVIVABLE, UNFINISHED, DeliveryState
from cepd.model.errors import InputError, NotFoundError
from cepd.ports import AlertDetail, AlertPage, AlertQuery
from cepd.stores.cursor import read_cursor, write_cursor
from cepd.stores.operations import Operation, one
from cepd.stores.rows import alert_of, attempt_of, change_of, delivery_of

_FILTERS = ("rule_id", "severity", "since", "until", "acked", "channel_state", "q")

FEW = 500
"""With fewer deliveries than this in a state, a search for it begins from them. Where there are more, it goes through
the alerts from the newest on: it meets them soon."""

_LISTED = dict.fromkeys(UNFINISHED, "delivery_where_unfinished") | dict.fromkeys(REVIVABLE, "delivery_where_revivable")
"""The states that an index lists, and the condition that it serves."""


def page(query: AlertQuery) -> Operation[AlertPage]:
    before = read_cursor("alert", query.cursor)
    filters, values = yield from filters_of(query)
    rows = yield one("alerts_page", filters=filters, before=before, limit=query.limit + 1, **values)
    found = list(rows[: query.limit])
    alerts = [alert_of(row) for row in found]
    channels: dict[str, dict[str, DeliveryState]] = {alert.event_id: {} for alert in alerts}
    states = yield one("newest_delivery_states", event_ids=_json(list(channels)))
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


def find(event_id: str) -> Operation[Alert]:
    """NotFoundError where there is none."""
    rows = yield one("alert", event_id=event_id)
    if not rows:
        raise NotFoundError(f"there is no alert {event_id}")
    return alert_of(rows[0])


def filters_of(query: AlertQuery) -> Operation[tuple[list[str], dict[str, Any]]]:
    """The names of the statements' conditions that a query asks for, and their values. InputError."""
    names, values = _conditions(query)
    if query.channel_state in _LISTED:
        condition = _LISTED[query.channel_state]
        rows = yield one("alerts_by_delivery", filters=[condition], state=query.channel_state, limit=FEW)
        if len(rows) < FEW:
            names[names.index("where_channel_state")] = "where_among"
            values["among"] = _json([row["alert_id"] for row in rows])
    return names, values


def _conditions(query: AlertQuery) -> tuple[list[str], dict[str, Any]]:
    if query.state is not None and query.state not in get_args(AlertState):
        raise InputError(f"{query.state!r} is no state of an alert", help="open, acked or resolved")
    given = {name: value for name in _FILTERS if (value := getattr(query, name)) is not None}
    names = [f"where_{name}" for name in given]
    if query.state is not None:
        names.append(f"where_state_{query.state}")
    if query.verdict is not None:
        names.append("where_unjudged" if query.verdict == "none" else "where_verdict")
        given["verdict"] = query.verdict
    if query.severity is not None:
        given["severity"] = _json(query.severity)
    if query.q is not None:
        given["in_key"] = _json(query.q)[1:-1]
    return names, given


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
