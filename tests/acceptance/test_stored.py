"""The action store in the real daemon: a line for each alert, once, also where it is killed behind the write."""

import json
import signal
import sys
from pathlib import Path

import pytest

from tests.support.daemon import Daemon, eventually, ingest_or_die
from tests.support.ops_tree import write_tree

ROOT = Path(__file__).parents[2]
PACK = """
kind: RulePack
name: hosts
rules:
  - id: cpu
    trigger: {type: event, event_type: host.cpu}
    when: cpu_percent > 90
    group_by: [host]
    actions:
      - {type: store, target: "file:alerts.ndjson"}
"""


def event(name: str) -> dict[str, object]:
    return {"type": "host.cpu", "id": name, "host": "web-1", "cpu_percent": 99}


@pytest.mark.parametrize("point", ["claimed", "line kept"])
def test_each_alert_is_a_line_once(tmp_path: Path, point: str) -> None:
    armed, data = tmp_path / "armed", tmp_path / "data"
    root = write_tree(tmp_path / "tree", {"pack.yaml": PACK})
    command = (sys.executable, "-m", "tests.support.killpoint", point, str(armed))
    with Daemon(root, data, command=command, cwd=ROOT).wait_ready() as daemon:
        armed.touch()
        ingest_or_die(daemon, event("one"))
        assert daemon.wait() == -signal.SIGKILL
    with Daemon(root, data).wait_ready() as daemon:
        daemon.ingest(event("one"), event("two"), event("three"))
        told = [{"file:alerts.ndjson": "sent"}] * 3
        eventually(lambda: [alert["channels"] for alert in daemon.alerts()] == told, what="three lines")
        alerts = daemon.alerts()
    lines = [json.loads(line) for line in (data / "stored/alerts.ndjson").read_text().splitlines()]
    assert sorted(line["event_id"] for line in lines) == sorted(alert["event_id"] for alert in alerts)
    assert len({line["id"] for line in lines}) == 3
