"""Action `trigger_rule`: another rule runs on a payload of this one's making, once for each delivery.

The delivery's id is the id of that run, so a try that is repeated finds the run it asked for. That rule's own actions
are its own deliveries: what becomes of them is told in the result, and does not make this one fail.
"""

from collections.abc import Mapping

import msgspec

from cepd.model.alert import Alert
from cepd.model.delivery import Delivery, Draft, Outcome, draft_of
from cepd.model.errors import InputError, RetryLaterError, TemplateError
from cepd.model.execution import Asked, trigger_result
from cepd.model.firing import Firing
from cepd.model.generation import Definition
from cepd.model.json import Json
from cepd.model.terms import Terms, terms_of
from cepd.ports import Directory, Plan, Tools
from cepd.templating.environment import compile_value
from cepd.templating.texts import error_text


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    rule_id: str
    payload: dict[str, Json] = {}
    fault: str = ""
    """Why there is no payload: a template failed."""


def prepare(definition: Definition, index: int, directory: Directory) -> Plan:
    """TemplateError where the payload does not compile, InputError without a rule. Without a payload the rule is given
    the event that made this one fire."""
    options = definition.rule.actions[index].options
    kind, rule_id = definition.rule.actions[index].type, options.get("rule_id")
    if not isinstance(rule_id, str) or not rule_id:
        raise InputError("rule_id is required", help="name the rule that runs next")
    texts = None if options.get("payload") is None else compile_value(options["payload"])
    terms = terms_of(options, Terms(timeout=definition.rule.timeout))

    def plan(firing: Firing, alert: Alert, names: Mapping[str, Json]) -> list[Draft]:
        if firing.kind != "fired":
            return []
        try:
            payload = alert.payload if texts is None else texts.render(names)
            request = _Request(rule_id=rule_id, payload=payload if isinstance(payload, dict) else {})
        except TemplateError as error:
            request = _Request(rule_id=rule_id, fault=error_text(error, firing, definition))
        draft = draft_of(
            firing,
            alert,
            action=index,
            type=kind,
            target=f"rule {rule_id}",
            request=msgspec.json.encode(request),
            terms=terms,
        )
        return [msgspec.structs.replace(draft, order_key=f"{kind}:{draft.id}")]

    return plan


async def perform(delivery: Delivery, tools: Tools, directory: Directory) -> Outcome:
    """Waits for the run, and for the first try of each of its actions, as long as the terms say."""
    request = msgspec.json.decode(delivery.request, type=_Request)
    if request.fault:
        return Outcome(result="permanent", detail=request.fault)
    asked = Asked(
        exec_id=delivery.id,
        rule_id=request.rule_id,
        payload=request.payload,
        by=f"rule {delivery.rule_id}",
        depth=delivery.depth + 1,
    )
    try:
        execution = await tools.runs.run(asked, delivery.terms.timeout)
    except RetryLaterError as error:
        return Outcome(result="retryable", detail=error.message)
    except InputError as error:
        return Outcome(result="permanent", detail=error.message)
    detail = f"{request.rule_id}: {execution.status}"
    if execution.error_message:
        detail += f": {execution.error_message}"
    return Outcome(result="sent", detail=detail, references={"trigger_result": trigger_result(execution)})
