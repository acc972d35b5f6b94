"""The example repository is true: it validates without a word, shows every kind of rule, and its recording fires what
it says."""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cepd.config.load import load
from cepd.config.tree import read_tree
from cepd.model.rule import Rule, SequenceTrigger
from cepd.plugins import built

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
RECORDING = EXAMPLES / "recordings/shop.ndjson"


@pytest.mark.parametrize("tree", ["examples", "rulepacks"])
@pytest.mark.parametrize("verb", [["validate", "--strict"], ["test"]], ids=" ".join)
def test_the_shipped_trees_hold(tree: str, verb: list[str]) -> None:
    command = [sys.executable, "-m", "cepd", *verb, str(ROOT / tree)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout.decode()


def has_trigger(kind: str) -> Callable[[Rule], bool]:
    return lambda rule: type(rule.trigger).__name__ == f"{kind}Trigger"


def has_window(kind: str, emit: str) -> Callable[[Rule], bool]:
    return lambda rule: rule.window is not None and (rule.window.type, rule.window.emit) == (kind, emit)


def has_steps(order: str, *roles: str) -> Callable[[Rule], bool]:
    def found(rule: Rule) -> bool:
        trigger = rule.trigger
        return isinstance(trigger, SequenceTrigger) and trigger.order == order and set(roles) <= roles_of(trigger)

    return found


def roles_of(trigger: SequenceTrigger) -> set[str]:
    return {step.role for step in trigger.steps} | {"count" for step in trigger.steps if step.count > 1}


SHOWN: dict[str, Callable[[Rule], bool]] = {
    "event": lambda rule: has_trigger("Event")(rule) and rule.window is None,
    "metric": has_trigger("Metric"),
    "tumbling": has_window("tumbling", "close"),
    "eager": has_window("tumbling", "eager"),
    "calendar": lambda rule: rule.window is not None and rule.window.timezone == "Asia/Seoul",
    "sliding": has_window("sliding", "close"),
    "session": has_window("session", "close"),
    "for": lambda rule: rule.hold is not None,
    "resolve": lambda rule: rule.resolve is not None and rule.resolve.after is None,
    "resolve after silence": lambda rule: rule.resolve is not None and rule.resolve.after is not None,
    "sequence with not and count": has_steps("strict", "not", "count"),
    "sequence with absent": has_steps("strict", "absent"),
    "sequence in any order": has_steps("any"),
    "absence": has_trigger("Absence"),
    "new value": has_trigger("NewValue"),
    "anomaly": has_trigger("Anomaly"),
    "suppress": lambda rule: rule.suppress is not None and rule.suppress.summary,
    "suppress without a summary": lambda rule: rule.suppress is not None and not rule.suppress.summary,
    "storm guard": lambda rule: rule.max_alerts < 100,
    "several actions": lambda rule: len(rule.actions) > 1,
}


@pytest.mark.parametrize("shown", SHOWN)
def test_the_examples_show(shown: str) -> None:
    definitions = load(read_tree(EXAMPLES), built()).definitions
    assert any(SHOWN[shown](definition.rule) for definition in definitions)


def test_the_recording_fires_what_a_plain_loop_finds() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cepd", "simulate", str(EXAMPLES), "--events", str(RECORDING), "--format", "json"],
        capture_output=True,
        timeout=60,
        check=True,
    )
    rules = json.loads(done.stdout)["rules"]
    events = [json.loads(line) for line in RECORDING.read_text().splitlines()]
    errors = [e for e in events if e["type"] == "service.error"]
    expected = {
        "critical_error": sum(e["severity"] == "critical" for e in errors),
        "escalation": sum(e["type"] == "payment.retry" and e["retry"] > 3 for e in events),
        "slow-checkout": sum(
            e["type"] == "checkout.done" and e["ms"] > 2000 and e["outcome"] not in ("refused", "cancelled")
            for e in events
        ),
        "error-burst": minutes_with_five_errors(errors),
        "checkout-p95": slow_five_minutes([e for e in events if e["type"] == "checkout.done"]),
    }
    assert {rule: rules[rule]["firings"] for rule in rules} == dict.fromkeys(rules, 0) | expected
    assert all(expected.values())


def minutes_with_five_errors(errors: list[dict[str, Any]]) -> int:
    minutes = [e["ts"] // 60 for e in errors if e["severity"] in ("error", "critical")]
    return sum(minutes.count(minute) >= 5 for minute in set(minutes))


def slow_five_minutes(checkouts: list[dict[str, Any]]) -> int:
    """Windows of five minutes, one for each full minute, whose 95th percentile by nearest rank is above 1.5 s."""
    found = 0
    for end in range(int(checkouts[0]["ts"]) // 60 * 60, int(checkouts[-1]["ts"]) + 360, 60):
        inside = sorted(e["ms"] for e in checkouts if end - 300 <= e["ts"] < end)
        found += len(inside) >= 50 and inside[math.ceil(0.95 * len(inside)) - 1] > 1500
    return found
