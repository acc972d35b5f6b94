"""/cep/deliveries: what alerts owe, what became of it, and what people do about what went wrong.

To send again or to drop needs the role admin: either decides, for everybody, what the outside hears of.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Literal

import msgspec
from starlette.responses import Response

from cepd.model.delivery import REVIVABLE, Delivery
from cepd.model.errors import ConflictError, InputError
from cepd.ports import DeliveryQuery, RedriveQuery
from cepd.web.acks import Name, Note
from cepd.web.body import read_fields
from cepd.web.delivery_shapes import DETAIL, ITEM, NAMED, STATES, detail, item, named
from cepd.web.events import MOST
from cepd.web.operation import Call, Operation, json_answer
from cepd.web.problems import problem
from cepd.web.query import choice, number, period
from cepd.web.shapes import FLAG, TEXT, TIME, closed, listed, or_null


class Redrive(msgspec.Struct, frozen=True):
    by: Name | None = None
    force: bool = False


class Drop(msgspec.Struct, frozen=True):
    by: Name | None = None
    note: Note | None = None


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    state: Literal["dead", "unknown", "expired"] = "dead"
    target: str | None = None
    rule_id: str | None = None


class RedriveMany(msgspec.Struct, frozen=True):
    filter: Filter
    """Not optional: a request without a word sends nothing."""
    max: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 100
    dry_run: bool = False
    force: bool = False
    by: Name | None = None


async def list_deliveries(call: Call) -> Response:
    query = call.query
    since, until = period(query)
    page = await call.services.store.deliveries(
        DeliveryQuery(
            state=choice(query, "state", STATES),
            target=_target(query.get("target"), query.get("channel")),
            rule_id=query.get("rule_id"),
            alert_id=query.get("event_id"),
            since=since,
            until=until,
            limit=number(query, "limit", default=50, most=MOST),
            cursor=query.get("cursor"),
        )
    )
    return json_answer({"deliveries": [item(one) for one in page.deliveries], "next_cursor": page.next_cursor})


async def show_delivery(call: Call) -> Response:
    return json_answer(detail(await call.services.store.delivery(call.request.path_params["delivery_id"])))


async def redrive_delivery(call: Call) -> Response:
    asked = await read_fields(call.request, Redrive, call.services.patience)
    return await _changed(call, asked.by, partial(call.services.store.redrive, force=asked.force))


async def drop_delivery(call: Call) -> Response:
    asked = await read_fields(call.request, Drop, call.services.patience)
    return await _changed(call, asked.by, partial(call.services.store.drop, note=asked.note))


async def _changed(call: Call, by: str | None, change: Callable[..., Awaitable[Delivery]]) -> Response:
    """What a person makes of a delivery; it, or what waited behind it, may go out now."""
    delivery_id = call.request.path_params["delivery_id"]
    try:
        changed = await change(delivery_id, by=by or call.caller.name, at=call.services.clock.now())
    except ConflictError as error:
        return await _refused(call, delivery_id, error)
    call.services.wake_dispatcher()
    return json_answer(item(changed))


async def redrive_deliveries(call: Call) -> Response:
    asked = await read_fields(call.request, RedriveMany, call.services.patience)
    chosen = asked.filter
    query = RedriveQuery(
        state=chosen.state, target=chosen.target, rule_id=chosen.rule_id, most=asked.max, force=asked.force
    )
    by, at = asked.by or call.caller.name, call.services.clock.now()
    done = await call.services.store.redrive_all(query, by=by, at=at, dry_run=asked.dry_run)
    if done.deliveries and not asked.dry_run:
        call.services.wake_dispatcher()
    return json_answer(
        {
            "dry_run": asked.dry_run,
            "deliveries": [named(one) for one in done.deliveries],
            "overtaken": [{**named(one.delivery), "overtaken_by": one.by} for one in done.overtaken],
            "more": done.more,
        }
    )


def _target(target: str | None, channel: str | None) -> str | None:
    if target is not None and channel is not None and target != channel:
        raise InputError("the query parameters 'target' and 'channel' differ", help="they mean the same; give one")
    return target or channel


async def _refused(call: Call, delivery_id: str, error: ConflictError) -> Response:
    state = (await call.services.store.delivery(delivery_id)).delivery.state
    return problem(409, error.message, help=error.help, state=state)


BY = {**TEXT, "maxLength": 128, "description": "Who did it, where that is not the caller."}
FORCE = {**FLAG, "description": "Also what a later message of the same rule and key has overtaken."}

OPERATIONS = (
    Operation(
        method="GET",
        path="/cep/deliveries",
        summary="Deliveries, newest first",
        role="read",
        handler=list_deliveries,
        query={
            "state": {"type": "string", "enum": list(STATES)},
            "target": {**TEXT, "description": "Channel, or method and host of an endpoint."},
            "channel": {**TEXT, "description": "The same as target."},
            "rule_id": TEXT,
            "event_id": TEXT,
            "from": {**TIME, "description": "Owed since then or later: RFC 3339, or seconds since the epoch."},
            "to": {**TIME, "description": "Owed since before: RFC 3339, or seconds since the epoch."},
            "limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 50},
            "cursor": {"type": "string", "description": "`next_cursor` of the page before."},
        },
        answers={200: closed({"deliveries": listed(ITEM), "next_cursor": or_null(TEXT)})},
    ),
    Operation(
        method="GET",
        path="/cep/deliveries/{delivery_id}",
        summary="One delivery with its attempts and what it sends",
        role="read",
        handler=show_delivery,
        answers={200: DETAIL},
        problems=(404,),
    ),
    Operation(
        method="POST",
        path="/cep/deliveries/{delivery_id}/redrive",
        summary="Send what is dead, unknown or expired again, under the same id",
        role="admin",
        handler=redrive_delivery,
        body={"type": "object", "additionalProperties": False, "properties": {"by": BY, "force": FORCE}},
        answers={200: ITEM},
        problems=(404, 408, 409, 413),
    ),
    Operation(
        method="POST",
        path="/cep/deliveries/{delivery_id}/drop",
        summary="Give up what is pending, dead, unknown or expired, for good",
        role="admin",
        handler=drop_delivery,
        body={
            "type": "object",
            "additionalProperties": False,
            "properties": {"by": BY, "note": {**TEXT, "maxLength": 2_000}},
        },
        answers={200: ITEM},
        problems=(404, 408, 409, 413),
    ),
    Operation(
        method="POST",
        path="/cep/deliveries/redrive",
        summary="Send many again, oldest first; those that were overtaken are left and listed",
        role="admin",
        handler=redrive_deliveries,
        body={
            "type": "object",
            "additionalProperties": False,
            "required": ["filter"],
            "properties": {
                "filter": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "state": {"type": "string", "enum": list(REVIVABLE), "default": "dead"},
                        "target": TEXT,
                        "rule_id": TEXT,
                    },
                },
                "max": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 100},
                "dry_run": {**FLAG, "description": "Tell what would be sent again, and send nothing."},
                "force": FORCE,
                "by": BY,
            },
        },
        answers={
            200: closed(
                {
                    "dry_run": FLAG,
                    "deliveries": listed(closed(NAMED)),
                    "overtaken": listed(closed({**NAMED, "overtaken_by": TEXT})),
                    "more": {**FLAG, "description": "There are others that could be sent again."},
                }
            )
        },
        problems=(408, 413),
    ),
)
