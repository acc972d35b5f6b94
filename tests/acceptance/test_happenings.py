"""Rules on cepd's own happenings: a channel that dies raises an alert elsewhere, once, whenever it is killed."""

import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.daemon import Daemon, eventually, ingest_or_die
from tests.support.ops_tree import CHANNEL, PACK, SECRET, write_tree
from tests.support.receiver import Receiver

ROOT = Path(__file__).parents[2]
PAGER = CHANNEL.replace("name: ops", "name: pager").replace("OPS_URL", "PAGER_URL")
ESCALATION = """
kind: RulePack
name: escalation
rules:
  - id: undelivered
    severity: critical
    trigger: {type: event, event_type: cepd.delivery_failed}
    when: channel != "pager"
    actions:
      - {type: notify, channels: [pager], message: "{{ event.rule_id }} was not told over {{ channel }}: {{ reason }}"}
  - id: everything
    trigger: {type: event}
    when: type != "host.cpu"
    actions:
      - {type: notify, channels: [pager]}
"""
LOOP = """
kind: RulePack
name: loop
rules:
  - id: loop
    trigger: {type: event, event_type: [host.cpu, cepd.delivery_failed]}
    actions:
      - {type: notify, channels: [ops]}
"""
EVENT = {"type": "host.cpu", "id": "one", "host": "web-1", "cpu_percent": 99}


def tree(path: Path, *packs: str) -> Path:
    named = {f"packs/{number}.yaml": text for number, text in enumerate(packs)}
    return write_tree(path, {"channels.yaml": f"{CHANNEL}---{PAGER}", **named})


def dead() -> Receiver:
    return Receiver(lambda received, number: (404, {}, b"no such hook"))


def states(daemon: Daemon) -> dict[str, Any]:
    return {alert["rule_id"]: alert["channels"] for alert in daemon.alerts()}


SETTLED = {"cpu": {"ops": "dead", "cepd": "sent"}, "undelivered": {"pager": "sent"}}


@pytest.mark.parametrize("point", [None, "settled", "happening heard"])
def test_an_alert_that_is_not_delivered_raises_another_one_elsewhere(tmp_path: Path, point: str | None) -> None:
    armed, root = tmp_path / "armed", tree(tmp_path / "tree", PACK, ESCALATION)
    with dead() as ops, Receiver() as pager:
        environment = {"OPS_URL": ops.url, "PAGER_URL": pager.url, "OPS_SECRET": SECRET}
        if point is not None:
            command = (sys.executable, "-m", "tests.support.killpoint", point, str(armed))
            with Daemon(root, tmp_path / "data", environment=environment, command=command, cwd=ROOT) as daemon:
                daemon.wait_ready()
                armed.touch()
                ingest_or_die(daemon, EVENT)
                assert daemon.wait() == -signal.SIGKILL, f"the point {point!r} was not hit"
        with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
            assert daemon.ingest(EVENT).status == 202
            eventually(lambda: states(daemon) == SETTLED, what="both alerts")
            assert daemon.ingest({"type": "cepd.delivery_failed", "channel": "x"}).status == 400
            (undelivered,) = daemon.alerts("rule_id=undelivered")
            (failed,) = daemon.alerts("rule_id=cpu")
            assert undelivered["count"] == 1
            payload = daemon.get(f"/cep/events/{undelivered['event_id']}").json()["payload"]
            assert (payload["type"], payload["source"], payload["alert_id"], payload["channel"], payload["retry"]) == (
                "cepd.delivery_failed",
                "cepd",
                failed["event_id"],
                "ops",
                0,
            )
            assert len(daemon.alerts()) == 2, "no rule for every event hears of it"
            assert daemon.stop() == 0
        assert len({one.headers["webhook-id"] for one in pager.received}) == 1
        assert json.loads(pager.received[0].body)["message"].startswith("cpu was not told over ops: ")


@pytest.mark.parametrize("many", [False, True])
def test_an_ack_is_heard(tmp_path: Path, many: bool) -> None:
    acked = ESCALATION.replace("cepd.delivery_failed", "cepd.ack").replace('channel != "pager"', 'by == "kim"')
    root = tree(tmp_path / "tree", PACK, acked.replace("{{ channel }}: {{ reason }}", "{{ by }}"))
    with Receiver() as ops, Receiver() as pager:
        environment = {"OPS_URL": ops.url, "PAGER_URL": pager.url, "OPS_SECRET": SECRET}
        with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
            daemon.ingest(EVENT)
            (alert,) = eventually(lambda: daemon.alerts(), what="the alert")
            event_id = alert["event_id"]
            path = "/cep/events/ack" if many else f"/cep/events/{event_id}/ack"
            body = {"by": "kim", "ids": [event_id]} if many else {"by": "kim"}
            assert [daemon.request("POST", path, body).status for _ in range(2)] == [200, 200]
            eventually(lambda: states(daemon).get("undelivered") == {"pager": "sent"}, what="the rule on the ACK")
            assert len(daemon.alerts("rule_id=undelivered")) == 1


def test_rules_that_alert_about_their_own_alerts_come_to_an_end(tmp_path: Path) -> None:
    root = tree(tmp_path / "tree", LOOP)
    with dead() as ops:
        environment = {"OPS_URL": ops.url, "PAGER_URL": ops.url, "OPS_SECRET": SECRET}
        with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
            daemon.ingest(EVENT)
            ended = 'cepd_happenings_total{outcome="too_deep",type="cepd.delivery_failed"} 1.0\n'
            eventually(lambda: ended in daemon.get("/metrics").body.decode(), what="the end of the loop")
            assert len(daemon.alerts()) == 6, "that of the event, and five of happenings"
