"""Action `notify`: a message to each of its channels, each a delivery of its own, and one that stands in for it."""

from collections.abc import Mapping

import msgspec

from cepd.model.alert import Alert
from cepd.model.channel import ChannelSpec, find_channel
from cepd.model.delivery import Delivery, Draft, Outcome, draft_of
from cepd.model.firing import Firing
from cepd.model.generation import Definition
from cepd.model.json import Json
from cepd.model.message import Message, message_of
from cepd.model.terms import Terms, terms_of
from cepd.ports import Directory, Plan, Tools
from cepd.templating.environment import compile_text
from cepd.templating.texts import message_text


class _Target(msgspec.Struct, frozen=True):
    """A channel by name, how it is tried, and the one that takes over."""

    name: str
    terms: Terms
    fallback: "_Target | None" = None


def prepare(definition: Definition, index: int, directory: Directory) -> Plan:
    """TemplateError where the message does not compile. A channel that is not there gets its draft nevertheless: a
    delivery that cannot go out is seen, one that was never made is not."""
    options = definition.rule.actions[index].options
    template = compile_text(options["message"]) if "message" in options else None
    found = {target.name: target for target in (_target(name, options, directory) for name in options["channels"])}

    def plan(firing: Firing, alert: Alert, names: Mapping[str, Json]) -> list[Draft]:
        message = message_of(firing, alert, message_text(template, firing, definition, names))
        return [_draft(target, message, firing, alert, index, directory) for target in found.values()]

    return plan


def _draft(target: _Target, message: Message, firing: Firing, alert: Alert, index: int, directory: Directory) -> Draft:
    """Rendered for each channel that may have to send it, so that nothing is left to do when one fails."""
    channel = directory.connected.get(target.name)
    instead = target.fallback
    return draft_of(
        firing,
        alert,
        action=index,
        type="notify",
        target=target.name,
        request=msgspec.json.encode(message) if channel is None else channel.render(message),
        terms=target.terms,
        fallback=None if instead is None else _draft(instead, message, firing, alert, index, directory),
    )


def _target(reference: str, options: Mapping[str, Json], directory: Directory) -> _Target:
    """The action's fallback_channel wins over those of channels, but for that channel itself; its breaker over
    theirs."""
    spec = find_channel(directory.specs, reference)
    if spec is None:
        return _Target(reference, terms_of(options))
    wanted = options.get("fallback_channel", spec.fallback)
    named = None if wanted is None else find_channel(directory.specs, wanted)
    fallbacks = _chain(spec.fallback if named == spec else wanted, directory, {spec.name})
    return _Target(spec.name, terms_of(options, spec.terms), fallbacks)


def _chain(reference: str | None, directory: Directory, passed: set[str]) -> _Target | None:
    """Those that take over one after the other; a circle ends where it began."""
    spec: ChannelSpec | None = None if reference is None else find_channel(directory.specs, reference)
    if spec is None or spec.name in passed:
        return None
    return _Target(spec.name, spec.terms, _chain(spec.fallback, directory, passed | {spec.name}))


async def perform(delivery: Delivery, tools: Tools, directory: Directory) -> Outcome:
    channel = directory.connected.get(delivery.target)
    if channel is not None:
        return await channel.send(delivery.id, delivery.request)
    spec = directory.specs.get(delivery.target)
    if spec is None:
        return Outcome(result="permanent", detail=f"channel {delivery.target} is no longer defined")
    return Outcome(result="permanent", detail=f"channel {spec.name} is of type {spec.type}, which cannot be sent to")
