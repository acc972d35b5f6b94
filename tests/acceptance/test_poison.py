"""An event over which the daemon dies is found, put aside and told; all others make their alerts, once each."""

import json
import signal
import sys
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.support.command import cepd
from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import SECRET, write_tree
from tests.support.receiver import Receiver

ROOT = Path(__file__).parents[2]
EVENTS = [
    {"type": "host.cpu", "id": f"e{place}", "host": f"web-{place}", "cpu_percent": 99, "note": note}
    for place, note in enumerate(("fine", "fine", "POISON", "fine", "fine"))
]


@pytest.mark.parametrize(("way", "code"), [("killed", -signal.SIGKILL), ("unspeakable", 70)])
def test_an_event_over_which_the_daemon_dies_is_left_out(tmp_path: Path, way: str, code: int) -> None:
    root, data = write_tree(tmp_path / "tree"), tmp_path / "data"
    command = (sys.executable, "-m", "tests.support.poisoned", way)
    with Receiver() as receiver:
        environment = {"OPS_URL": receiver.url, "OPS_SECRET": SECRET}

        def daemon() -> Daemon:
            return Daemon(root, data, environment=environment, command=command, cwd=ROOT)

        with daemon().wait_ready() as first:
            assert first.ingest({"type": "other", "id": "before"}).status == 202
            try:
                first.ingest(*EVENTS)
            except (URLError, ConnectionError):
                assert way == "killed"
            assert first.wait() == code
        for number in range(2):
            with daemon() as again:
                assert again.wait(60) == code, again.raw
                assert bool(again.events("row replayed event by event")) is bool(number)
                assert not again.events("event quarantined")
        with daemon().wait_ready() as mended:
            (told,) = mended.events("event quarantined")
            assert told["place"] == 2
            assert told["level"] == "error"
            kept = json.loads((data / told["file"]).read_bytes())
            assert json.loads(kept["line"])["id"] == "e2"
            eventually(lambda: len(receiver.received) == 4, what="the messages of the others")
            hosts = [alert["key"]["host"] for alert in mended.alerts()]
            assert sorted(hosts) == ["web-0", "web-1", "web-3", "web-4"]
            assert b"\ncepd_events_quarantined 1.0\n" in mended.get("/metrics").body
            assert mended.ingest(*EVENTS).json()["duplicates"] == 5, "it was accepted, and is not taken again"
            mended.kill()
        recording = tmp_path / "recording.ndjson"
        assert cepd("record", "--data-dir", data, "-o", recording).returncode == 0
        text = recording.read_text(encoding="utf-8")
        assert "web-4" in text
        assert "POISON" not in text
        with daemon().wait_ready() as later:
            assert not later.events("event quarantined"), "told once, and left out still"
            assert len(later.alerts()) == 4
            assert later.ingest(EVENTS[0] | {"id": "new", "host": "web-9"}).status == 202
            eventually(lambda: len(receiver.received) == 5, what="life after the poison")
            assert later.stop() == 0
