"""A deployment: a generation made ready to run. Its program, its channels and the plans of its actions."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import msgspec

from cepd.engine.program import Program, compile_program
from cepd.model.delivery import Delivery, Outcome
from cepd.model.generation import Definition, Generation
from cepd.model.happenings import NOBODY, Listening
from cepd.ports import ActionModule, Channel, ChannelModule, Directory, Plan, Tools
from cepd.runtime.listening import listening_of

log = logging.getLogger(__name__)

Modules: TypeAlias = Callable[[str, str], Any]
"""(kind, type) to the module of a plugin: an ActionModule or a ChannelModule. KeyError where there is none."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """`plans` holds, per active rule, the plan of each action in order."""

    generation: Generation
    revision: str
    program: Program
    definitions: Mapping[str, Definition]
    directory: Directory
    tools: Tools
    plans: Mapping[str, tuple[Plan, ...]]
    listening: Listening = NOBODY
    """What the active rules hear of cepd's own happenings."""

    @property
    def digest(self) -> str:
        return self.generation.digest


def deploy(
    generation: Generation, revision: str, previous: Program | None, *, modules: Modules, tools: Tools
) -> Deployment:
    """Compiles a generation. What of its actions and channels cannot be made ready is logged and left out: the rule
    still makes alerts, and a delivery to such a channel says why it cannot go out."""
    active = [definition for definition in generation.definitions if definition.active]
    program = compile_program(
        [definition.rule for definition in active], previous, lateness=generation.settings.lateness
    )
    own = msgspec.structs.replace(tools, egress=generation.settings.egress)
    directory = Directory(
        specs=generation.channels, connected=_connect(generation, modules, own), actions=partial(modules, "actions")
    )
    return Deployment(
        generation=generation,
        revision=revision,
        program=program,
        definitions={definition.rule.id: definition for definition in generation.definitions},
        directory=directory,
        tools=own,
        plans={definition.rule.id: _plans(definition, directory, modules) for definition in active},
        listening=listening_of(program.rules.values()),
    )


def _connect(generation: Generation, modules: Modules, tools: Tools) -> dict[str, Channel]:
    connected: dict[str, Channel] = {}
    for spec in generation.channels.values():
        try:
            module: ChannelModule = modules("channels", spec.type)
        except KeyError:
            continue
        try:
            connected[spec.name] = module.connect(spec, tools)
        except Exception:  # one channel must not keep the other rules from running
            log.exception("channel not connected", extra={"channel": spec.name})
    return connected


def _plans(definition: Definition, directory: Directory, modules: Modules) -> tuple[Plan, ...]:
    plans: list[Plan] = []
    for index, action in enumerate(definition.rule.actions):
        try:
            module: ActionModule = modules("actions", action.type)
            plans.append(module.prepare(definition, index, directory))
        except Exception:  # one action must not keep the rule from making alerts
            log.exception("action not prepared", extra={"rule": definition.rule.id, "action": index})
    return tuple(plans)


async def perform(delivery: Delivery, deployment: Deployment, modules: Modules) -> Outcome:
    """One try of a stored delivery, with the channels and the egress list that hold now."""
    try:
        module: ActionModule = modules("actions", delivery.type)
    except KeyError:
        return Outcome(result="permanent", detail=f"no action of type {delivery.type} is installed any more")
    return await module.perform(delivery, deployment.tools, deployment.directory)
