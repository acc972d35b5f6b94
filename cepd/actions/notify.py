"""Action `notify`: a message to each of its channels, each a delivery of its own."""

from collections.abc import Mapping

import msgspec

from cepd.model.alert import Alert
from cepd.model.channel import Retry, find_channel
from cepd.model.delivery import Delivery, Draft, Outcome, draft_of
from cepd.model.firing import Firing
from cepd.model.generation import Definition
from cepd.model.json import Json
from cepd.model.message import message_of
from cepd.ports import Directory, Plan, Tools
from cepd.templating.environment import compile_text
from cepd.templating.texts import message_text


def prepare(definition: Definition, index: int, directory: Directory) -> Plan:
    """TemplateError where the message does not compile. A channel that is not there gets its draft nevertheless: a
    delivery that cannot go out is seen, one that was never made is not."""
    options = definition.rule.actions[index].options
    template = compile_text(options["message"]) if "message" in options else None
    targets = _targets(options["channels"], directory)

    def plan(firing: Firing, alert: Alert, names: Mapping[str, Json]) -> list[Draft]:
        message = message_of(firing, alert, message_text(template, firing, definition, names))
        drafts = []
        for target, retry in targets.items():
            channel = directory.connected.get(target)
            request = msgspec.json.encode(message) if channel is None else channel.render(message)
            drafts.append(
                draft_of(
                    firing, alert, action=index, type="notify", target=target, request=request, delays=retry.delays
                )
            )
        return drafts

    return plan


def _targets(references: list[str], directory: Directory) -> dict[str, Retry]:
    """Channel names with their schedules, each once: two references may mean one channel."""
    targets: dict[str, Retry] = {}
    for reference in references:
        spec = find_channel(directory.specs, reference)
        targets[reference if spec is None else spec.name] = Retry() if spec is None else spec.retry
    return targets


async def perform(delivery: Delivery, tools: Tools, directory: Directory) -> Outcome:
    channel = directory.connected.get(delivery.target)
    if channel is not None:
        return await channel.send(delivery.id, delivery.request)
    spec = directory.specs.get(delivery.target)
    if spec is None:
        return Outcome(result="permanent", detail=f"channel {delivery.target} is no longer defined")
    return Outcome(result="permanent", detail=f"channel {spec.name} is of type {spec.type}, which cannot be sent to")
