"""`cepd record` beside a running daemon, and its replay: what the daemon fired, exactly."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import cepd
from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import CHANNEL, SECRET, write_tree

ROOT = Path(__file__).parents[2]
PACK = """
kind: RulePack
name: hosts
rules:
  - id: cpu
    trigger: {type: event, event_type: host.cpu}
    when: cpu_percent > 90
    group_by: [host]
    suppress: 1h
    actions: [{type: notify, channels: [ops]}]
  - id: busy
    trigger: {type: event, event_type: host.cpu}
    group_by: [host]
    window: {type: tumbling, size: 1s}
    aggregate: {mean: {fn: avg, field: cpu_percent}}
    having: mean > 84
    actions: [{type: notify, channels: [ops]}]
"""

FILES = {"cepd.yaml": "lateness: 200ms\n", "channels.yaml": CHANNEL, "packs/hosts.yaml": PACK}


def replayed(*arguments: object, out: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The report and the firings of a simulation."""
    done = cepd("simulate", *arguments, "--firings", out, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), [json.loads(line) for line in out.read_text().splitlines()]


@pytest.mark.parametrize("trimmed", [False, True])
def test_the_replay_of_a_recording_fires_what_the_daemon_fired(tmp_path: Path, trimmed: bool) -> None:
    root = write_tree(tmp_path / "tree", FILES)
    recording = tmp_path / "recording.ndjson.gz"
    environment = {"OPS_URL": "http://127.0.0.1:9/", "OPS_SECRET": SECRET, "SEGMENT_SIZE": "2000" if trimmed else ""}
    command = (sys.executable, "-m", "tests.support.killpoint", "settled", str(tmp_path / "never armed"))
    options = ("--snapshot-interval", "100ms" if trimmed else "1h")
    with Daemon(root, tmp_path / "data", *options, environment=environment, command=command, cwd=ROOT) as daemon:
        daemon.wait_ready()
        for number in range(120):
            event = {"type": "host.cpu", "host": f"h{number % 7}", "cpu_percent": 80 + number % 20}
            assert daemon.ingest(event).status == 202
            if number == 60:
                (root / "packs/hosts.yaml").write_text(PACK.replace("mean > 84", "mean > 85"), encoding="utf-8")
                assert daemon.request("POST", "/-/reload").status == 200
        if trimmed:
            oldest = lambda: min((tmp_path / "data/journal").glob("*.journal")).stem  # noqa: E731
            eventually(lambda: daemon.ingest({"type": "other"}) and int(oldest()) > 1, what="a trimmed journal")
        eventually(
            lambda: daemon.ingest({"type": "other"}) and [one for one in daemon.alerts() if one["rule_id"] == "busy"],
            what="a closed window",
        )
        daemon.ingest({"type": "host.cpu", "host": "late", "cpu_percent": 99})
        late = lambda: [one for one in daemon.alerts() if one["key"].get("host") == "late"]  # noqa: E731
        eventually(late, what="an alert of what no trimming has reached")
        eventually(lambda: daemon.get("/metrics").body.find(b"cepd_recorder_queue_length 0.0") > 0)
        done = cepd("record", "--data-dir", tmp_path / "data", "-o", recording)
        assert done.returncode == 0, done.stderr
        alerts = {one["event_id"]: one for one in daemon.alerts()}
        assert daemon.stop() == 0
    assert recording.stat().st_mode & 0o077 == 0
    report, firings = replayed("--events", recording, "--as-recorded", out=tmp_path / "firings.ndjson")
    fired = {one["id"] for one in firings if one["kind"] == "fired"}
    opened = fired & set(alerts)
    assert len(opened) == report["alerts"] > 0
    if not trimmed:
        assert opened == set(alerts), "each alert of the daemon, and no other"
        assert {alerts[one]["rule_id"] for one in opened} == {"cpu", "busy"}
    under_tree, _ = replayed(root, "--events", recording, out=tmp_path / "tree.ndjson")
    assert under_tree["events"] == report["events"]


def test_what_record_and_simulate_refuse(tmp_path: Path) -> None:
    done = cepd("record", "--data-dir", tmp_path, "-o", tmp_path / "out")
    assert done.returncode == 2
    assert "no journal" in done.stderr
    assert not (tmp_path / "out").exists()
    events = tmp_path / "events.ndjson"
    events.write_text('{"type": "host.cpu"}\n')
    done = cepd("simulate", "--as-recorded", "--events", events)
    assert done.returncode == 2
    assert "cepd record" in done.stderr
    done = cepd("simulate", "--as-recorded", "--rule", "r", "--events", events)
    assert done.returncode == 2
    events.write_text('{"cepd_recording":1,"version":"9","begins":"middle"}\n')
    done = cepd("simulate", "--as-recorded", "--events", events)
    assert done.returncode == 2
    assert "in the middle" in done.stderr
