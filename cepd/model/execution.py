"""An execution: the recorded run of a rule's actions, and how it ended. A run is what is stored of it.

What happened to its actions is told by their deliveries, so a run's row never changes: how a run ended is read from
both (`cepd.policies.executions`).
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from cepd.model.delivery import Draft
from cepd.model.duration import Span
from cepd.model.instant import Instant
from cepd.model.json import Json

CHAINED = ("trigger", "trigger_rule")
"""Actions that run a rule: the id of the delivery is the id of the run."""
MOST_LINKS = 5
"""Of a chain of rules, at run time: even a circle that a reload has made ends there."""

ExecutionStatus: TypeAlias = Literal["pending", "success", "fail", "timeout", "skipped", "dry_run"]
"""pending: the first try of some action has not ended. success: those of all actions did, and arrived. fail: one did
not. timeout: of one nobody knows, since no answer came. skipped: the rule was running, or its alert is suppressed.
dry_run: the conditions were not met, so nothing was done.
"""

RunStatus: TypeAlias = Literal["started", "fail", "skipped", "dry_run"]
"""What is known of a run once it is recorded; of a started one its deliveries tell the rest."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody wants a rule to run, now, on this payload. The same `exec_id` again is the same run."""

    exec_id: str
    rule_id: str
    payload: dict[str, Json]
    by: str
    depth: int = 0
    """Links of the chain before it; 0: a person's."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run that was asked for, as it is stored. Ordinary firings have none: their deliveries tell everything."""

    exec_id: str
    rule_id: str
    firing_id: str | None = None
    """None where the rule did not fire."""
    alert_id: str | None = None
    status: RunStatus
    condition_met: bool | None = None
    """None where the rule could not be asked."""
    started_at: Instant
    error_message: str | None = None
    executed_by: str
    asked: dict[str, Json]
    """`references.trigger`: how it was asked for, and on which payload."""
    revision: str = ""
    generation: str = ""


class NewRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run that is to be recorded, with what its actions owe."""

    run: Run
    drafts: Sequence[Draft] = ()
    alone: bool = False
    """It is skipped where another run of the rule is under way."""


class ActionRun(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one action of a run, as far as its first try tells."""

    action_type: str
    target: str
    delivery_id: str
    status: ExecutionStatus
    duration: Span | None = None
    error_message: str | None = None
    references: dict[str, Json] = {}
    """What it gave to others: `trigger_result` of a chained rule."""


class StepDone(msgspec.Struct, frozen=True, kw_only=True):
    """A step of an action that has several, or one of its messages; both counted from 0."""

    step: int
    part: int
    action_type: str
    target: str
    duration_ms: int


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What an action of several steps has done so far. Steps that are done are not done again."""

    steps: list[StepDone] = []
    references: dict[str, Json] = {}
    """What those steps gave to later ones."""


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    exec_id: str
    rule_id: str
    status: ExecutionStatus
    condition_met: bool | None
    started_at: Instant
    duration: Span | None
    """None while it is pending."""
    error_message: str | None
    executed_by: str
    trigger: dict[str, Json]
    actions: Sequence[ActionRun]
    revision: str
    generation: str
    firing_id: str | None = None


def trigger_result(execution: Execution) -> dict[str, Json]:
    """The documents' `trigger_result`: what a chained rule gives to whoever ran it."""
    result: dict[str, Json] = {
        "status": execution.status,
        "condition_met": execution.condition_met,
        "duration_ms": milliseconds(execution.duration),
        "references": references_of(execution),
    }
    if execution.error_message is not None:
        result["error_message"] = execution.error_message
    return result


def references_of(execution: Execution) -> dict[str, Json]:
    """`trigger`, and the first action as `action`, as the documents have it; those beside it as `other_actions`."""
    actions: list[Json] = [_action(each) for each in execution.actions]
    return {
        "trigger": execution.trigger,
        "action": actions[0] if actions else {},
        "other_actions": actions[1:],
    }


def milliseconds(span: Span | None) -> int | None:
    return None if span is None else round(span / 1_000)


def _action(action: ActionRun) -> dict[str, Json]:
    return {
        "action_type": action.action_type,
        "target": action.target,
        "delivery_id": action.delivery_id,
        "status": action.status,
        "duration_ms": milliseconds(action.duration),
        "error_message": action.error_message,
        "references": action.references,
    }
