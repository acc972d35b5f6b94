"""`kill -9` at each step between an event's arrival and its settled message, on either store: nothing is lost, nothing
twice stored, and a message comes twice only where nobody can know whether it arrived."""

import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

import pytest

from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import CHANNEL, PACK, SECRET, write_tree
from tests.support.postgres import server
from tests.support.receiver import Received, Receiver

ROOT = Path(__file__).parents[2]
EVENT = {"type": "host.cpu", "id": "one", "host": "web-1", "cpu_percent": 99}

STORES: dict[str, Callable[[], tuple[str, ...]]] = {
    "sqlite": lambda: (),
    "postgresql": lambda: ("--store", server().database()),
}
on_each_store = pytest.mark.parametrize("options_of", STORES.values(), ids=STORES.keys())


class Point(NamedTuple):
    """`accepted`: whether the sender must have got its 202 before the daemon died; None: either. `tries`: how the tries
    of the message ended. `messages`: how often it came."""

    accepted: bool | None
    tries: tuple[str, ...] = ("sent",)
    messages: int = 1


CUT = ("unknown", "sent")
POINTS = {
    "journal written": Point(False),
    "journal synced": Point(False),
    "202 sent": Point(True),
    "applied": Point(None),  # the 202 and the engine run side by side
    "recording, alerts without deliveries": Point(None),
    "recording, not committed": Point(None),
    "recorded": Point(None),
    "claim, not committed": Point(True),
    "claimed": Point(True, CUT),
    "message sent": Point(True, CUT, 2),
    "settling, attempt without delivery": Point(True, CUT, 2),
    "settling, not committed": Point(True, CUT, 2),
    "settled": Point(True),
}


@pytest.mark.parametrize("point", POINTS)
@on_each_store
def test_a_daemon_killed_at_any_step_makes_one_alert_and_its_message(
    tmp_path: Path, point: str, options_of: Callable[[], tuple[str, ...]]
) -> None:
    armed, options, expected = tmp_path / "armed", options_of(), POINTS[point]
    root = write_tree(tmp_path / "tree")
    with Receiver() as receiver:
        environment = {"OPS_URL": receiver.url, "OPS_SECRET": SECRET}
        with killed_at(point, armed, root, tmp_path / "data", options, environment) as daemon:
            armed.touch()
            accepted = is_accepted(daemon)
            assert daemon.wait() == -signal.SIGKILL, f"the point {point!r} was not hit"
        if expected.accepted is not None:
            assert accepted is expected.accepted
        with Daemon(root, tmp_path / "data", *options, environment=environment).wait_ready() as daemon:
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
        (delivery,) = detail["deliveries"]
        assert {received.headers["webhook-id"] for received in receiver.received} == {delivery["delivery_id"]}
        assert len({received.body for received in receiver.received}) == 1
        assert [attempt["result"] for attempt in delivery["attempts"]] == list(expected.tries)
        assert len(receiver.received) == expected.messages


FALLING_BACK = {
    "channels.yaml": CHANNEL
    + "fallback: mail\n"
    + "---"
    + CHANNEL.replace("name: ops", "name: mail").replace("OPS_URL", "MAIL_URL"),
    "packs/hosts.yaml": PACK,
}
FALLBACK_POINTS = {"fallback half owed": CUT, "settling, not committed": CUT, "settled": ("sent",)}
"""With how the tries of the refused message ended, `sent` standing for the refusal."""


@pytest.mark.parametrize("point", FALLBACK_POINTS)
@on_each_store
def test_a_message_that_is_refused_falls_back_once_wherever_the_daemon_is_killed(
    tmp_path: Path, point: str, options_of: Callable[[], tuple[str, ...]]
) -> None:
    armed, options = tmp_path / "armed", options_of()
    root = write_tree(tmp_path / "tree", FALLING_BACK)

    def gone(received: Received, number: int) -> tuple[int, dict[str, str], bytes]:
        return 410, {}, b""

    with Receiver(gone) as ops, Receiver() as mail:
        environment = {"OPS_URL": ops.url, "MAIL_URL": mail.url, "OPS_SECRET": SECRET}
        with killed_at(point, armed, root, tmp_path / "data", options, environment) as daemon:
            armed.touch()
            assert is_accepted(daemon)
            assert daemon.wait() == -signal.SIGKILL, f"the point {point!r} was not hit"
        with Daemon(root, tmp_path / "data", *options, environment=environment).wait_ready() as daemon:
            eventually(lambda: daemon.alerts()[0]["channels"] == {"ops": "dead", "mail": "sent"}, what="the fallback")
            (alert,) = daemon.alerts()
            refused, instead = daemon.get(f"/cep/events/{alert['event_id']}").json()["deliveries"]
            assert daemon.stop() == 0
        tries = ["unknown", "permanent"] if FALLBACK_POINTS[point] == CUT else ["permanent"]
        assert [attempt["result"] for attempt in refused["attempts"]] == tries
        assert [attempt["result"] for attempt in instead["attempts"]] == ["sent"]
        assert [one.headers["webhook-id"] for one in ops.received] == [refused["delivery_id"]] * len(tries)
        assert [one.headers["webhook-id"] for one in mail.received] == [instead["delivery_id"]]


@pytest.mark.parametrize("point", ["generation kept", "swap in the journal", "swapped"])
@on_each_store
def test_a_daemon_killed_in_a_reload_runs_the_new_rules_and_keeps_what_was_open(
    tmp_path: Path, point: str, options_of: Callable[[], tuple[str, ...]]
) -> None:
    armed, options = tmp_path / "armed", options_of()
    root = write_tree(tmp_path / "tree")
    with Receiver() as receiver:
        environment = {"OPS_URL": receiver.url, "OPS_SECRET": SECRET}
        with killed_at(point, armed, root, tmp_path / "data", options, environment) as daemon:
            assert is_accepted(daemon)
            eventually(lambda: receiver.received, what="the first message")
            eventually(lambda: daemon.alerts()[0]["channels"] == {"ops": "sent"}, what="its settlement")
            armed.touch()
            text = PACK.replace("CPU {{", "now: CPU {{")
            assert text != PACK
            (root / "packs/hosts.yaml").write_text(text, encoding="utf-8")
            with pytest.raises((URLError, ConnectionError)):
                daemon.request("POST", "/-/reload")
            assert daemon.wait() == -signal.SIGKILL, f"the point {point!r} was not hit"
        with Daemon(root, tmp_path / "data", *options, environment=environment).wait_ready() as daemon:
            assert daemon.ingest(EVENT | {"id": "two"}, EVENT | {"id": "three", "host": "web-2"}).status == 202
            eventually(lambda: len(receiver.received) == 2, what="the message of another host")
            counts = {alert["key"]["host"]: alert["count"] for alert in daemon.alerts()}
            assert daemon.stop() == 0
        assert counts == {"web-1": 2, "web-2": 1}, "the event of the first host folds into its alert"
        assert [b"now: CPU" in one.body for one in receiver.received] == [False, True]


def killed_at(
    point: str, armed: Path, root: Path, data: Path, options: tuple[str, ...], environment: dict[str, str]
) -> Daemon:
    command = (sys.executable, "-m", "tests.support.killpoint", point, str(armed))
    return Daemon(root, data, *options, environment=environment, command=command, cwd=ROOT).wait_ready()


def is_accepted(daemon: Daemon) -> bool:
    """Whether the sender of the event got its 202."""
    try:
        return daemon.ingest(EVENT).status == 202
    except (URLError, ConnectionError):
        return False


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
@on_each_store
def test_events_after_a_damaged_journal_get_alerts_and_messages_of_their_own(
    tmp_path: Path, harm: str, options_of: Callable[[], tuple[str, ...]]
) -> None:
    """Events without an id are known by their number, and numbers that were cut off are given again."""
    root, options = write_tree(tmp_path / "tree"), options_of()
    numbers = list(range(6))
    with Receiver() as receiver:
        environment = {"OPS_URL": receiver.url, "OPS_SECRET": SECRET}
        with Daemon(root, tmp_path / "data", *options, environment=environment).wait_ready() as daemon:
            for number in numbers:
                daemon.ingest({"type": "host.cpu", "host": f"web-{number}", "cpu_percent": 99})
            eventually(lambda: len(receiver.received) == 6, what="the first messages")
            daemon.kill()
        segment = max((tmp_path / "data/journal").glob("*.journal"))
        data = bytearray(segment.read_bytes())
        data[data.index(b"web-2")] ^= 1
        segment.write_bytes(b"" if harm == "an emptied file" else data)
        for first in (6, 9):
            with Daemon(root, tmp_path / "data", *options, environment=environment).wait_ready() as daemon:
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
