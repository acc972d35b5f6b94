"""Action `multi_action`: several actions in order, as one delivery, so that later ones can use what earlier ones gave.

A step is put into words when its turn comes, over `references` of those before it. What is done is kept with the
delivery before the next step begins: a retry goes on where the last try ended, under the same ids. A step that fails
ends the try; what stands in for a message goes out once there will be no further try. The breakers and pauses of the
steps' own targets are not asked: the delivery as a whole has one of its own.
"""

import hashlib
from collections.abc import Iterator, Mapping

import msgspec

from cepd.model.alert import Alert
from cepd.model.delivery import Delivery, Draft, Outcome, draft_of
from cepd.model.duration import Span
from cepd.model.execution import Progress, StepDone
from cepd.model.firing import Firing
from cepd.model.generation import Definition
from cepd.model.json import Json
from cepd.model.rule import ActionSpec, EventTrigger, Rule, Suppress
from cepd.model.terms import Terms, terms_of
from cepd.ports import Directory, Plan, Tools


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule's texts are made of, besides the firing."""

    id: str
    name: str
    pack: str
    timeout: Span
    max_alerts: int
    suppress: Suppress | None


class _Request(msgspec.Struct, frozen=True, kw_only=True):
    """All that the steps need: the tree may have changed when their turn comes."""

    rule: _Said
    steps: list[ActionSpec]
    firing: Firing
    alert: Alert
    names: dict[str, Json]


def prepare(definition: Definition, index: int, directory: Directory) -> Plan:
    """What the steps' own modules raise."""
    rule = definition.rule
    options = rule.actions[index].options
    steps = list(_steps(options))
    plans = _plans(_holding(_said(definition), steps), directory)

    def plan(firing: Firing, alert: Alert, names: Mapping[str, Json]) -> list[Draft]:
        owed = [draft for each in plans for draft in each(firing, alert, names)]
        if not owed:
            return []
        request = _Request(rule=_said(definition), steps=steps, firing=firing, alert=alert, names=dict(names))
        timeout = sum(draft.terms.timeout for first in owed for draft in _with_fallbacks(first))
        return [
            draft_of(
                firing,
                alert,
                action=index,
                type="multi_action",
                target=f"steps of {rule.id}",
                request=msgspec.json.encode(request),
                terms=terms_of(options, Terms(timeout=timeout)),
            )
        ]

    return plan


async def perform(delivery: Delivery, tools: Tools, directory: Directory) -> Outcome:
    request = msgspec.json.decode(delivery.request, type=_Request)
    progress = Progress() if delivery.progress is None else msgspec.json.decode(delivery.progress, type=Progress)
    for place, plan in enumerate(_plans(_holding(request.rule, request.steps), directory)):
        names = {**request.names, "references": progress.references}
        for part, draft in enumerate(plan(request.firing, request.alert, names)):
            if any((done.step, done.part) == (place, part) for done in progress.steps):
                continue
            begun = tools.clock.now()
            outcome = await _try(delivery, draft, f"{place}.{part}", tools, directory)
            if outcome.result != "sent":
                return msgspec.structs.replace(outcome, detail=f"step {place + 1} ({draft.type}): {outcome.detail}")
            done = StepDone(
                step=place,
                part=part,
                action_type=draft.type,
                target=draft.target,
                duration_ms=(tools.clock.now() - begun) // 1_000,
            )
            progress = Progress(steps=[*progress.steps, done], references={**progress.references, **outcome.references})
            await tools.runs.keep(delivery.id, delivery.tries, msgspec.json.encode(progress))
    return Outcome(result="sent", detail=f"{len(progress.steps)} steps", references=progress.references)


async def _try(delivery: Delivery, draft: Draft, place: str, tools: Tools, directory: Directory) -> Outcome:
    """One try of a step; where it is the last one, of what stands in for it too."""
    outcome = await _perform(delivery, draft, place, tools, directory)
    last = outcome.result in ("permanent", "auth") or delivery.attempts >= len(delivery.terms.delays)
    if outcome.result != "sent" and last and draft.fallback is not None:
        return await _try(delivery, draft.fallback, f"{place}+", tools, directory)
    return outcome


async def _perform(delivery: Delivery, draft: Draft, place: str, tools: Tools, directory: Directory) -> Outcome:
    step = msgspec.structs.replace(
        delivery,
        id=hashlib.blake2b(msgspec.json.encode([delivery.id, place]), digest_size=16).hexdigest(),
        type=draft.type,
        target=draft.target,
        order_key=draft.order_key,
        request=draft.request,
        terms=draft.terms,
        progress=None,
    )
    return await directory.actions(draft.type).perform(step, tools, directory)


def _steps(options: Mapping[str, Json]) -> Iterator[ActionSpec]:
    """The steps, those of a multi_action among them in its place."""
    listed = options["actions"]
    assert isinstance(listed, list | tuple), "the schema has checked it"
    for step in listed:
        spec = ActionSpec(step.get("type", "webhook"), step)
        if spec.type == "multi_action":
            yield from _steps(spec.options)
        else:
            yield spec


def _said(definition: Definition) -> _Said:
    rule = definition.rule
    return _Said(
        id=rule.id,
        name=rule.name,
        pack=definition.pack,
        timeout=rule.timeout,
        max_alerts=rule.max_alerts,
        suppress=rule.suppress,
    )


def _holding(said: _Said, steps: list[ActionSpec]) -> Definition:
    """A definition whose actions are the steps."""
    rule = Rule(
        id=said.id,
        name=said.name,
        trigger=EventTrigger(event_type=()),
        actions=tuple(steps),
        timeout=said.timeout,
        max_alerts=said.max_alerts,
        suppress=said.suppress,
    )
    return Definition(rule=rule, document={}, pack=said.pack, file="", line=0)


def _plans(definition: Definition, directory: Directory) -> list[Plan]:
    actions = definition.rule.actions
    return [
        directory.actions(action.type).prepare(definition, place, directory) for place, action in enumerate(actions)
    ]


def _with_fallbacks(draft: Draft) -> Iterator[Draft]:
    yield draft
    if draft.fallback is not None:
        yield from _with_fallbacks(draft.fallback)
