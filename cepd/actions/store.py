"""Action `store`: keeps each thing that is told of an alert as a line of a file in the data directory.

A line is what a webhook would be sent, with the delivery's id before it. A file has each id once, but for one case: a
delivery that is taken over by another daemon may be in the files of both.
"""

from collections.abc import Mapping

import msgspec

from cepd.model.alert import Alert
from cepd.model.delivery import Delivery, Draft, Outcome, draft_of
from cepd.model.errors import InputError, RetryLaterError
from cepd.model.firing import Firing
from cepd.model.generation import Definition
from cepd.model.json import Json
from cepd.model.keeping import FILE_PREFIX, FileTarget, checked_name, read_target
from cepd.model.message import message_of
from cepd.model.terms import terms_of
from cepd.ports import Directory, Plan, Tools
from cepd.templating.texts import message_text


def prepare(definition: Definition, index: int, directory: Directory) -> Plan:
    """InputError where the target is no file."""
    options = definition.rule.actions[index].options
    target, terms = options["target"], terms_of(options)
    if not isinstance(read_target(target), FileTarget):
        raise InputError(f"{target!r} is a table, and cepd cannot store into tables yet", help="write file:NAME.ndjson")

    def plan(firing: Firing, alert: Alert, names: Mapping[str, Json]) -> list[Draft]:
        told = message_of(firing, alert, message_text(None, firing, definition, names))
        draft = draft_of(firing, alert, action=index, type="store", target=target, request=b"", terms=terms)
        line = msgspec.json.encode({"id": draft.id, **msgspec.structs.asdict(told)})
        return [msgspec.structs.replace(draft, request=line)]

    return plan


async def perform(delivery: Delivery, tools: Tools, directory: Directory) -> Outcome:
    if tools.shelf is None:
        return Outcome(result="permanent", detail="there is no data directory here")
    try:
        line = _line(delivery)
        name = checked_name(delivery.target.removeprefix(FILE_PREFIX))
        is_new = await tools.shelf.keep(name, delivery.id, line, again=delivery.tries > 1)
    except InputError as error:
        return Outcome(result="permanent", detail=error.message)
    except RetryLaterError as error:
        return Outcome(result="retryable", detail=error.message)
    return Outcome(result="sent", detail="" if is_new else "it was there already")


def _line(delivery: Delivery) -> bytes:
    """What is told, under the delivery's own id: a step of a multi_action has another than the one it was planned
    with."""
    return msgspec.json.encode(msgspec.json.decode(delivery.request, type=dict[str, msgspec.Raw]) | {"id": delivery.id})
