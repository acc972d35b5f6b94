"""/cep/rules/{id}/trigger and …/executions: a rule is run by a person, and what became of its runs."""

import hashlib
import re
import uuid
from typing import Any, get_args

import msgspec
from starlette.responses import Response

from cepd.model.duration import SECOND
from cepd.model.errors import InputError
from cepd.model.execution import Asked, Execution, ExecutionStatus, milliseconds, references_of
from cepd.model.instant import format_instant
from cepd.model.json import Json
from cepd.web.acks import Name
from cepd.web.body import read_fields
from cepd.web.operation import Call, Operation, json_answer
from cepd.web.query import number
from cepd.web.rules import definition_of
from cepd.web.shapes import COUNT, FLAG, MAP, TEXT, TIME, closed, listed, or_null

MOST = 200

_KEY = re.compile(r"[\x21-\x7e]{1,255}")

EXECUTION = closed(
    {
        "exec_id": TEXT,
        "rule_id": TEXT,
        "status": {**TEXT, "enum": list(get_args(ExecutionStatus))},
        "condition_met": {**or_null(FLAG), "description": "null: not known yet, or the rule could not be asked."},
        "started_at": TIME,
        "duration_ms": {**or_null(COUNT), "description": "Until the first try of each action had ended."},
        "error_message": or_null(TEXT),
        "executed_by": TEXT,
        "references": closed({"trigger": MAP, "action": MAP, "other_actions": listed(MAP)}),
        "revision": TEXT,
        "generation": TEXT,
    }
)


class Order(msgspec.Struct, frozen=True):
    payload: dict[str, Any] = {}
    by: Name | None = None


def execution_json(execution: Execution) -> dict[str, Json]:
    return {
        "exec_id": execution.exec_id,
        "rule_id": execution.rule_id,
        "status": execution.status,
        "condition_met": execution.condition_met,
        "started_at": format_instant(execution.started_at),
        "duration_ms": milliseconds(execution.duration),
        "error_message": execution.error_message,
        "executed_by": execution.executed_by,
        "references": {"trigger": {}, **references_of(execution)},
        "revision": execution.revision,
        "generation": execution.generation,
    }


async def trigger_rule(call: Call) -> Response:
    """Evaluates the rule and, where its conditions are met, really runs it; waits for at most the rule's timeout."""
    rule_id = call.request.path_params["rule_id"]
    order = await read_fields(call.request, Order, call.services.patience)
    by = order.by if order.by is not None and "admin" in call.caller.roles else call.caller.name
    asked = Asked(exec_id=_exec_id(call, rule_id), rule_id=rule_id, payload=order.payload, by=by)
    definition = call.services.deployment().definitions.get(rule_id)
    within = definition.rule.timeout if definition else _UNKNOWN
    return json_answer(execution_json(await call.services.run(asked, within)))


async def list_executions(call: Call) -> Response:
    rule_id = definition_of(call).rule.id
    limit = number(call.query, "limit", default=50, most=MOST)
    found = await call.services.store.executions(rule_id, limit)
    return json_answer({"executions": [execution_json(each) for each in found]})


def _exec_id(call: Call, rule_id: str) -> str:
    """The same for the same key of the same caller; without a key each request is a run of its own."""
    keys = call.request.headers.getlist("idempotency-key")
    if not keys:
        return uuid.uuid4().hex
    if len(keys) > 1 or not _KEY.fullmatch(keys[0]):
        help = "give it once: 1 to 255 visible ASCII characters, such as a UUID"
        raise InputError("the header Idempotency-Key cannot be read", help=help)
    named = msgspec.json.encode([rule_id, call.caller.name, keys[0]])
    return hashlib.blake2b(named, digest_size=16).hexdigest()


_UNKNOWN = 5 * SECOND
"""Of a rule that is gone, whose runs can still be asked after."""

OPERATIONS = (
    Operation(
        method="POST",
        path="/cep/rules/{rule_id}/trigger",
        summary="Run a rule on one payload; conditions that are not met make it a dry run",
        role="trigger",
        handler=trigger_rule,
        headers={
            "Idempotency-Key": {
                **TEXT,
                "maxLength": 255,
                "description": "The same key runs it once and gives the same answer; with another payload it is 409.",
            }
        },
        body={
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "payload": {**MAP, "description": "The event; type and source default to the rule's own."},
                "by": {**TEXT, "maxLength": 128, "description": "Counts without tokens, or with the role admin."},
            },
        },
        answers={200: EXECUTION},
        problems=(404, 408, 409, 413, 429, 503),
    ),
    Operation(
        method="GET",
        path="/cep/rules/{rule_id}/executions",
        summary="The runs of a rule, newest first",
        role="read",
        handler=list_executions,
        query={"limit": {"type": "integer", "minimum": 1, "maximum": MOST, "default": 50}},
        answers={200: closed({"executions": listed(EXECUTION)})},
        problems=(404, 503),
    ),
)
