"""What is lost for a while, and comes back: a database, room on the disk. Beside each daemon that has to do without
runs one that does not, over the same recording; both end alike, and nobody starts anything again."""

import resource
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.daemon import Daemon, eventually
from tests.support.drilled import Drilled
from tests.support.drilling import LEAST, TREE, Recording, Sender, compare, differences
from tests.support.ops_tree import write_tree
from tests.support.postgres import PostgresServer, missing

LONG_ENOUGH = 8.0
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def postgres() -> Iterator[PostgresServer]:
    """One of its own, which may be stopped."""
    if reason := missing():
        pytest.skip(reason)
    own = PostgresServer()
    try:
        own.start()
        yield own
    finally:
        own.remove()


def outage(folder: Path, hit: Drilled, disturb: Callable[[Daemon, Sender], Daemon | None]) -> Daemon:
    """Lets a daemon be disturbed under load, beside one that is not; compares how they end. `disturb` may start another
    daemon; the last one."""
    calm = Drilled(folder / "tree", folder / "undisturbed", None)
    with hit, calm:
        undisturbed, disturbed = calm.start(), hit.start()
        undisturbed.wait_ready(60)
        disturbed.wait_ready(60)
        recording = Recording(time.time())
        beside, sender = Sender(recording).start(undisturbed), Sender(recording).start(disturbed)
        eventually(lambda: sender.sent > LEAST // 4, 60, "load")
        disturbed = disturb(disturbed, sender) or disturbed
        assert disturbed.process.poll() is None, disturbed.raw[-20:]
        bodies = max(sender.sent, beside.sent, LEAST) + 1
        beside.finish(bodies)
        sender.finish(bodies)
        found, expected = hit.end(), calm.end()
        verdict = compare(found, expected)
        assert not differences(found, expected), "\n".join(differences(found, expected))
        assert verdict.twice_elsewhere == 0
        assert verdict.messages > 50
        return disturbed


def without_postgres(postgres: PostgresServer, folder: Path, seconds: float, entry: str) -> None:
    """With little room intake stops soon, and must not for so long that the input counts as idle."""
    root = write_tree(folder / "tree", TREE)

    def disturb(daemon: Daemon, sender: Sender) -> None:
        before, refused = sender.sent, sender.refused.total()
        postgres.stop()
        until = time.monotonic() + seconds
        eventually(lambda: sender.sent > before + 5, 60, "intake without the database")
        if entry == "cramped":
            eventually(lambda: sender.refused[429], 60, "a full queue in front of the engine")
        time.sleep(max(until - time.monotonic(), 0))
        postgres.start()
        assert sender.refused.total() - refused == sender.refused[429], "429, and nothing else"
        eventually(lambda stood=sender.sent: sender.sent > stood + 10, 60, "intake goes on")
        assert daemon.events("store away")

    outage(folder, Drilled(root, folder / "data", postgres.database(), entry), disturb)


def test_a_database_that_is_away_for_a_while_costs_nothing(postgres: PostgresServer, tmp_path: Path) -> None:
    without_postgres(postgres, tmp_path, LONG_ENOUGH, "cramped")


@pytest.mark.soak
def test_a_database_that_is_away_for_half_a_minute_costs_nothing(postgres: PostgresServer, tmp_path: Path) -> None:
    without_postgres(postgres, tmp_path, 30.0, "archiving")


def test_a_snapshot_without_the_database_and_then_a_kill_cost_nothing(postgres: PostgresServer, tmp_path: Path) -> None:
    root = write_tree(tmp_path / "tree", TREE)
    hit = Drilled(root, tmp_path / "data", postgres.database())

    def disturb(daemon: Daemon, sender: Sender) -> Daemon:
        postgres.stop()
        before = set((tmp_path / "data/snapshots").iterdir())
        stood = sender.sent
        eventually(lambda: sender.sent > stood + 20, 60, "intake without the database")
        fresh = {path.name for path in (tmp_path / "data/snapshots").glob("*.snapshot")} - {one.name for one in before}
        daemon.kill()
        postgres.start()
        assert len(fresh) <= 1, "none is kept that counts on alerts that are not recorded"
        again = hit.start().wait_ready(60)
        assert again.events("recovered")[0]["snapshot"]
        assert not again.events("snapshot not used")
        sender.daemon = again
        return again

    outage(tmp_path, hit, disturb)


def test_a_database_that_may_not_grow_for_a_while_costs_nothing(tmp_path: Path) -> None:
    root, full = write_tree(tmp_path / "tree", TREE), tmp_path / "full"

    def disturb(daemon: Daemon, sender: Sender) -> None:
        full.touch()
        eventually(lambda: sender.refused[429], 60, "a full queue in front of the engine")
        full.unlink()
        told = [line["reason"] for line in daemon.events("store away")]
        assert any("full" in reason for reason in told), told
        eventually(lambda stood=sender.sent: sender.sent > stood + 10, 60, "intake goes on")

    outage(tmp_path, Drilled(root, tmp_path / "data", None, "cramped", FULL=str(full)), disturb)


def test_a_disk_without_room_for_a_while_costs_nothing(tmp_path: Path) -> None:
    """No file may grow: neither the journal, nor the database, nor snapshots."""
    root = write_tree(tmp_path / "tree", TREE)

    def disturb(daemon: Daemon, sender: Sender) -> None:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
        eventually(lambda: sender.refused[503] > 5, 60, "the disk refuses")
        assert daemon.get("/-/ready").status == 503
        time.sleep(1)
        resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, unlimited)
        eventually(lambda stood=sender.sent: sender.sent > stood + 10, 60, "intake goes on")
        eventually(lambda: daemon.get("/-/ready").status == 200, 60, "readiness")

    outage(tmp_path, Drilled(root, tmp_path / "data", None), disturb)
