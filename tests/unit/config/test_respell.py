"""Each key of whole documents misspelt, one at a time: one finding, with what was meant, and nothing built of it."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cepd.config.catalog import Catalog
from cepd.config.load import load
from cepd.config.respell import rename
from cepd.config.tree import Tree
from cepd.model.generation import Generation

CATALOG = Catalog(actions=frozenset({"webhook", "notify"}), channels=frozenset({"webhook"}))
HOOK = {"type": "webhook", "endpoint": "https://a.example.com"}

PACK: dict[str, Any] = {
    "kind": "RulePack",
    "name": "hosts",
    "description": "hosts",
    "owner": "ops@example.com",
    "rules": [
        {
            "id": "busy",
            "name": "Busy",
            "severity": "high",
            "priority": "P1",
            "owner": "ops@example.com",
            "backup_owner": "night@example.com",
            "trigger": {"type": "event", "event_type": ["host"], "source": "agent"},
            "when": {"logic": "AND", "conditions": [{"field": "cpu", "op": "==", "value": "A", "ignore_case": True}]},
            "group_by": ["host"],
            "window": {"type": "tumbling", "size": "1d", "align": "calendar", "timezone": "Asia/Seoul"},
            "aggregate": {"load": {"fn": "percentile", "field": "cpu", "p": 95}},
            "having": "load > 3",
            "actions": [
                {"type": "notify", "channels": ["ops"], "message": "{{ host }}"},
                {**HOOK, "method": "POST", "headers": {"A": "b"}, "timeout": "5s"},
            ],
        },
        {
            "id": "hot",
            "enabled": True,
            "trigger": {"type": "metric", "metric": "cpu", "op": ">", "threshold": 85},
            "actions": [HOOK],
        },
        {
            "id": "polled",
            "enabled": False,
            "trigger": {
                "type": "metric",
                "metric": "cpu",
                "op": ">",
                "threshold": 85,
                "poll": {"url": "https://m.example.com", "method": "GET", "every": "1m", "value_path": "a.b"},
            },
            "actions": [HOOK],
        },
    ],
}
CHANNEL: dict[str, Any] = {
    "kind": "Channel",
    "name": "ops",
    "type": "webhook",
    "description": "operators",
    "default": True,
    "url": {"env": "URL"},
    "timeout": "5s",
    "retry": {"delays": ["1s"]},
}
SETTINGS: dict[str, Any] = {"lateness": "5s", "egress": {"allow": ["hooks.internal"]}, "ignore": ["drafts"]}
BARE_EVENT: dict[str, Any] = {
    "rule_id": "e",
    "rule_name": "E",
    "trigger_type": "event",
    "trigger_spec": {"event_type": "x", "source": "y", "field": "a", "op": ">", "value": 1},
    "composite_condition": {
        "logic": "OR",
        "conditions": [
            {"field": "b", "operator": ">", "value": 1, "ignore_case": False},
            {"metricName": "c", "op": "==", "threshold": 1},
        ],
    },
    "severity": "high",
    "priority": "P1",
    "owner": "ops@example.com",
    "backup_owner": "night@example.com",
    "action_spec": {"type": "notify", "channels": ["ops"], "message": "{{ a }}"},
}
BARE_METRIC: dict[str, Any] = {
    "rule_id": "m",
    "trigger_type": "metric",
    "trigger_spec": {"metricName": "cpu", "operator": ">", "threshold": 85, "aggregation": "avg", "duration": "5m"},
    "action_config": {"action": "webhook", "circuit_breaker": {"failure_threshold": 3}},
    "actions": [HOOK],
}
BARE_TREE: dict[str, Any] = {
    "rule_id": "t",
    "trigger_spec": {"logic": "AND", "conditions": [{"field": "a", "op": ">", "value": 1}]},
    "window_config": {"type": "sliding", "size": "5m", "slide": "1m"},
    "aggregation": {"type": "avg", "field": "a", "outputAlias": "load", "groupBy": "host"},
    "having": "load > 3",
    "timeout_seconds": 3,
    "action_spec": {"endpoint": "https://a.example.com", "timeout_seconds": 3},
}
BARE_SCHEDULE: dict[str, Any] = {
    "rule_id": "s",
    "enabled": False,
    "trigger_type": "schedule",
    "trigger_spec": {"scheduleExpression": "0 9 * * *", "timezone": "Asia/Seoul"},
    "action_spec": HOOK,
}
DOCUMENTS = {
    "pack.yaml": PACK,
    "channel.yaml": CHANNEL,
    "cepd.yaml": SETTINGS,
    "event.json": BARE_EVENT,
    "metric.json": BARE_METRIC,
    "tree.json": BARE_TREE,
    "schedule.json": BARE_SCHEDULE,
}
FREE = {"aggregate", "headers"}
"""Mappings whose keys are the author's own."""


def generation(**changed: Any) -> Generation:
    documents = DOCUMENTS | changed
    files = {name: json.dumps(document, indent=1).encode() for name, document in sorted(documents.items())}
    return load(Tree(root=Path("/nowhere"), files=files), CATALOG)


def keys(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    for key, member in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        if isinstance(key, str) and not (path and path[-1] in FREE):
            yield (*path, key)
        yield from keys(member, (*path, key))


def swaps(word: str) -> Iterator[str]:
    """Every way to swap two neighbours that differ: at most three, over the whole word."""
    found = [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)]
    different = [other for other in found if other != word]
    yield from dict.fromkeys((different[0], different[len(different) // 2], different[-1]))


SLIPS = [
    (file, path, slip)
    for file, document in DOCUMENTS.items()
    for path in keys(document)
    if len(str(path[-1])) > 1
    for slip in swaps(str(path[-1]))
]


USUAL = Counter(problem.code for problem in generation().problems)
"""Warnings of what does not run yet; a rule with an error has none."""


def test_as_they_stand_nothing_is_found() -> None:
    whole = generation()
    assert [problem.code for problem in whole.problems if problem.severity == "error"] == []
    assert len(whole.definitions) == 7


@pytest.mark.parametrize(("file", "path", "slip"), SLIPS)
def test_a_misspelt_key_is_one_finding_that_says_what_is_meant(
    file: str, path: tuple[str | int, ...], slip: str
) -> None:
    changed = rename(DOCUMENTS[file], path, slip)
    broken = generation(**{file: changed})
    found = [problem for problem in broken.problems if problem.severity == "error"]
    assert [(problem.file, problem.help) for problem in found] == [(file, f"did you mean {str(path[-1])!r}?")]
    assert Counter(problem.code for problem in broken.problems) - USUAL == Counter([found[0].code])
    lines = json.dumps(changed, indent=1).split("\n")
    assert lines[found[0].line - 1][found[0].column - 1 :].startswith(json.dumps(slip))
