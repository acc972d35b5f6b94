"""The daemon and receivers of every kind at once: each message ends as the retry table says, and none waits for others.

What each kind is and how it ends: `tests/support/behaviours.py`.
"""

from datetime import datetime
from pathlib import Path
from typing import Any

from tests.support.behaviours import BEHAVIOURS, PATIENT, Receivers, channels
from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import write_tree
from tests.support.wire import silent

FINAL = {"sent", "dead", "unknown", "superseded", "expired", "suppressed"}


def pack(names: list[str]) -> str:
    return f"""
kind: RulePack
name: hosts
rules:
  - id: cpu
    severity: high
    trigger: {{type: event, event_type: host.cpu}}
    when: cpu_percent > 90
    group_by: [host]
    actions:
      - {{type: notify, channels: [{", ".join(names)}], message: "CPU {{{{ cpu_percent }}}} on {{{{ host }}}}"}}
"""


def fire(daemon: Daemon, *hosts: str) -> None:
    events = [{"type": "host.cpu", "id": f"e-{host}", "host": host, "cpu_percent": 99} for host in hosts]
    assert daemon.ingest(*events).status == 202


def detail(daemon: Daemon) -> dict[str, Any]:
    """The newest alert, whole."""
    (alert,) = eventually(lambda: daemon.alerts("limit=1"), what="the alert")
    found: dict[str, Any] = daemon.get(f"/cep/events/{alert['event_id']}").json()
    return found


def test_each_ends_as_the_table_says(tmp_path: Path) -> None:
    scripts = {name: behaviour.script for name, behaviour in BEHAVIOURS.items()}
    with Receivers(
        {**scripts, "stand-in": BEHAVIOURS["fine"].script, "gone": BEHAVIOURS["refusing-410"].script}
    ) as receivers:
        places = [(name, receivers.url(name), behaviour.timeout) for name, behaviour in BEHAVIOURS.items()]
        tree = {
            "channels.yaml": channels(places),
            "more.yaml": channels([("gone", receivers.url("gone"), PATIENT)], "fallback: stand-in")
            + "\n---\n"
            + channels([("stand-in", receivers.url("stand-in"), PATIENT)]),
            "hosts.yaml": pack([*BEHAVIOURS, "gone"]),
        }
        with Daemon(write_tree(tmp_path / "tree", tree), tmp_path / "data").wait_ready() as daemon:
            fire(daemon, "web-1")

            def ended() -> list[dict[str, Any]]:
                found = detail(daemon)["deliveries"]
                return found if {one["state"] for one in found} <= FINAL else []

            found = {one["target"]: one for one in eventually(ended, 60, "the end of all deliveries")}
            assert daemon.stop() == 0
    for name, behaviour in BEHAVIOURS.items():
        attempts = found[name]["attempts"]
        assert found[name]["state"] == behaviour.state, name
        assert tuple(attempt["result"] for attempt in attempts) == behaviour.results, name
        assert tuple(attempt["status"] for attempt in attempts) == behaviour.statuses, name
        ids = {
            line
            for request in receivers.wires[name].requests
            for line in request.split(b"\r\n")
            if b"webhook-id" in line
        }
        assert ids == {f"webhook-id: {found[name]['delivery_id']}".encode()}, name
    assert (found["gone"]["state"], found["stand-in"]["state"]) == ("dead", "sent")
    for name in ("busy-seconds", "back-soon", "busy-date"):
        first, second = found[name]["attempts"][:2]
        waited = _seconds(second["started_at"]) - _seconds(first["ended_at"])
        assert waited >= 0.9, f"{name} asked for 1 s or more"
    moved = [request for name, wire in receivers.wires.items() for request in wire.requests if b"/elsewhere" in request]
    assert not moved, "no redirect is followed"


def test_what_is_urgent_takes_the_other_way_while_the_breaker_is_open_also_after_a_restart(tmp_path: Path) -> None:
    with Receivers({"ops": BEHAVIOURS["down-503"].script, "mail": BEHAVIOURS["fine"].script}) as receivers:
        ops, mail = receivers.wires["ops"], receivers.wires["mail"]
        first = channels([("ops", receivers.url("ops"), PATIENT)], "fallback: mail")
        first = first.replace("delays: [50ms, 50ms]", "delays: [1h]").replace(
            "{failure_threshold: 1000}", "{failure_threshold: 3, timeout_seconds: 3600}"
        )
        tree = {
            "channels.yaml": first,
            "more.yaml": channels([("mail", receivers.url("mail"), PATIENT)]),
            "hosts.yaml": pack(["ops"]).replace("severity: high", "severity: critical"),
        }
        root = write_tree(tmp_path / "tree", tree)
        with Daemon(root, tmp_path / "data").wait_ready() as daemon:
            fire(daemon, "web-1", "web-2", "web-3")
            eventually(lambda: len(mail.requests) == 3, what="the other way for those that wait for their next try")
            fire(daemon, "web-4")
            eventually(lambda: len(mail.requests) == 4, what="the other way for one that was never tried")
            assert daemon.stop() == 0
            assert [line["target"] for line in daemon.events("breaker opened")] == ["ops"]
        with Daemon(root, tmp_path / "data").wait_ready() as daemon:
            fire(daemon, "web-5")
            eventually(lambda: len(mail.requests) == 5, what="the other way after a restart")
            assert {alert["channels"]["ops"] for alert in daemon.alerts()} == {"dead"}
            assert daemon.stop() == 0
        assert len(ops.requests) == 3


def test_ten_that_hang_delay_no_other(tmp_path: Path) -> None:
    hanging = [f"hanging-{number}" for number in range(10)]
    hosts = [f"web-{number}" for number in range(30)]
    with Receivers({**dict.fromkeys(hanging, silent), "fine": BEHAVIOURS["fine"].script}) as receivers:
        places = [(name, receivers.url(name), "10m") for name in hanging]
        tree = {
            "channels.yaml": channels([*places, ("fine", receivers.url("fine"), PATIENT)]),
            "hosts.yaml": pack([*hanging, "fine"]),
        }
        with Daemon(write_tree(tmp_path / "tree", tree), tmp_path / "data").wait_ready() as daemon:
            fire(daemon, *hosts[:15])
            eventually(lambda: all(len(receivers.wires[name].requests) == 4 for name in hanging), 30, "that all hang")
            fire(daemon, *hosts[15:])
            eventually(
                lambda: len(receivers.wires["fine"].requests) == len(hosts), 30, "every message to the one that is fine"
            )
            alerts = daemon.alerts()
            assert len(alerts) == len(hosts)
            eventually(lambda: {alert["channels"]["fine"] for alert in daemon.alerts()} == {"sent"}, what="all settled")
            assert {alert["channels"][name] for alert in daemon.alerts() for name in hanging} == {"sending", "pending"}
            assert all(len(receivers.wires[name].requests) == 4 for name in hanging), "no more than four at a time"
            daemon.kill()


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
