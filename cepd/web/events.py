"""/cep/events: the alerts, as people see them. The documents call an alert an event. Changes to them: `acks`."""

from starlette.responses import Response

from cepd.web.filters import FILTERS, alert_query
from cepd.web.operation import Call, Operation, json_answer
from cepd.web.query import number
from cepd.web.shapes import DETAIL, ITEM, TEXT, closed, detail, item, listed, or_null

MOST = 1_000


async def list_events(call: Call) -> Response:
    limit = number(call.query, "limit", default=50, most=MOST)
    query = alert_query(call.query, limit=limit, cursor=call.query.get("cursor"))
    page = await call.services.store.alerts(query)
    events = [item(alert, page.channels.get(alert.event_id, {})) for alert in page.alerts]
    return json_answer({"events": events, "next_cursor": page.next_cursor})


async def show_event(call: Call) -> Response:
    return json_answer(detail(await call.services.store.alert(call.request.path_params["event_id"])))


OPERATIONS = (
    Operation(
        method="GET",
        path="/cep/events",
        summary="Alerts, newest first",
        role="read",
        handler=list_events,
        query={
            **FILTERS,
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 50},
            "cursor": {"type": "string", "description": "`next_cursor` of the page before."},
        },
        answers={200: closed({"events": listed(ITEM), "next_cursor": or_null(TEXT)})},
        problems=(503,),
    ),
    Operation(
        method="GET",
        path="/cep/events/{event_id}",
        summary="One alert with its payload, trace, history, deliveries and attempts",
        role="read",
        handler=show_event,
        answers={200: DETAIL},
        problems=(404, 503),
    ),
)
