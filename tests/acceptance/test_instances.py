"""Several daemons on one PostgreSQL: each alert is stored once and told once, and what a frozen one had claimed is told
by another under the same id."""

import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import CHANNEL, PACK, SECRET, write_tree
from tests.support.postgres import server
from tests.support.receiver import Received, Receiver

pytestmark = pytest.mark.timeout(180)
TREE = {"channels.yaml": CHANNEL + "timeout: 1s\n", "packs/hosts.yaml": PACK}
LEASE = 2 * 1 + 5
"""Seconds: twice the timeout and five."""


def daemon(folder: Path, name: str, address: str, receiver: Receiver) -> Daemon:
    environment = {"OPS_URL": receiver.url, "OPS_SECRET": SECRET}
    return Daemon(folder / "tree", folder / name, "--store", address, environment=environment)


def event(name: str) -> dict[str, object]:
    return {"type": "host.cpu", "id": name, "host": name, "cpu_percent": 99}


def test_three_daemons_make_one_alert_and_one_message_of_what_each_of_them_hears(tmp_path: Path) -> None:
    """Some events reach all of them, as the due time of a schedule does: they have the same firing id."""
    write_tree(tmp_path / "tree", TREE)
    address = server().database()
    common = [f"common-{number}" for number in range(20)]
    with Receiver() as receiver:
        first, second, third = (daemon(tmp_path, name, address, receiver) for name in ("a", "b", "c"))
        with first, second, third, ThreadPoolExecutor(3) as senders:
            own = {
                one.wait_ready(60): [f"{place}-{n}" for n in range(30)]
                for place, one in enumerate((first, second, third))
            }

            def send(one: Daemon) -> None:
                for names in zip(own[one], [*common, *own[one][20:]], strict=True):
                    assert one.ingest(*(event(name) for name in names)).status == 202

            list(senders.map(send, own))
            hosts = {*common, *(name for names in own.values() for name in names)}
            eventually(lambda: len(receiver.received) >= len(hosts), 60, "a message of each")
            eventually(lambda: all(a["channels"] == {"ops": "sent"} for a in second.alerts()), 60, "their settlement")
            alerts = third.alerts()
            assert Counter(alert["key"]["host"] for alert in alerts) == dict.fromkeys(hosts, 1)
            assert {alert["count"] for alert in alerts} == {1}
            for one in own:
                assert not one.events("lease lost")
                assert one.stop() == 0
    messages = Counter(one.headers["webhook-id"] for one in receiver.received)
    assert len(messages) == len(hosts)
    assert set(messages.values()) == {1}, "no lease was taken over"


def test_what_a_frozen_daemon_had_claimed_is_told_by_another_and_its_own_word_counts_no_more(tmp_path: Path) -> None:
    write_tree(tmp_path / "tree", TREE)
    address = server().database()
    gate = threading.Event()

    def answer(received: Received, number: int) -> tuple[int, dict[str, str], bytes]:
        if number == 1:
            gate.wait(60)
        return 204, {}, b""

    with Receiver(answer) as receiver:
        daemons = {name: daemon(tmp_path, name, address, receiver) for name in ("a", "b")}
        with daemons["a"], daemons["b"]:
            for one in daemons.values():
                one.wait_ready(60)
            assert daemons["a"].ingest(event("one")).status == 202
            eventually(lambda: receiver.received, 20, "the first try")
            for one in daemons.values():
                one.signal(signal.SIGSTOP)
            owner = server().sql("SELECT owner FROM delivery", address.rpartition("/")[2])
            names = {(tmp_path / name / "instance").read_text().strip(): name for name in daemons}
            frozen, awake = daemons.pop(names[owner]), daemons.popitem()[1]
            awake.signal(signal.SIGCONT)
            eventually(lambda: len(receiver.received) == 2, LEASE + 20, "the other takes over")
            eventually(lambda: awake.alerts()[0]["channels"] == {"ops": "sent"}, 20, "its settlement")
            gate.set()
            frozen.signal(signal.SIGCONT)
            (told,) = eventually(lambda: frozen.events("lease lost"), 20, "a token that is worth nothing any more")
            (alert,) = frozen.alerts()
            (delivery,) = frozen.get(f"/cep/events/{alert['event_id']}").json()["deliveries"]
            assert told["delivery"] == delivery["delivery_id"]
            assert frozen.ingest(event("two")).status == 202, "it goes on"
            eventually(lambda: len(awake.alerts()) == 2, 20, "what it hears is told again")
            eventually(lambda: len(receiver.received) == 3, 20, "by a message too")
            assert not awake.events("lease lost")
            assert [frozen.stop(), awake.stop()] == [0, 0]
    assert delivery["state"] == "sent"
    assert [attempt["result"] for attempt in delivery["attempts"]] == ["unknown", "sent"]
    assert "did not come back in time" in delivery["attempts"][0]["detail"]
    assert [one.headers["webhook-id"] for one in receiver.received[:2]] == [delivery["delivery_id"]] * 2
    assert receiver.received[0].body == receiver.received[1].body
