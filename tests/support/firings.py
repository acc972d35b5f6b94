"""Firings, alerts and definitions with everything filled in, for tests that care for one field of them."""

from typing import Any

from cepd.model.alert import Alert
from cepd.model.firing import Firing
from cepd.model.generation import Definition
from cepd.model.rule import ActionSpec, EventTrigger, Rule

NOON = 1_767_268_800_000_000
"""2026-01-01T12:00:00Z."""


def a_firing(**changes: Any) -> Firing:
    return Firing(
        **{
            "id": "f1",
            "kind": "fired",
            "rule_id": "cpu-high",
            "key": {"host": "web-1"},
            "time": NOON,
            "alert_id": "f1",
            "count": 1,
            "last_at": NOON,
            "event_ids": ("e1",),
            "event_type": "host.cpu",
            "event_source": "agent",
            **changes,
        }
    )


def an_alert(**changes: Any) -> Alert:
    return Alert(
        **{
            "event_id": "f1",
            "kind": "fired",
            "rule_id": "cpu-high",
            "rule_name": "CPU high",
            "pack": "hosts",
            "severity": "critical",
            "summary": "CPU high on web-1",
            "key": {"host": "web-1"},
            "values": {},
            "payload": {"host": "web-1", "cpu": 97.5},
            "source_event_ids": ("e1",),
            "time": NOON,
            "last_at": NOON,
            "count": 1,
            "recorded_at": NOON + 5,
            **changes,
        }
    )


def a_definition(*actions: ActionSpec, **changes: Any) -> Definition:
    rule = Rule(
        **{
            "id": "cpu-high",
            "name": "CPU high",
            "trigger": EventTrigger(),
            "actions": actions,
            "severity": "critical",
            "owner": "platform@example.com",
            **changes,
        }
    )
    return Definition(rule=rule, document={}, pack="hosts", file="hosts.yaml", line=3)
