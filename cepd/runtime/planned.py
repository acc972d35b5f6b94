"""What a firing sets off, in words: `notify ops-slack`, `webhook https://…`. Nothing is rendered or sent."""

from collections.abc import Iterator, Mapping
from typing import Any

from cepd.model.channel import ChannelSpec, find_channel
from cepd.model.firing import Firing
from cepd.model.rule import ActionSpec, Rule

_WHERE = {
    "webhook": "endpoint",
    "trigger_rule": "rule_id",
    "trigger": "rule_id",
    "api_script": "api_id",
    "api": "api_id",
    "store": "target",
}
"""The option that says where an action of a type goes."""


def planned_actions(rule: Rule, firing: Firing, channels: Mapping[str, ChannelSpec]) -> tuple[str, ...]:
    """In the order of the rule's actions; those of a multi_action stand for it, a notify stands once for each of its
    channels. Empty for a firing that is not told."""
    if not firing.is_told:
        return ()
    return tuple(words for action in rule.actions for words in _words(action, channels))


def _words(action: ActionSpec, channels: Mapping[str, ChannelSpec]) -> Iterator[str]:
    options = action.options
    if action.type == "notify":
        yield from dict.fromkeys(f"notify {_channel(name, channels)}" for name in options["channels"])
    elif action.type == "multi_action":
        for step in options["actions"]:
            yield from _words(_spec(step), channels)
    else:
        where = options.get(_WHERE.get(action.type, ""))
        yield action.type if where is None else f"{action.type} {where}"


def _spec(document: Mapping[str, Any]) -> ActionSpec:
    return ActionSpec(document.get("type", "webhook"), document)


def _channel(reference: str, channels: Mapping[str, ChannelSpec]) -> str:
    spec = find_channel(channels, reference)
    return reference if spec is None else spec.name
