"""A dead endpoint, what dies of it, and how it is sent again once the endpoint is back."""

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.command import cepd
from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import SECRET, write_tree
from tests.support.receiver import Received, Receiver

CHANNEL = """
kind: Channel
name: ops
type: webhook
url: {env: OPS_URL}
secret: {env: OPS_SECRET}
allow_private: true
retry: {delays: [50ms, 50ms]}
circuit_breaker: {failure_threshold: 100}
"""
PACK = """
kind: RulePack
name: hosts
rules:
  - id: cpu
    trigger: {type: event, event_type: host.cpu}
    when: cpu_percent > 90
    group_by: [host]
    actions:
      - {type: notify, channels: [ops], message: "CPU {{ cpu_percent }} on {{ host }}"}
      - type: webhook
        endpoint: {env: OTHER_URL}
        headers: {Authorization: {env: OTHER_TOKEN}}
        retry: {delays: [50ms]}
        circuit_breaker: {failure_threshold: 100}
"""
TOKEN = "Bearer 0123456789abcdef"


def deliveries(daemon: Daemon, query: str) -> list[dict[str, Any]]:
    return list(daemon.get(f"/cep/deliveries?{query}").json()["deliveries"])


def test_what_died_of_a_dead_endpoint_goes_out_under_the_same_id_once_it_is_back(tmp_path: Path) -> None:
    back = threading.Event()

    def answer(received: Received, number: int) -> tuple[int, Mapping[str, str], bytes]:
        return (204 if back.is_set() else 503), {}, b""

    files = {
        "channels.yaml": CHANNEL,
        "packs/hosts.yaml": PACK,
        "cepd.yaml": "egress: {allow: [127.0.0.1]}\n",
    }
    with Receiver(answer) as ops, Receiver(answer) as other:
        root = write_tree(tmp_path / "tree", files)
        environment = {"OPS_URL": ops.url, "OPS_SECRET": SECRET, "OTHER_URL": other.url, "OTHER_TOKEN": TOKEN}
        with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
            daemon.ingest(*({"type": "host.cpu", "host": f"h{number}", "cpu_percent": 99} for number in range(3)))
            dead = eventually(lambda: found if len(found := deliveries(daemon, "state=dead")) == 6 else None)
            targets = {one["target"] for one in dead}
            assert targets == {"ops", "POST env:OTHER_URL"}
            before = {one.headers["webhook-id"] for one in ops.received}
            assert len(ops.received) == 9, "three messages, each tried three times"

            shown = daemon.get(
                f"/cep/deliveries/{deliveries(daemon, 'channel=POST%20env:OTHER_URL')[0]['delivery_id']}"
            )
            assert json.loads(shown.json()["request"])["headers"]["Authorization"] == {
                "env": "OTHER_TOKEN",
                "file": None,
            }
            assert [one["status"] for one in shown.json()["attempts"]] == [503, 503]
            assert TOKEN not in shown.body.decode()
            assert SECRET not in shown.body.decode()

            back.set()
            done = cepd("deliveries", "redrive", "--all", "--target", "ops", "--yes", "--url", daemon.url)
            assert (done.returncode, done.stdout.count("goes out")) == (0, 3)
            eventually(lambda: len(deliveries(daemon, "target=ops&state=sent")) == 3, what="the second delivery")
            assert {one.headers["webhook-id"] for one in ops.received} == before
            assert len(ops.received) == 12
            again = deliveries(daemon, "target=ops")
            assert {(one["redriven_by"], one["tries"], one["reason"]) for one in again} == {("local", 4, None)}
            assert len(deliveries(daemon, "state=dead")) == 3, "the other endpoint was not asked for"

            name = deliveries(daemon, "state=dead")[0]["delivery_id"]
            assert cepd("deliveries", "drop", name, "--url", daemon.url).returncode == 0
            refused = daemon.request("POST", f"/cep/deliveries/{again[0]['delivery_id']}/redrive")
            assert (refused.status, refused.json()["state"]) == (409, "sent")

            lines = daemon.get("/metrics").body.decode().splitlines()
            for expected in (
                'cepd_deliveries_total{channel="ops",outcome="dead"} 3.0',
                'cepd_deliveries_total{channel="ops",outcome="sent"} 3.0',
                'cepd_deliveries_total{channel="POST env:OTHER_URL",outcome="suppressed"} 1.0',
                'cepd_delivery_attempt_duration_seconds_count{channel="ops"} 12.0',
                'cepd_delivery_latency_seconds_count{channel="ops"} 3.0',
                'cepd_channel_breaker_state{channel="ops"} 0.0',
                'cepd_outbox_dead{channel="POST env:OTHER_URL"} 2.0',
                "cepd_leases_lost_total 0.0",
            ):
                assert expected in lines
            assert daemon.stop() == 0
