"""`kill -9` at each step of a snapshot and of what is trimmed behind it: every event counts once, before and after."""

import signal
import sys
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import PACK, SECRET, write_tree

ROOT = Path(__file__).parents[2]
HOSTS = 4
POINTS = (
    "snapshot written",
    "snapshot renamed",
    "snapshot kept",
    "older snapshot removed",
    "journal partly trimmed",
    "journal trimmed",
    "generation half removed",
)


def event(number: int) -> dict[str, object]:
    return {"type": "host.cpu", "id": str(number), "host": f"h{number % HOSTS}", "cpu_percent": 99}


def fed(daemon: Daemon, root: Path, first: int, last: int) -> int:
    """Sends events, and at times edits a text of the rule, until all are sent or the daemon has died; the next one."""
    for number in range(first, last):
        try:
            if number % 20 == 0:
                text = PACK.replace("- id: cpu", f"- id: cpu\n    description: edit {number}")
                (root / "packs/hosts.yaml").write_text(text, encoding="utf-8")
                daemon.request("POST", "/-/reload")
            assert daemon.ingest(event(number)).status == 202
        except (URLError, ConnectionError):
            return number
    return last


@pytest.mark.parametrize("point", POINTS)
def test_a_daemon_killed_at_any_step_of_a_snapshot_counts_each_event_once(tmp_path: Path, point: str) -> None:
    armed = tmp_path / "armed"
    root = write_tree(tmp_path / "tree")
    environment = {"OPS_URL": "http://127.0.0.1:9/", "OPS_SECRET": SECRET, "SEGMENT_SIZE": "2000"}
    options = ("--snapshot-interval", "1ms")
    command = (sys.executable, "-m", "tests.support.killpoint", point, str(armed))

    def daemon() -> Daemon:
        return Daemon(root, tmp_path / "data", *options, environment=environment, command=command, cwd=ROOT)

    with daemon().wait_ready() as first:
        sent = fed(first, root, 0, 50)
        assert sent == 50
        armed.touch()
        sent = fed(first, root, sent, 5_000)
        assert first.wait() == -signal.SIGKILL, f"the point {point!r} was not hit"
    armed.unlink()
    with daemon().wait_ready() as second:
        for number in range(sent + 1):
            assert second.ingest(event(number)).status == 202
        total = fed(second, root, sent + 1, sent + 60)
        expected = [len(range(host, total, HOSTS)) for host in range(HOSTS)]
        eventually(
            lambda: (
                sorted((one["key"]["host"], one["count"]) for one in second.alerts())
                == [(f"h{host}", expected[host]) for host in range(HOSTS)]
            ),
            what="one alert of each host, with the count of its events",
        )
        assert not second.events("snapshot not used")
        assert not second.events("journal damaged")
        assert second.stop() == 0
    with daemon().wait_ready() as third:
        (recovered,) = third.events("recovered")
        assert recovered["snapshot"]
        assert recovered["frames"] == 0, "a stop in good order ends with a snapshot"
        assert sorted(one["count"] for one in third.alerts()) == sorted(expected)
        assert third.stop() == 0
    assert len(list((tmp_path / "data/snapshots").iterdir())) == 2
    assert min((tmp_path / "data/journal").glob("*.journal")).name > f"{1:020d}.journal"
