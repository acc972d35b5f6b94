"""/cep/rules: what runs, read only, and what a rule says to one payload. Rules are written in git."""

from collections.abc import Collection
from typing import Any

import msgspec
from starlette.responses import Response

from cepd.engine.stats import RuleStats
from cepd.model.errors import NotFoundError
from cepd.model.generation import Definition
from cepd.model.instant import format_instant
from cepd.model.json import Json
from cepd.model.rule import SEVERITIES
from cepd.model.spelling import closest
from cepd.runtime.simulate import simulate_payload, why_payload
from cepd.web.body import read_fields
from cepd.web.operation import Call, Operation, json_answer
from cepd.web.services import Services
from cepd.web.shapes import COUNT, FLAG, MAP, TEXT, TIME, closed, listed, or_null

PROPERTIES: dict[str, Json] = {
    "rule_id": TEXT,
    "name": TEXT,
    "active": FLAG,
    "reason": or_null({**TEXT, "description": "Why it does not run."}),
    "disabled": or_null(
        {
            **closed({"since": TIME, "until": TIME, "by": TEXT, "reason": TEXT}),
            "description": "At run time, for a while: it opens no alerts.",
        }
    ),
    "severity": {"type": ["string", "null"], "enum": [*SEVERITIES, None], "description": "null: the payload's."},
    "pack": TEXT,
    "file": TEXT,
    "line": COUNT,
}

STATS = or_null(
    {
        **closed({name: TEXT if name == "last_error" else COUNT for name in RuleStats.__struct_fields__}),
        "description": "Counted since the start, by replay too; null for a rule that does not run.",
    }
)


class Trial(msgspec.Struct, frozen=True):
    payload: dict[str, Any]


def describe(definition: Definition, services: Services) -> dict[str, Json]:
    return {
        "rule_id": definition.rule.id,
        "name": definition.rule.name,
        "active": definition.active,
        "reason": definition.reason,
        "disabled": stopped(definition.rule.id, services),
        "severity": definition.rule.severity,
        "pack": definition.pack,
        "file": definition.file,
        "line": definition.line,
    }


def stopped(rule_id: str, services: Services) -> Json:
    """Until when a rule is disabled at run time, and why; None where it is not."""
    stop = services.stops().get(rule_id)
    if stop is None or stop.until <= services.clock.now():
        return None
    since, until = format_instant(stop.since), format_instant(stop.until)
    return {"since": since, "until": until, "by": stop.by, "reason": stop.reason}


async def list_rules(call: Call) -> Response:
    """In rule order; `q` is looked for in id and name, in any case."""
    wanted = call.query.get("q", "").lower()
    found = [
        describe(definition, call.services)
        for definition in call.services.deployment().definitions.values()
        if wanted in definition.rule.id.lower() or wanted in definition.rule.name.lower()
    ]
    return json_answer({"rules": found})


async def show_rule(call: Call) -> Response:
    definition = definition_of(call)
    stats = call.services.rule_stats(definition.rule.id)
    return json_answer(
        {
            **describe(definition, call.services),
            "revision": call.services.deployment().revision,
            "stats": None if stats is None else msgspec.structs.asdict(stats),
            "definition": definition.document,
        }
    )


async def simulate_rule(call: Call) -> Response:
    definition = definition_of(call)
    trial = await read_fields(call.request, Trial, call.services.patience)
    clock = call.services.clock.now()
    verdict = simulate_payload(definition, trial.payload, clock)
    trace = why_payload(definition, trial.payload, clock)
    return json_answer({**msgspec.to_builtins(verdict), "trace": msgspec.to_builtins(trace)})


def definition_of(call: Call) -> Definition:
    """The rule that the path names. NotFoundError with the nearest one."""
    rule_id = call.request.path_params["rule_id"]
    definitions = call.services.deployment().definitions
    if rule_id not in definitions:
        raise NotFoundError(f"there is no rule {rule_id!r}", help=_nearest(rule_id, definitions))
    return definitions[rule_id]


def _nearest(rule_id: str, known: Collection[str]) -> str:
    """A neighbour; all of them only where they are few."""
    near = closest(rule_id, known)
    return f"did you mean {near!r}?" if near else "GET /cep/rules lists the rules"


OPERATIONS = (
    Operation(
        method="GET",
        path="/cep/rules",
        summary="The rules, in rule order",
        role="read",
        handler=list_rules,
        query={"q": {**TEXT, "description": "Part of the id or the name."}},
        answers={200: closed({"rules": listed(closed(PROPERTIES))})},
    ),
    Operation(
        method="GET",
        path="/cep/rules/{rule_id}",
        summary="One rule with its definition, where it stands and what it did",
        role="read",
        handler=show_rule,
        answers={200: closed({**PROPERTIES, "revision": TEXT, "stats": STATS, "definition": MAP})},
        problems=(404,),
    ),
    Operation(
        method="POST",
        path="/cep/rules/{rule_id}/simulate",
        summary="What the rule would do with one payload; nothing is done",
        role="read",
        handler=simulate_rule,
        body={**closed({"payload": MAP})},
        answers={
            200: closed(
                optional={
                    "is_anomaly": {**FLAG, "description": "Of anomaly rules alone: one value has no baseline."},
                    "score": {"type": "number"},
                    "method": TEXT,
                    "details": MAP,
                },
                properties={
                    "matched": FLAG,
                    "condition_evaluated": FLAG,
                    "triggered_actions": listed(TEXT),
                    "extracted_value": {"description": "The first condition's field; null where nothing matched."},
                    "trace": {**MAP, "description": "The conditions with the values that they saw."},
                },
            )
        },
        problems=(404, 408, 413),
    ),
)
