"""/cep/rules/{id}/status and anomaly-status: what the engine remembers of a rule, for tuning it and for finding out why
it is silent."""

import msgspec
from starlette.responses import Response

from cepd.engine.keys import key_text
from cepd.engine.standing import Standing
from cepd.engine.stats import RuleStats
from cepd.engine.unit import UnitCounts
from cepd.model.errors import InputError, NotFoundError
from cepd.model.generation import Definition
from cepd.model.instant import format_instant
from cepd.model.json import Json
from cepd.model.rule import AnomalyTrigger
from cepd.web.body import read_fields
from cepd.web.operation import Call, Operation, json_answer
from cepd.web.query import number
from cepd.web.rules import PROPERTIES, definition_of, stopped
from cepd.web.shapes import COUNT, FLAG, MAP, TEXT, TIME, closed, listed, or_null

MOST_KEYS = 1000
NUMBER = {"type": "number"}

STANDING = closed(
    {
        "keys": {**COUNT, "description": "Keys that the rule's windows, sequences or baselines hold."},
        "open_windows": {**COUNT, "description": "Windows, sessions or partial sequences."},
        "incomplete_windows": {**COUNT, "description": "Open windows that refused a key because they were full."},
        "holds": {**COUNT, "description": "Keys whose condition holds, and not yet for long enough."},
        "open_episodes": {**COUNT, "description": "Keys with an alert that ends when their condition does."},
        "suppressed_keys": COUNT,
        "last_firing": or_null(TIME),
        "never_seen": {**listed(TEXT), "description": "Fields that the rule names and no event had since the start."},
        "stats": closed({name: TEXT if name == "last_error" else COUNT for name in RuleStats.__struct_fields__}),
        "counts": {
            **closed(dict.fromkeys(UnitCounts.__struct_fields__, COUNT)),
            "description": "Of what the rule shares with all that remember the same: counted since the start.",
        },
    }
)

BASELINE = closed(
    {
        "key": MAP,
        "status": {"type": "string", "enum": ["warming_up", "ready", "flat"]},
        "samples": COUNT,
        "needed": {**COUNT, "description": "Samples that it takes before the rule fires."},
        "since": TIME,
        "last_update": TIME,
        "details": {**MAP, "description": "Figures of the method."},
        "expected": {**or_null(MAP), "description": "low, high and center."},
        "last_value": NUMBER,
        "last_score": NUMBER,
        "is_anomaly": FLAG,
        "scores": {
            **listed(closed({"from": NUMBER, "to": or_null(NUMBER), "count": COUNT})),
            "description": "How many values had which score.",
        },
        "firings_24h": COUNT,
    }
)


class Reset(msgspec.Struct, frozen=True):
    key: dict[str, str | int | float | bool | None]


async def show_status(call: Call) -> Response:
    definition = definition_of(call)
    standing = call.services.standing(definition.rule.id)
    return json_answer(
        {
            "rule_id": definition.rule.id,
            "active": definition.active,
            "reason": definition.reason,
            "disabled": stopped(definition.rule.id, call.services),
            "standing": None if standing is None else _shown(standing),
        }
    )


def _shown(standing: Standing) -> dict[str, Json]:
    return {
        "keys": standing.keys,
        "open_windows": standing.windows,
        "incomplete_windows": standing.incomplete,
        "holds": standing.holds,
        "open_episodes": standing.episodes,
        "suppressed_keys": standing.suppressed_keys,
        "last_firing": None if standing.last_fired is None else format_instant(standing.last_fired),
        "never_seen": list(standing.unseen),
        "stats": msgspec.structs.asdict(standing.counts),
        "counts": msgspec.structs.asdict(standing.unit_counts),
    }


async def show_anomaly_status(call: Call) -> Response:
    """In the order of the keys' texts."""
    definition = definition_of(call)
    trigger = _anomaly_trigger(definition)
    limit = number(call.query, "limit", default=50, most=MOST_KEYS)
    standing = call.services.standing(definition.rule.id)
    return json_answer(
        {
            "rule_id": definition.rule.id,
            "active": definition.active,
            "reason": definition.reason,
            "method": trigger.method,
            "value": trigger.value,
            "keys": 0 if standing is None else standing.keys,
            "baselines": call.services.baselines(definition.rule.id, limit),
        }
    )


async def reset_baseline(call: Call) -> Response:
    """The key is given as `anomaly-status` shows it. Nothing happens where it has no baseline."""
    definition = definition_of(call)
    _anomaly_trigger(definition)
    given = await read_fields(call.request, Reset, call.services.patience)
    fields = definition.rule.group_by
    if given.key.keys() != set(fields):
        help = f"give {', '.join(fields)}" if fields else "give {}: the rule has one baseline"
        raise InputError("the key does not have the fields of the rule's group_by", help=help)
    await call.services.reset(definition.rule.id, key_text(fields, given.key))
    return json_answer({"rule_id": definition.rule.id, "key": given.key}, 202)


def _anomaly_trigger(definition: Definition) -> AnomalyTrigger:
    trigger = definition.rule.trigger
    if not isinstance(trigger, AnomalyTrigger):
        help = "only rules with a trigger anomaly have baselines"
        raise NotFoundError(f"the rule {definition.rule.id} has no baseline", help=help)
    return trigger


_WHETHER_IT_RUNS: dict[str, Json] = {
    "rule_id": TEXT,
    "active": FLAG,
    "reason": or_null({**TEXT, "description": "Why it does not run."}),
}

OPERATIONS = (
    Operation(
        method="GET",
        path="/cep/rules/{rule_id}/status",
        summary="What the engine remembers of a rule and counted about it",
        role="read",
        handler=show_status,
        answers={200: closed({**_WHETHER_IT_RUNS, "disabled": PROPERTIES["disabled"], "standing": or_null(STANDING)})},
        problems=(404,),
    ),
    Operation(
        method="GET",
        path="/cep/rules/{rule_id}/anomaly-status",
        summary="The baselines of an anomaly rule, with the scores that they gave",
        role="read",
        handler=show_anomaly_status,
        query={"limit": {"type": "integer", "minimum": 1, "maximum": MOST_KEYS, "default": 50}},
        answers={
            200: closed(
                {**_WHETHER_IT_RUNS, "method": TEXT, "value": TEXT, "keys": COUNT, "baselines": listed(BASELINE)}
            )
        },
        problems=(404,),
    ),
    Operation(
        method="POST",
        path="/cep/rules/{rule_id}/anomaly-status/reset",
        summary="An anomaly rule forgets the baseline of one key, in its turn among the events",
        role="admin",
        handler=reset_baseline,
        body=closed({"key": MAP}),
        answers={202: closed({"rule_id": TEXT, "key": MAP})},
        problems=(404, 408, 413, 503),
    ),
)
