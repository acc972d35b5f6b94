"""What people do to alerts, against the live daemon: over a kill, with an end of its own, and in the metrics."""

import time
from pathlib import Path
from typing import Any

from tests.support.daemon import Daemon, eventually

PACK = """
kind: RulePack
name: hosts
rules:
  - id: cpu
    severity: high
    trigger: {type: event, event_type: host.cpu}
    group_by: [host]
    actions: [{type: webhook, endpoint: "http://127.0.0.1:9/"}]
"""


def write_tree(root: Path) -> Path:
    root.mkdir()
    (root / "cepd.yaml").write_text("ack_sla: 1ms\negress: {allow: ['127.0.0.1:9']}\n", encoding="utf-8")
    (root / "hosts.yaml").write_text(PACK, encoding="utf-8")
    return root


def post(daemon: Daemon, path: str, body: Any) -> dict[str, Any]:
    answer = daemon.request("POST", f"/cep/events/{path}", body)
    assert answer.status == 200, answer.body
    found: dict[str, Any] = answer.json()
    return found


def detail(daemon: Daemon, event_id: str) -> dict[str, Any]:
    found: dict[str, Any] = daemon.get(f"/cep/events/{event_id}").json()
    return found


def scraped(daemon: Daemon) -> list[str]:
    return daemon.get("/metrics").body.decode().splitlines()


def test_people_and_alerts(tmp_path: Path) -> None:
    root, data = write_tree(tmp_path / "rules"), tmp_path / "data"
    with Daemon(root, data).wait_ready() as daemon:
        daemon.ingest(*({"type": "host.cpu", "host": host} for host in "abcd"))
        eventually(lambda: len(daemon.alerts()) == 4)
        ids = {one["key"]["host"]: one["event_id"] for one in daemon.alerts()}
        post(daemon, f"{ids['a']}/ack", {"by": "alice", "until": time.time() + 0.4})
        post(daemon, f"{ids['b']}/ack", {"by": "alice", "source": "cli"})
        post(daemon, f"{ids['c']}/resolve", {"by": "bob", "note": "rebooted"})
        post(daemon, f"{ids['b']}/verdict", {"verdict": "true_positive"})
        post(daemon, f"{ids['c']}/verdict", {"verdict": "false_positive"})
        eventually(lambda: detail(daemon, ids["a"])["state"] == "open", what="the end of an acknowledgement")
        history = detail(daemon, ids["a"])["history"]
        assert [(line["kind"], line["by"]) for line in history] == [("ack", "alice"), ("lapse", "cepd")]
        assert history[1]["at"] == history[0]["until"]
        expected = {
            'cepd_acks_total{source="api"} 1.0',
            'cepd_acks_total{source="cli"} 1.0',
            'cepd_time_to_ack_seconds_bucket{le="60.0",severity="high"} 2.0',
            'cepd_time_to_ack_seconds_count{severity="high"} 2.0',
            'cepd_alerts_unacknowledged{severity="high"} 2.0',
            'cepd_alerts_unacknowledged_over_sla{severity="high"} 2.0',
            'cepd_rule_alerts_judged{rule="cpu",verdict="false_positive"} 1.0',
            'cepd_rule_false_positive_ratio{rule="cpu"} 0.5',
        }
        eventually(lambda: expected <= set(scraped(daemon)), what=str(expected))
        post(daemon, "ack", {"filter": {"rule_id": "cpu"}, "by": "carol", "until": time.time() + 0.2})
        daemon.kill()
    with Daemon(root, data).wait_ready() as daemon:
        eventually(lambda: detail(daemon, ids["d"])["state"] == "open", what="an end that came meanwhile")
        assert [line["kind"] for line in detail(daemon, ids["d"])["history"]] == ["ack", "lapse"]
        assert detail(daemon, ids["b"])["acked_by"] == "alice"
        closed = detail(daemon, ids["c"])
        assert (closed["state"], closed["resolved_by"], closed["verdict"]) == ("resolved", "bob", "false_positive")
        assert daemon.request("POST", f"/cep/events/{ids['c']}/ack", {"by": "alice"}).status == 410
        assert daemon.stop() == 0
