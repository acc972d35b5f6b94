"""How a run ended, read from what is stored of it and from the first try of each of its actions. Pure.

A retry that succeeds later does not change how the run ended: whoever waited for it was told.
"""

from collections.abc import Sequence

from cepd.model.delivery import UNFINISHED, Attempt, Delivery
from cepd.model.duration import Span
from cepd.model.execution import ActionRun, Execution, ExecutionStatus, Run
from cepd.model.instant import Instant
from cepd.model.json import Json


def execution_of(run: Run, actions: Sequence[ActionRun]) -> Execution:
    """The execution of a recorded run; `actions` as `action_of` tells them."""
    status = overall(actions) if run.status == "started" else run.status
    return Execution(
        exec_id=run.exec_id,
        rule_id=run.rule_id,
        firing_id=run.firing_id,
        status=status,
        condition_met=run.condition_met,
        started_at=run.started_at,
        duration=None if status == "pending" else max((each.duration or 0 for each in actions), default=0),
        error_message=run.error_message or next((each.error_message for each in actions if each.error_message), None),
        executed_by=run.executed_by,
        trigger=run.asked,
        actions=actions,
        revision=run.revision,
        generation=run.generation,
    )


def action_of(
    delivery: Delivery, first: Attempt | None, started_at: Instant, references: dict[str, Json] | None = None
) -> ActionRun:
    """What the first try of a delivery says of its action, whose run began at `started_at`."""
    status, reason, ended_at = _first(delivery, first)
    return ActionRun(
        action_type=delivery.type,
        target=delivery.target,
        delivery_id=delivery.id,
        status=status,
        duration=None if ended_at is None else _since(started_at, ended_at),
        error_message=reason,
        references=references or {},
    )


def overall(actions: Sequence[ActionRun]) -> ExecutionStatus:
    """The worst of them; of a run without actions nothing is left to be done."""
    found = {each.status for each in actions}
    order: tuple[ExecutionStatus, ...] = ("pending", "fail", "timeout")
    return next((status for status in order if status in found), "success")


def _first(delivery: Delivery, first: Attempt | None) -> tuple[ExecutionStatus, str | None, Instant | None]:
    if first is None:
        if delivery.state in UNFINISHED:
            return "pending", None, None
        return "fail", delivery.reason or delivery.state, delivery.settled_at
    if first.outcome is None:
        return "pending", None, None
    if first.outcome.result == "sent":
        return "success", None, first.ended_at
    reason = first.outcome.detail or first.outcome.result
    return "timeout" if first.outcome.result == "unknown" else "fail", reason, first.ended_at


def _since(started_at: Instant, ended_at: Instant) -> Span:
    return max(ended_at - started_at, 0)
