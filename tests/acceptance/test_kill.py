"""`kill -9` at each step between an event's arrival and its settled message: nothing is lost, nothing twice stored."""

import signal
import sys
from pathlib import Path
from urllib.error import URLError

import pytest

from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import SECRET, write_tree
from tests.support.receiver import Receiver

ROOT = Path(__file__).parents[2]
EVENT = {"type": "host.cpu", "id": "one", "host": "web-1", "cpu_percent": 99}

# point: whether the sender must have got its 202 before the daemon died
POINTS = {
    "journal written": False,
    "journal synced": False,
    "202 sent": True,
    "applied": None,  # the 202 and the engine run side by side
    "recorded": None,
    "attempt row written": True,
    "message sent": True,
    "settled": True,
}

CUT_TRIES = ("attempt row written", "message sent")


@pytest.mark.parametrize("point", POINTS)
def test_a_daemon_killed_at_any_step_makes_one_alert_and_at_least_one_message(tmp_path: Path, point: str) -> None:
    armed = tmp_path / "armed"
    root = write_tree(tmp_path / "tree")
    with Receiver() as receiver:
        environment = {"OPS_URL": receiver.url, "OPS_SECRET": SECRET}
        command = (sys.executable, "-m", "tests.support.killpoint", point, str(armed))
        with Daemon(root, tmp_path / "data", environment=environment, command=command, cwd=ROOT).wait_ready() as daemon:
            armed.touch()
            try:
                accepted = daemon.ingest(EVENT).status == 202
            except (URLError, ConnectionError):
                accepted = False
            assert daemon.wait() == -signal.SIGKILL, f"the point {point!r} was not hit"
        if POINTS[point] is not None:
            assert accepted is POINTS[point]
        with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
            if not accepted:
                assert daemon.ingest(EVENT).status == 202, "who got no answer sends again"
            alerts = eventually(
                lambda: [one for one in daemon.alerts() if one["channels"] == {"ops": "sent"}],
                what="the settled message",
            )
            assert len(daemon.alerts()) == 1
            assert alerts[0]["count"] == 1
            assert alerts[0]["source_event_ids"] == ["one"]
            assert daemon.ingest(EVENT).json()["duplicates"] == 1
            detail = daemon.get(f"/cep/events/{alerts[0]['event_id']}").json()
            assert daemon.stop() == 0
        ids = {received.headers["webhook-id"] for received in receiver.received}
        assert ids == {delivery["delivery_id"] for delivery in detail["deliveries"]}
        assert len(ids) == 1
        assert len(receiver.received) <= 2
        if point in CUT_TRIES:
            results = [attempt["result"] for attempt in detail["deliveries"][0]["attempts"]]
            assert results == ["unknown", "sent"], "a try that was cut off is told as one"
        if point == "message sent":
            assert len(receiver.received) == 2, "an unknown outcome is sent again, under the same id"


def test_a_damaged_last_frame_is_cut_and_told(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "tree")
    with Receiver() as receiver:
        environment = {"OPS_URL": receiver.url, "OPS_SECRET": SECRET}
        with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
            daemon.ingest(EVENT)
            eventually(lambda: daemon.alerts())
            daemon.ingest({"type": "other", "id": "last", "note": "the frame to damage"})
            daemon.kill()
        segment = max((tmp_path / "data/journal").glob("*.journal"))
        data = bytearray(segment.read_bytes())
        at = data.rindex(b"the frame to damage")
        data[at] ^= 1
        segment.write_bytes(data)
        with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
            told = [line for line in daemon.log if "damage" in str(line.get("event", ""))]
            assert told, daemon.raw
            assert segment.name in str(told[0])
            assert len(daemon.alerts()) == 1
            assert daemon.ingest({"type": "other", "id": "last", "note": "the frame to damage"}).json()["accepted"] == 1
            assert daemon.ingest({"type": "host.cpu", "host": "web-2", "cpu_percent": 99}).status == 202
            eventually(lambda: len(daemon.alerts()) == 2, what="life after the damage")
            assert daemon.stop() == 0
        with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
            assert len(daemon.alerts()) == 2
            assert not [line for line in daemon.log if "damage" in str(line.get("event", ""))]
            assert daemon.stop() == 0


@pytest.mark.parametrize("harm", ["a flipped byte", "an emptied file"])
def test_events_after_a_damaged_journal_get_alerts_and_messages_of_their_own(tmp_path: Path, harm: str) -> None:
    """Events without an id are known by their number, and numbers that were cut off are given again."""
    root = write_tree(tmp_path / "tree")
    numbers = list(range(6))
    with Receiver() as receiver:
        environment = {"OPS_URL": receiver.url, "OPS_SECRET": SECRET}
        with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
            for number in numbers:
                daemon.ingest({"type": "host.cpu", "host": f"web-{number}", "cpu_percent": 99})
            eventually(lambda: len(receiver.received) == 6, what="the first messages")
            daemon.kill()
        segment = max((tmp_path / "data/journal").glob("*.journal"))
        data = bytearray(segment.read_bytes())
        data[data.index(b"web-2")] ^= 1
        segment.write_bytes(b"" if harm == "an emptied file" else data)
        for first in (6, 9):
            with Daemon(root, tmp_path / "data", environment=environment).wait_ready() as daemon:
                assert bool(daemon.events("journal damaged")) is (first == 6), daemon.raw
                for number in range(first, first + 3):
                    numbers.append(number)
                    assert daemon.ingest({"type": "host.cpu", "host": f"web-{number}", "cpu_percent": 99}).status == 202
                eventually(lambda: len(daemon.alerts()) >= len(numbers), what="an alert of each event")
                eventually(
                    lambda: len({one.headers["webhook-id"] for one in receiver.received}) >= len(numbers),
                    what="a message of each event",
                )
                hosts = sorted(one["key"]["host"] for one in daemon.alerts())
                assert hosts == sorted(f"web-{number}" for number in numbers)
                daemon.kill()


def test_a_second_daemon_on_the_same_data_is_refused(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "tree")
    environment = {"OPS_URL": "http://127.0.0.1:9/", "OPS_SECRET": SECRET}
    with (
        Daemon(root, tmp_path / "data", environment=environment).wait_ready() as first,
        Daemon(root, tmp_path / "data", environment=environment) as second,
    ):
        assert second.wait() == 2
        assert any("data" in line for line in second.raw)
        assert first.get("/-/ready").status == 200
