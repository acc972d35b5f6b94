"""POST /cep/events/ack: many alerts, by their ids or by a filter, each by itself and all in one transaction."""

from typing import Annotated

import msgspec
from starlette.responses import Response

from cepd.model.act import Changed
from cepd.model.errors import ConflictError, GoneError, HeldError, InputError, NotFoundError
from cepd.model.json import Json
from cepd.web.acks import ACK, ONCE, Acknowledgement, act_of, body, count, end_of
from cepd.web.body import read_fields
from cepd.web.filters import FILTERS, Filter, alert_query
from cepd.web.operation import Call, Operation, json_answer
from cepd.web.shapes import COUNT, FLAG, TEXT, closed, listed, or_null

MOST = 1_000
"""Alerts that one request may acknowledge."""
USUAL = 500
"""Of a filter without `max`."""


class Many(Acknowledgement, frozen=True, kw_only=True):
    ids: Annotated[list[str], msgspec.Meta(min_length=1, max_length=MOST)] | None = None
    filter: Filter | None = None
    max: Annotated[int, msgspec.Meta(ge=1, le=MOST)] | None = None
    dry_run: bool = False


async def acknowledge_events(call: Call) -> Response:
    asked = await read_fields(call.request, Many, call.services.patience)
    act = act_of(call, "ack", asked, steal=asked.steal, until=end_of(asked.until))
    store, more, listening = call.services.store, False, call.services.deployment().listening
    if asked.ids is not None and asked.filter is None:
        ids = _each_once(asked.ids, asked.max)
        outcomes = await store.change_all(ids, act, dry_run=asked.dry_run, listening=listening)
    elif asked.filter is not None and asked.ids is None:
        query = alert_query(_meant(asked.filter), limit=asked.max or USUAL, what="filter")
        outcomes, more = await store.change_matching(query, act, dry_run=asked.dry_run, listening=listening)
    else:
        raise InputError("the body must say which alerts are meant", help="give either ids or a filter")
    if not asked.dry_run:
        call.services.wake_dispatcher()
        for outcome in outcomes.values():
            count(call, act, outcome)
    results = [_result(event_id, outcome) for event_id, outcome in outcomes.items()]
    return json_answer({"dry_run": asked.dry_run, "results": results, "more": more})


def _each_once(ids: list[str], most: int | None) -> list[str]:
    if most is not None:
        raise InputError("'max' goes with a filter", help="leave it out: ids say what is meant")
    seen: set[str] = set()
    for event_id in ids:
        if event_id in seen:
            raise InputError(f"the id {event_id!r} is given twice", help="give each id once")
        seen.add(event_id)
    return ids


def _meant(filter: Filter) -> dict[str, str]:
    """What is open, where the filter says neither state nor acked; so the same request again goes on to the rest."""
    words = filter.words()
    if not words:
        raise InputError("the filter is empty and would find every open alert", help="if so, say state: open")
    return words if "state" in words or "acked" in words else {"state": "open", **words}


def _result(event_id: str, outcome: Changed | InputError) -> dict[str, Json]:
    if isinstance(outcome, Changed):
        changed, holder = outcome.kind is not None, outcome.alert.acked_by
        return {"event_id": event_id, "status": 200, "changed": changed, "detail": None, "holder": holder}
    return {
        "event_id": event_id,
        "status": next(status for kind, status in _REFUSALS.items() if isinstance(outcome, kind)),
        "changed": False,
        "detail": outcome.message,
        "holder": outcome.holder if isinstance(outcome, HeldError) else None,
    }


_REFUSALS: dict[type[InputError], int] = {NotFoundError: 404, ConflictError: 409, GoneError: 410}

_RESULT = closed(
    {
        "event_id": TEXT,
        "status": {**COUNT, "description": "What the request for this alert alone would have got."},
        "changed": FLAG,
        "detail": or_null(TEXT),
        "holder": {**or_null(TEXT), "description": "Who has it now, or, of a dry run, would have it."},
    }
)

OPERATIONS = (
    Operation(
        method="POST",
        path="/cep/events/ack",
        summary="Acknowledge many alerts, and say of each what came of it",
        role="ack",
        handler=acknowledge_events,
        headers=ONCE,
        body=body(
            {
                **ACK,
                "ids": {**listed(TEXT), "minItems": 1, "maxItems": MOST},
                "filter": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        **FILTERS,
                        "severity": {"type": ["string", "array"], "items": TEXT, "description": "Any of them."},
                        "from": {"type": ["string", "number"]},
                        "to": {"type": ["string", "number"]},
                    },
                    "description": "As of the list; what is open where it says neither state nor acked.",
                },
                "max": {"type": "integer", "minimum": 1, "maximum": MOST, "default": USUAL},
                "dry_run": {**FLAG, "description": "Change nothing, and say what would come of it."},
            }
        ),
        answers={
            200: closed(
                {
                    "dry_run": FLAG,
                    "results": listed(_RESULT),
                    "more": {**FLAG, "description": "The filter finds more than `max`; the newest were taken."},
                }
            )
        },
        problems=(408, 413, 503),
    ),
)
