"""The whole way through the house: events in, an alert stored, a message out, acknowledged by a person."""

import json
import signal
import time
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import SECRET, write_tree
from tests.support.receiver import Receiver


def test_from_a_thousand_lines_to_one_acknowledged_alert(tmp_path: Path) -> None:
    bad = {
        100: b"{not json",
        200: b"[1, 2]",
        300: b'"text"',
        400: b'{"cpu_percent": NaN}',
        500: b'{"a": 01}',
        600: b'{"a": "\\u12"}',
        700: b"null",
        800: b'{"a": 1} trailing',
        900: b'{"a": ' + b"[" * 500 + b"]" * 500 + b"}",
        1000: b'{"unfinished": ',
    }
    lines = []
    for number in range(1, 1001):
        event = {"type": "host.cpu", "id": f"e{number}", "host": "web-1", "cpu_percent": 95.5 if number == 7 else 10}
        lines.append(bad.get(number) or json.dumps(event).encode())
    body = b"\n".join(lines)
    with Receiver() as receiver:
        root = write_tree(tmp_path / "tree")
        environment = {"OPS_URL": receiver.url, "OPS_SECRET": SECRET}
        with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
            answer = daemon.request("POST", "/ingest", body, {"Content-Type": "application/x-ndjson"})
            assert answer.status == 202
            assert answer.json()["accepted"] == 990
            assert [one["line"] for one in answer.json()["rejected"]] == sorted(bad)
            assert all(one["reason"] for one in answer.json()["rejected"])

            alert = eventually(lambda: daemon.alerts(), what="the alert")[0]
            assert (alert["rule_id"], alert["key"], alert["severity"]) == ("cpu", {"host": "web-1"}, "critical")
            assert (alert["state"], alert["ack"], alert["count"]) == ("open", "UNACK", 1)
            assert alert["source_event_ids"] == ["e7"]
            stats = daemon.get("/cep/rules/cpu").json()["stats"]
            assert (stats["matched"], stats["fired"], stats["alerts"], stats["errors"]) == (1, 1, 1, 0)

            message = eventually(lambda: receiver.received, what="the webhook")[0]
            Webhook(SECRET).verify(message.body, dict(message.headers))
            told = json.loads(message.body)
            assert told["type"] == "alert.fired"
            assert told["event_id"] == alert["event_id"]
            assert told["message"] == "CPU 95.5 on web-1"

            again = daemon.request("POST", "/ingest", body, {"Content-Type": "application/x-ndjson"})
            assert (again.status, again.json()["accepted"], again.json()["duplicates"]) == (202, 0, 990)
            assert len(daemon.alerts()) == 1
            assert daemon.alerts()[0]["count"] == 1
            eventually(lambda: daemon.alerts()[0]["channels"] == {"ops": "sent"}, what="the settled delivery")
            assert len(receiver.received) == 1

            path = f"/cep/events/{alert['event_id']}"
            first = daemon.request("POST", f"{path}/ack", {"by": "alice", "note": "on it"})
            assert (first.status, first.json()["ack"], first.json()["acked_by"]) == (200, "ACK", "alice")
            repeated = daemon.request("POST", f"{path}/ack", {"by": "alice"})
            assert repeated.status == 200
            assert repeated.json()["acked_at"] == first.json()["acked_at"]
            refused = daemon.request("POST", f"{path}/ack", {"by": "bob"})
            assert refused.status == 409
            assert "alice" in json.dumps(refused.json())
            stolen = daemon.request("POST", f"{path}/ack", {"by": "bob", "steal": True})
            assert (stolen.status, stolen.json()["acked_by"]) == (200, "bob")
            history = daemon.get(path).json()["history"]
            assert [(one["kind"], one["by"], one["before"], one["after"]) for one in history] == [
                ("ack", "alice", "open", "acked"),
                ("steal", "bob", "acked", "acked"),
            ]
            assert all(one["at"] for one in history)
            assert daemon.request("POST", "/cep/events/none/ack").status == 404
            assert daemon.stop() == 0


def test_an_acknowledgement_and_the_duplicate_horizon_survive_a_restart(tmp_path: Path) -> None:
    with Receiver() as receiver:
        root = write_tree(tmp_path / "tree")
        environment = {"OPS_URL": receiver.url, "OPS_SECRET": SECRET}
        event = {"type": "host.cpu", "id": "one", "host": "web-1", "cpu_percent": 99}
        with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
            assert daemon.ingest(event).status == 202
            alert = eventually(lambda: daemon.alerts())[0]
            eventually(lambda: receiver.received)
            assert daemon.request("POST", f"/cep/events/{alert['event_id']}/ack", {"by": "alice"}).status == 200
            assert daemon.stop() == 0
        with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
            found = daemon.alerts()
            assert [(one["event_id"], one["acked_by"]) for one in found] == [(alert["event_id"], "alice")]
            assert daemon.ingest(event).json() == {"accepted": 0, "duplicates": 1, "rejected": []}
            daemon.ingest({"type": "host.cpu", "id": "two", "host": "web-1", "cpu_percent": 98})
            folded = eventually(lambda: [one for one in daemon.alerts() if one["count"] == 2], what="the fold")
            assert folded[0]["acked_by"] == "alice"
            assert len(receiver.received) == 1
            assert daemon.stop() == 0


def test_a_term_signal_ends_the_daemon_within_two_seconds_with_a_connection_open(tmp_path: Path) -> None:
    import socket

    root = write_tree(tmp_path / "tree")
    environment = {"OPS_URL": "http://127.0.0.1:9/", "OPS_SECRET": SECRET}
    with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
        port = int(daemon.url.rsplit(":", 1)[1])
        with (
            socket.create_connection(("127.0.0.1", port)) as idle,
            socket.create_connection(("127.0.0.1", port)) as half,
        ):
            idle.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert idle.recv(100).startswith(b"HTTP/1.1 200")
            half.sendall(b"POST /ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
            started = time.monotonic()
            daemon.signal(signal.SIGTERM)
            assert daemon.wait() == 0
            assert time.monotonic() - started < 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_deliveries_that_were_not_sent_are_sent_after_the_next_start(tmp_path: Path, number: int) -> None:
    root = write_tree(tmp_path / "tree")
    refusing = {"OPS_URL": "http://127.0.0.1:9/", "OPS_SECRET": SECRET}
    with Daemon(root, tmp_path / "data", environment=refusing).wait_ready() as daemon:
        daemon.ingest({"type": "host.cpu", "id": "one", "host": "web-1", "cpu_percent": 99})
        eventually(lambda: daemon.alerts())
        daemon.signal(number)
        assert daemon.wait() == 0
    with Receiver() as receiver:
        environment = {"OPS_URL": receiver.url, "OPS_SECRET": SECRET}
        with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
            eventually(lambda: receiver.received, what="the owed message")
            assert daemon.stop() == 0
