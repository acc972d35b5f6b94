"""The live scrape: clean under promtool, and true."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import SECRET, write_tree
from tests.support.receiver import Receiver


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is missing: install Debian's package prometheus")
def test_the_scrape_of_a_daemon_that_worked_is_clean_under_promtool(tmp_path: Path) -> None:
    with Receiver(lambda received, number: (503 if number == 1 else 204, {}, b"")) as receiver:
        root = write_tree(tmp_path / "tree")
        environment = {"OPS_URL": receiver.url, "OPS_SECRET": SECRET}
        with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
            daemon.ingest({"type": "host.cpu", "host": "a", "cpu_percent": 99})
            daemon.request("POST", "/ingest", b"nope")
            eventually(lambda: [a for a in daemon.alerts() if a["channels"] == {"ops": "sent"}])
            scrape = daemon.get("/metrics").body
            checked = subprocess.run(
                ["promtool", "check", "metrics"],
                input=scrape,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=30,
            )
            assert checked.returncode == 0, checked.stdout.decode()
            assert checked.stdout == b""
            lines = scrape.decode().splitlines()
            assert 'cepd_alerts_total{rule="cpu"} 1.0' in lines
            assert 'cepd_delivery_attempts_total{channel="ops",result="retryable"} 1.0' in lines
            assert 'cepd_delivery_attempts_total{channel="ops",result="sent"} 1.0' in lines
            assert 'cepd_deliveries_total{channel="ops",outcome="sent"} 1.0' in lines
            assert 'cepd_delivery_attempt_duration_seconds_count{channel="ops"} 2.0' in lines
            assert 'cepd_delivery_latency_seconds_count{channel="ops"} 1.0' in lines
            assert 'cepd_delivery_latency_seconds_bucket{channel="ops",le="3600.0"} 1.0' in lines
            assert 'cepd_channel_breaker_state{channel="ops"} 0.0' in lines
