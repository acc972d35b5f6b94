"""What firings set off, in words."""

from typing import Any

import pytest

from cepd.model.channel import ChannelSpec
from cepd.model.firing import Firing
from cepd.model.rule import ActionSpec
from cepd.runtime.planned import planned_actions
from tests.support.rows import rule

CHANNELS = {"ops": ChannelSpec(name="ops", type="webhook", options={})}
ACTIONS = (
    ActionSpec("webhook", {"endpoint": "https://a.example.com"}),
    ActionSpec("notify", {"channels": ["ops", "Webhook", "gone"]}),
    ActionSpec(
        "multi_action",
        {"actions": [{"type": "trigger_rule", "rule_id": "next"}, {"endpoint": "https://b.example.com"}]},
    ),
    ActionSpec("store", {"target": "incidents"}),
)


def firing(**more: Any) -> Firing:
    made = {"id": "f", "kind": "fired", "alert_id": "f", **more}
    return Firing(rule_id="r", key={}, time=0, count=1, last_at=0, **made)


def test_each_action_with_where_it_goes_and_each_channel_once() -> None:
    assert planned_actions(rule(actions=ACTIONS), firing(), CHANNELS) == (
        "webhook https://a.example.com",
        "notify ops",
        "notify gone",
        "trigger_rule next",
        "webhook https://b.example.com",
        "store incidents",
    )


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, True),
        ({"alert_id": "earlier"}, False),
        ({"alert_id": "earlier", "kind": "continued"}, False),
        ({"alert_id": "earlier", "kind": "summary", "reason": "suppress"}, True),
        ({"alert_id": "earlier", "kind": "resolved", "reason": "cleared"}, True),
        ({"alert_id": "earlier", "kind": "resolved", "reason": "rule_removed"}, True),
        ({"alert_id": "earlier", "kind": "resolved", "reason": "rule_changed"}, False),
        ({"kind": "storm", "reason": "storm"}, True),
    ],
)
def test_only_what_is_told_sets_something_off(more: dict[str, Any], told: bool) -> None:
    assert bool(planned_actions(rule(actions=ACTIONS), firing(**more), CHANNELS)) is told
