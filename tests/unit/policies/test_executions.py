"""How a run ended, of every first try that there can be."""

from typing import Any

import pytest

from cepd.model.delivery import Attempt, Outcome
from cepd.model.execution import ActionRun, Run
from cepd.policies.executions import action_of, execution_of, overall
from tests.support.deliveries import a_delivery

FAILED = Outcome(result="retryable", detail="HTTP 503")


def tried(outcome: Outcome | None, ended_at: int | None = 500) -> Attempt:
    return Attempt(delivery_id="d1", number=1, started_at=200, ended_at=ended_at, outcome=outcome)


@pytest.mark.parametrize(
    ("delivery", "first", "status", "reason", "duration"),
    [
        ({"state": "pending"}, None, "pending", None, None),
        ({"state": "sending"}, tried(None, None), "pending", None, None),
        ({"state": "sent"}, tried(Outcome(result="sent")), "success", None, 400),
        ({"state": "pending"}, tried(FAILED), "fail", "HTTP 503", 400),
        ({"state": "sent", "tries": 2}, tried(FAILED), "fail", "HTTP 503", 400),
        ({"state": "dead"}, tried(Outcome(result="permanent")), "fail", "permanent", 400),
        ({"state": "pending"}, tried(Outcome(result="unknown", detail="no answer")), "timeout", "no answer", 400),
        (
            {"state": "dead", "reason": "the breaker is open", "settled_at": 700},
            None,
            "fail",
            "the breaker is open",
            600,
        ),
        ({"state": "expired", "settled_at": 90}, None, "fail", "expired", 0),
    ],
)
def test_the_first_try_of_an_action_says_how_it_ended(
    delivery: dict[str, Any], first: Attempt | None, status: str, reason: str | None, duration: int | None
) -> None:
    action = action_of(a_delivery(**delivery), first, 100)
    assert (action.status, action.error_message, action.duration) == (status, reason, duration)


def an_action(status: Any, **more: Any) -> ActionRun:
    return ActionRun(action_type="notify", target="ops", delivery_id="d", status=status, **more)


@pytest.mark.parametrize(
    ("statuses", "whole"),
    [
        ([], "success"),
        (["success", "success"], "success"),
        (["success", "timeout"], "timeout"),
        (["timeout", "fail", "success"], "fail"),
        (["fail", "pending"], "pending"),
    ],
)
def test_the_worst_of_the_actions_is_how_the_run_ended(statuses: list[str], whole: str) -> None:
    assert overall([an_action(status) for status in statuses]) == whole


def test_a_run_takes_as_long_as_its_longest_action_and_says_what_went_wrong_first() -> None:
    run = Run(exec_id="x", rule_id="r", status="started", started_at=0, executed_by="ada", asked={})
    actions = [an_action("success", duration=7), an_action("fail", duration=9, error_message="HTTP 503")]
    execution = execution_of(run, actions)
    assert (execution.status, execution.duration, execution.error_message) == ("fail", 9, "HTTP 503")
    assert execution_of(run, [*actions, an_action("pending")]).duration is None
