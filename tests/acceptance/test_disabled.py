"""A rule disabled at run time: seen, kept over a crash and a restart, over by itself, over when somebody says so."""

from pathlib import Path
from typing import Any

from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import SECRET, write_tree
from tests.support.receiver import Receiver

RULE = "/cep/rules/cpu"


def event(name: str, host: str) -> dict[str, Any]:
    return {"type": "host.cpu", "id": name, "host": host, "cpu_percent": 99}


def disabled(daemon: Daemon) -> Any:
    return daemon.get(RULE).json()["disabled"]


def muted(daemon: Daemon, number: int) -> bool:
    return f'cepd_rule_muted_total{{rule="cpu"}} {number}.0\n' in daemon.get("/metrics").body.decode()


def test_a_disabled_rule_stays_so_over_restarts_and_until_its_end(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "tree")
    with Receiver() as receiver:
        environment = {"OPS_URL": receiver.url, "OPS_SECRET": SECRET}

        def start() -> Daemon:
            return Daemon(root, tmp_path / "data", environment=environment)

        with start().wait_ready() as daemon:
            asked = daemon.request("POST", f"{RULE}/disable", {"for": "1h", "reason": "too loud", "by": "kim"})
            assert asked.status == 202
            shown = eventually(lambda: disabled(daemon), what="the stop")
            assert (shown["by"], shown["reason"], shown["until"]) == (
                "kim",
                "too loud",
                asked.json()["disabled"]["until"],
            )
            daemon.ingest(event("one", "web-1"))
            eventually(lambda: muted(daemon, 1), what="the firing nobody hears of")
            daemon.kill()
        with start().wait_ready() as daemon:
            assert disabled(daemon) == shown, "from the journal"
            daemon.ingest(event("two", "web-2"))
            eventually(lambda: muted(daemon, 2), what="the second one")
            assert "cepd_rules_disabled 1.0\n" in daemon.get("/metrics").body.decode()
            assert daemon.stop() == 0
        with start().wait_ready() as daemon:
            assert daemon.events("recovered")[0]["snapshot"]
            assert disabled(daemon) == shown, "from the snapshot"
            assert daemon.alerts() == []
            assert daemon.request("POST", f"{RULE}/disable", {"for": "300ms", "reason": "nearly there"}).status == 202
            eventually(lambda: disabled(daemon) is None, what="the end")
            daemon.ingest(event("three", "web-1"))
            (alert,) = eventually(lambda: daemon.alerts(), what="the alert of what went on")
            assert (alert["key"], alert["count"]) == ({"host": "web-1"}, 2)
            daemon.request("POST", f"{RULE}/disable", {"for": "1h", "reason": "again"})
            eventually(lambda: disabled(daemon), what="the second stop")
            assert daemon.request("POST", f"{RULE}/enable", {"by": "kim"}).status == 202
            daemon.ingest(event("four", "web-4"))
            eventually(lambda: len(daemon.alerts()) == 2, what="the alert after it was enabled")
            assert "cepd_rules_disabled 0.0\n" in daemon.get("/metrics").body.decode()
            eventually(lambda: len(receiver.received) == 2, what="the messages")
            told = [one for one in daemon.log if one.get("event") in ("rule disabled", "rule enabled")]
            assert [one["event"] for one in told] == ["rule disabled", "rule disabled", "rule enabled"]
