"""The example repository is true: it validates without a word, and its recording fires what it says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


@pytest.mark.parametrize("tree", ["examples", "rulepacks"])
def test_the_shipped_trees_validate_strictly(tree: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cepd", "validate", str(ROOT / tree), "--strict"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()


def test_the_recording_fires_what_a_plain_loop_finds() -> None:
    recording = EXAMPLES / "recordings/shop.ndjson"
    done = subprocess.run(
        [sys.executable, "-m", "cepd", "simulate", str(EXAMPLES), "--events", str(recording), "--format", "json"],
        capture_output=True,
        timeout=60,
        check=True,
    )
    rules = json.loads(done.stdout)["rules"]
    events = [json.loads(line) for line in recording.read_text().splitlines()]
    expected = {
        "critical_error": sum(e["type"] == "service.error" and e["severity"] == "critical" for e in events),
        "escalation": sum(e["type"] == "payment.retry" and e["retry"] > 3 for e in events),
        "slow-checkout": sum(
            e["type"] == "checkout.done" and e["ms"] > 2000 and e["outcome"] not in ("refused", "cancelled")
            for e in events
        ),
    }
    assert {rule: rules[rule]["firings"] for rule in expected} == expected
    assert all(expected.values())
    assert rules["critical_cpu"] == {"firings": 0, "alerts": 0}
