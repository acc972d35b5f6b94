"""/cep/rules/{id}/disable and enable: a rule opens no alerts for a while. The lasting change is made in its file."""

import msgspec
from starlette.responses import Response

from cepd.model.duration import format_duration, parse_duration
from cepd.model.errors import InputError
from cepd.model.instant import Instant, format_instant, read_instant
from cepd.model.stop import LONGEST_STOP, Wish
from cepd.web.acks import Name, Note
from cepd.web.body import read_fields
from cepd.web.operation import Call, Operation, json_answer
from cepd.web.rules import definition_of
from cepd.web.shapes import TEXT, TIME, closed


class Disabling(msgspec.Struct, frozen=True, rename={"span": "for"}):
    reason: Note
    until: str | int | float | None = None
    span: str | None = None
    by: Name | None = None


class Enabling(msgspec.Struct, frozen=True):
    by: Name | None = None


async def disable_rule(call: Call) -> Response:
    """In its turn among the events: what came before still alerts."""
    rule_id = definition_of(call).rule.id
    asked = await read_fields(call.request, Disabling, call.services.patience)
    if not asked.reason.strip():
        raise InputError("the reason is empty", help="say why the rule is disabled: others will ask")
    until, by = _end(asked, call.services.clock.now()), asked.by or call.caller.name
    await call.services.disable(rule_id, Wish(until, by, asked.reason))
    disabled = {"until": format_instant(until), "by": by, "reason": asked.reason}
    return json_answer({"rule_id": rule_id, "disabled": disabled}, 202)


async def enable_rule(call: Call) -> Response:
    """Nothing happens where the rule is not disabled."""
    rule_id = definition_of(call).rule.id
    asked = await read_fields(call.request, Enabling, call.services.patience)
    await call.services.enable(rule_id, asked.by or call.caller.name)
    return json_answer({"rule_id": rule_id, "disabled": None}, 202)


def _end(asked: Disabling, now: Instant) -> Instant:
    if (asked.until is None) == (asked.span is None):
        raise InputError("say how long: 'until' a time, or 'for' a duration", help='such as {"for": "2h"}')
    until = read_instant(asked.until) if asked.span is None else now + parse_duration(asked.span)
    if until is None:
        raise InputError(f"'until' is not a time: {asked.until!r}", help="give RFC 3339, such as 2026-01-31T09:00:00Z")
    if until <= now:
        raise InputError("that is over already", help="give a time that is to come")
    if until > now + LONGEST_STOP:
        longest = format_duration(LONGEST_STOP)
        raise InputError(f"a rule is disabled for {longest} at most", help="what is to last is changed in its file")
    return until


_BY = {**TEXT, "maxLength": 128, "description": "Who; without it the token's name."}

OPERATIONS = (
    Operation(
        method="POST",
        path="/cep/rules/{rule_id}/disable",
        summary="A rule opens no alerts for a while; those that are open still end",
        role="admin",
        handler=disable_rule,
        body=closed(
            {"reason": {**TEXT, "minLength": 1, "maxLength": 2_000}},
            optional={
                "until": {"type": ["string", "number"], "description": "RFC 3339, or seconds since the epoch."},
                "for": {**TEXT, "description": "A duration, such as 2h, instead of `until`."},
                "by": _BY,
            },
        ),
        answers={202: closed({"rule_id": TEXT, "disabled": closed({"until": TIME, "by": TEXT, "reason": TEXT})})},
        problems=(404, 408, 413, 503),
    ),
    Operation(
        method="POST",
        path="/cep/rules/{rule_id}/enable",
        summary="A rule that was disabled at run time opens alerts again",
        role="admin",
        handler=enable_rule,
        body=closed({}, optional={"by": _BY}),
        answers={202: closed({"rule_id": TEXT, "disabled": {"type": "null"}})},
        problems=(404, 408, 413, 503),
    ),
)
