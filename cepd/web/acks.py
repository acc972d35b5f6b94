"""POST /cep/events/{event_id}/…: what people do to one alert. What comes of it: `cepd.policies.acks`.

An `Idempotency-Key` makes a request that is sent twice be carried out once.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, get_args

import msgspec
from starlette.responses import Response

from cepd.model.act import Act, ActKind, Changed
from cepd.model.alert import Verdict
from cepd.model.errors import HeldError, InputError
from cepd.model.instant import Instant, format_instant, read_instant
from cepd.model.json import Json
from cepd.web.body import read_fields
from cepd.web.operation import Call, Operation, Schema, json_answer
from cepd.web.problems import problem
from cepd.web.shapes import FLAG, ITEM, TEXT, item

_UNSEEN = (
    r"\x00-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u180e\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    r"\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
"""Controls, ends of lines, and Unicode's format characters (Cf): with them a name could look like another's."""

Name = Annotated[
    str, msgspec.Meta(min_length=1, max_length=128, pattern=rf"^[^\s{_UNSEEN}]([^{_UNSEEN}]*[^\s{_UNSEEN}])?\Z")
]
Note = Annotated[str, msgspec.Meta(max_length=2_000)]
Remark = Annotated[str, msgspec.Meta(max_length=2_000, pattern=r"\S")]

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What every act may say."""

    by: Name | None = None
    note: Note | None = None
    source: Literal["api", "cli"] = "api"


class Held(Said, frozen=True, kw_only=True):
    steal: bool = False


class Acknowledgement(Held, frozen=True, kw_only=True):
    until: str | int | float | None = None


class Noted(Said, frozen=True, kw_only=True):
    note: Remark


class Judgement(Said, frozen=True, kw_only=True):
    verdict: Verdict | None


async def acknowledge_event(call: Call) -> Response:
    asked = await read_fields(call.request, Acknowledgement, call.services.patience)
    return await _change(call, act_of(call, "ack", asked, steal=asked.steal, until=end_of(asked.until)))


async def unacknowledge_event(call: Call) -> Response:
    asked = await read_fields(call.request, Held, call.services.patience)
    return await _change(call, act_of(call, "unack", asked, steal=asked.steal))


async def resolve_event(call: Call) -> Response:
    asked = await read_fields(call.request, Held, call.services.patience)
    return await _change(call, act_of(call, "resolve", asked, steal=asked.steal))


async def note_event(call: Call) -> Response:
    asked = await read_fields(call.request, Noted, call.services.patience)
    return await _change(call, act_of(call, "note", asked))


async def judge_event(call: Call) -> Response:
    asked = await read_fields(call.request, Judgement, call.services.patience)
    return await _change(call, act_of(call, "verdict", asked, verdict=asked.verdict))


async def _change(call: Call, act: Act) -> Response:
    event_id = call.request.path_params["event_id"]
    try:
        changed = await call.services.store.change(event_id, act, call.services.deployment().listening)
    except HeldError as error:
        return problem(409, error.message, help=error.help, holder=error.holder, acked_at=format_instant(error.since))
    call.services.wake_dispatcher()
    count(call, act, changed)
    found = await call.services.store.alert(event_id)
    return json_answer(item(found.alert, {delivery.target: delivery.state for delivery in found.deliveries}))


def act_of(
    call: Call,
    kind: ActKind,
    asked: Said,
    *,
    steal: bool = False,
    until: Instant | None = None,
    verdict: Verdict | None = None,
) -> Act:
    """Who acts is who asks; without tokens, or with the role admin, whom the body names."""
    named = asked.by if "admin" in call.caller.roles else None
    key = call.request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise InputError("the Idempotency-Key cannot be used", help="send up to 255 visible ASCII characters")
    return Act(
        kind=kind,
        by=named or call.caller.name,
        at=call.services.clock.now(),
        source=asked.source,
        note=asked.note,
        steal=steal,
        until=until,
        verdict=verdict,
        key=key,
    )


def end_of(value: str | float | None) -> Instant | None:
    """What `until` says. InputError."""
    if value is None:
        return None
    found = read_instant(value)
    if found is None:
        help = "give RFC 3339, such as 2026-01-31T09:00:00Z, or seconds since the epoch"
        raise InputError(f"'until' is not a time: {value!r}", help=help)
    return found


def count(call: Call, act: Act, outcome: Changed | InputError) -> None:
    """An acknowledgement goes into the metrics, and how long an open alert had waited for it."""
    if isinstance(outcome, Changed) and outcome.kind in ("ack", "steal"):
        first = outcome.kind == "ack" and not outcome.alert.resolved
        waited = max(act.at - outcome.before.waits_since, 0) if first else None
        call.services.acknowledged(act.source, outcome.alert.severity, waited)


_SAID: dict[str, Json] = {
    "by": {**TEXT, "maxLength": 128, "description": "Counts without tokens, or with the role admin."},
    "note": {**TEXT, "maxLength": 2_000},
    "source": {"type": "string", "enum": ["api", "cli"], "default": "api", "description": "Through what it comes."},
}
_HELD: dict[str, Json] = {**_SAID, "steal": {**FLAG, "description": "Take over what another person holds."}}
ACK: dict[str, Json] = {
    **_HELD,
    "until": {
        "type": ["string", "number", "null"],
        "description": "When it is open again by itself: RFC 3339, or seconds since the epoch.",
    },
}
_VERDICT: Json = {
    "type": ["string", "null"],
    "enum": [*get_args(Verdict), None],
    "description": "null takes it back.",
}


ONCE: dict[str, Schema] = {
    "Idempotency-Key": {
        **TEXT,
        "minLength": 1,
        "maxLength": 255,
        "pattern": "^[!-~]+$",
        "description": "The caller's name for this request: of one alert it is carried out once.",
    }
}


def body(properties: dict[str, Json], *required: str) -> dict[str, Json]:
    return {"type": "object", "additionalProperties": False, "properties": properties, "required": list(required)}


def _operation(
    path: str, summary: str, handler: Callable[[Call], Awaitable[Response]], said: Schema, *problems: int
) -> Operation:
    return Operation(
        method="POST",
        path=f"/cep/events/{{event_id}}/{path}",
        summary=summary,
        role="ack",
        handler=handler,
        headers=ONCE,
        body=said,
        answers={200: ITEM},
        problems=(404, 408, 409, 413, 503, *problems),
    )


OPERATIONS = (
    _operation(
        "ack", "Acknowledge an alert; again by the same person changes nothing", acknowledge_event, body(ACK), 410
    ),
    _operation("unack", "Give an acknowledgement back: the alert is open again", unacknowledge_event, body(_HELD), 410),
    _operation("resolve", "Resolve an alert for good; a later firing opens another", resolve_event, body(_HELD)),
    _operation("notes", "Add a note to an alert's history", note_event, body(_SAID, "note")),
    _operation(
        "verdict",
        "Judge an alert: a true or a false positive, or neither any more",
        judge_event,
        body({**_SAID, "verdict": _VERDICT}, "verdict"),
    ),
)
