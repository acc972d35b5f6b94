"""Runs that somebody asked for: from the request to the event in the journal, and from the applied row to the record.

Both halves are pure, so that a replay records the same. Who waits for a run is `cepd.runtime.runs`'s business.
"""

from collections.abc import Mapping, Sequence

import msgspec

from cepd.engine.single import evaluate_single
from cepd.model.delivery import Draft
from cepd.model.errors import InputError, NotFoundError
from cepd.model.event import given_type
from cepd.model.execution import MOST_LINKS, Asked, NewRun, Run
from cepd.model.firing import Firing
from cepd.model.frame import Frame
from cepd.model.generation import Definition
from cepd.model.json import Json
from cepd.runtime.deployment import Deployment
from cepd.runtime.machine import Applied, target_event

SOURCE = "trigger"
"""The source of payloads that name none, where the rule names none either."""


def target_of(asked: Asked, deployment: Deployment) -> Definition:
    """The rule that is to run. NotFoundError where there is none, InputError where it does not run or the chain is
    over its limit; the messages begin with the documents' words."""
    if asked.depth > MOST_LINKS:
        raise InputError(f"rule chain too deep: it ends after {MOST_LINKS} links", help="let one rule do more")
    definition = deployment.definitions.get(asked.rule_id)
    if definition is None:
        raise NotFoundError(f"Target rule not found: there is no rule {asked.rule_id!r}")
    if asked.rule_id not in deployment.program.rules:
        raise InputError(f"Target rule is not active: {asked.rule_id!r} is {definition.reason or 'inactive'}")
    return definition


def event_of(asked: Asked, definition: Definition) -> tuple[bytes, str]:
    """The payload as one line, and the source if it names none: an event of the rule's own type and source, where it
    does not say otherwise."""
    types, sources = (getattr(definition.rule.trigger, name, None) for name in ("event_type", "source"))
    own: dict[str, Json] = {"type": types[0]} if types and given_type(asked.payload) is None else {}
    return msgspec.json.encode({**own, **asked.payload}), sources[0] if sources else SOURCE


def is_of(firing: Firing, target: Frame | None) -> bool:
    """Whether a firing is the one that a run was asked for, and not one that only fell due with its row."""
    return target is not None and firing.kind == "fired" and firing.event_ids == (target.run,)


def run_of(applied: Applied, drafts: Sequence[Draft]) -> NewRun:
    """What is recorded of an applied row that somebody asked for. `drafts` are those of the firing that it made."""
    frame, deployment = applied.target, applied.deployment
    assert frame is not None, "a row that nobody asked for"
    known = Run(
        exec_id=frame.run,
        rule_id=frame.rule_id,
        status="started",
        started_at=frame.clock,
        executed_by=frame.by,
        asked=_asked(frame),
        revision=deployment.revision,
        generation=deployment.digest,
    )
    if frame.rule_id not in deployment.program.rules:
        return _ended(known, "fail", "Target rule is not active: a reload came first")
    if applied.stopped:
        return _ended(known, "fail", "Target rule is not active: it is disabled at run time")
    definition = deployment.definitions[frame.rule_id]
    try:
        single = evaluate_single(definition.rule, target_event(frame, deployment.program))
    except Exception as error:  # noqa: BLE001  the engine has counted and shown what this rule trips over
        return _ended(known, "fail", f"the rule failed: {type(error).__name__}: {error}")
    known = msgspec.structs.replace(known, condition_met=single.held)
    firing = next((one for one in applied.firings if is_of(one, frame)), None)
    if firing is None:
        return _unfired(known, single.held)
    known = msgspec.structs.replace(known, firing_id=firing.id, alert_id=firing.alert_id)
    if not firing.opens:
        return _ended(known, "skipped", f"suppressed: it is one more of the alert {firing.alert_id}")
    return NewRun(run=known, drafts=drafts, alone=definition.rule.concurrency == "skip")


def _unfired(run: Run, held: bool) -> NewRun:
    if held:
        return _ended(run, "fail", "the payload has no usable key: a field of group_by is an object or a list")
    return _ended(run, "dry_run", None)


def _ended(run: Run, status: str, why: str | None) -> NewRun:
    return NewRun(run=msgspec.structs.replace(run, status=status, error_message=why))


def _asked(frame: Frame) -> dict[str, Json]:
    payload: Mapping[str, Json] = msgspec.json.decode(frame.body)
    return {
        "type": "chained" if frame.depth else "manual",
        "exec_id": frame.run,
        "depth": frame.depth,
        "payload": dict(payload),
    }
