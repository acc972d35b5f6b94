"""/cep/events: the alerts, and the acknowledgement of one. The documents call an alert an event."""

from typing import Annotated

import msgspec
from starlette.responses import Response

from cepd.model.errors import ConflictError
from cepd.model.instant import format_instant
from cepd.model.rule import SEVERITIES, SEVERITY_ALIASES, severity_of
from cepd.ports import AlertQuery
from cepd.web.body import read_fields
from cepd.web.operation import Call, Operation, json_answer
from cepd.web.problems import problem
from cepd.web.query import choice, number, period
from cepd.web.shapes import DETAIL, FLAG, ITEM, TEXT, TIME, closed, detail, item, listed, or_null

MOST = 1_000
STATES = ("open", "acked", "resolved")
BOOLEANS = {"true": True, "false": False}
SEVERITY_WORDS = (*SEVERITIES, *SEVERITY_ALIASES)

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[^\s\x00-\x1f\x7f]([^\x00-\x1f\x7f]*\S)?$")]
Note = Annotated[str, msgspec.Meta(max_length=2_000)]


class Acknowledgement(msgspec.Struct, frozen=True):
    by: Name | None = None
    note: Note | None = None
    steal: bool = False


async def list_events(call: Call) -> Response:
    query = call.query
    severity = choice(query, "severity", SEVERITY_WORDS)
    acked = choice(query, "acked", BOOLEANS)
    since, until = period(query)
    page = await call.services.store.alerts(
        AlertQuery(
            rule_id=query.get("rule_id"),
            severity=severity_of(severity),
            state=choice(query, "state", STATES),
            acked=None if acked is None else BOOLEANS[acked],
            since=since,
            until=until,
            limit=number(query, "limit", default=50, most=MOST),
            cursor=query.get("cursor"),
        )
    )
    events = [item(alert, page.channels.get(alert.event_id, {})) for alert in page.alerts]
    return json_answer({"events": events, "next_cursor": page.next_cursor})


async def show_event(call: Call) -> Response:
    return json_answer(detail(await call.services.store.alert(call.request.path_params["event_id"])))


async def acknowledge_event(call: Call) -> Response:
    event_id = call.request.path_params["event_id"]
    asked = await read_fields(call.request, Acknowledgement, call.services.patience)
    for_others = asked.by is not None and "admin" in call.caller.roles
    by = asked.by if for_others and asked.by else call.caller.name
    store = call.services.store
    try:
        await store.acknowledge(event_id, by=by, at=call.services.clock.now(), note=asked.note, steal=asked.steal)
    except ConflictError as error:
        held = (await store.alert(event_id)).alert
        since = None if held.acked_at is None else format_instant(held.acked_at)
        return problem(409, error.message, help=error.help, holder=held.acked_by, acked_at=since)
    found = await store.alert(event_id)
    return json_answer(item(found.alert, {delivery.target: delivery.state for delivery in found.deliveries}))


OPERATIONS = (
    Operation(
        method="GET",
        path="/cep/events",
        summary="Alerts, newest first",
        role="read",
        handler=list_events,
        query={
            "rule_id": TEXT,
            "severity": {"type": "string", "enum": list(SEVERITY_WORDS)},
            "state": {"type": "string", "enum": list(STATES)},
            "acked": FLAG,
            "from": {**TIME, "description": "RFC 3339, or seconds since the epoch."},
            "to": {**TIME, "description": "RFC 3339, or seconds since the epoch."},
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 50},
            "cursor": {"type": "string", "description": "`next_cursor` of the page before."},
        },
        answers={200: closed({"events": listed(ITEM), "next_cursor": or_null(TEXT)})},
    ),
    Operation(
        method="GET",
        path="/cep/events/{event_id}",
        summary="One alert with its payload, history, deliveries and attempts",
        role="read",
        handler=show_event,
        answers={200: DETAIL},
        problems=(404,),
    ),
    Operation(
        method="POST",
        path="/cep/events/{event_id}/ack",
        summary="Acknowledge an alert; again by the same person changes nothing",
        role="ack",
        handler=acknowledge_event,
        body={
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "by": {**TEXT, "maxLength": 128, "description": "Counts without tokens, or with the role admin."},
                "note": {**TEXT, "maxLength": 2_000},
                "steal": {**FLAG, "description": "Take over what another person holds."},
            },
        },
        answers={200: ITEM},
        problems=(404, 408, 409, 413),
    ),
)
