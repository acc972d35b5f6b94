"""A client of the stream that is cut off again and again, at any byte, against running daemons."""

import json
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.daemon import Daemon, eventually
from tests.support.loads import load
from tests.support.ops_tree import write_tree
from tests.support.postgres import missing, server
from tests.support.sse import Event, Reader, unchunked

BODY = 250
"""Events of a request; each makes an alert of its own."""
ABOUT = 450
"""Bytes of an event of the stream."""
TREE = {
    "cepd.yaml": 'egress: {allow: ["127.0.0.1:9"]}\n',
    "pack.yaml": """
kind: RulePack
name: hosts
rules:
  - id: seen
    severity: high
    max_alerts: 100000
    trigger: {type: event, event_type: seen}
    group_by: [host]
    actions:
      - {type: webhook, endpoint: "http://127.0.0.1:9/"}
""",
}

Seen = tuple[int, str, str]
"""(id, kind, alert)"""


class Client:
    """Follows the stream, and comes back with the last id of which it has seen the whole event."""

    def __init__(self) -> None:
        self.last_id: int | None = None
        self.seen: list[Event] = []

    def visit(self, daemon: Daemon, enough: Callable[[], bool], size: int | None = None, reset: bool = False) -> None:
        """Until it has enough, or has read so many bytes; `reset`: it does not take leave."""
        address = urlsplit(daemon.url)
        header = "" if self.last_id is None else f"Last-Event-ID: {self.last_id}\r\n"
        reader = Reader(self.last_id)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=20) as connection:
            connection.sendall(f"GET /cep/events/stream HTTP/1.1\r\nHost: localhost\r\n{header}\r\n".encode())
            rest, headed, left = b"", False, size
            while not enough() and left != 0:
                data = connection.recv(4096 if left is None else min(left, 4096))
                assert data, "the daemon ended the stream"
                left = None if left is None else left - len(data)
                rest += data
                if not headed:
                    head, found, behind = rest.partition(b"\r\n\r\n")
                    if not found:
                        continue
                    assert head.startswith(b"HTTP/1.1 200 "), head
                    headed, rest = True, behind
                body, rest = unchunked(rest)
                self.seen.extend(reader.feed(body))
                self.last_id = reader.last_id
            if reset:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    @property
    def told(self) -> list[Seen]:
        return [(event.id or 0, event.kind, event.data["event_id"]) for event in self.seen]

    def fired(self) -> int:
        return sum(event.kind == "fired" for event in self.seen)


def bodies(first: int, last: int) -> Iterator[bytes]:
    for begin in range(first, last, BODY):
        events = ({"type": "seen", "id": f"e{n}", "host": f"h{n}"} for n in range(begin, min(begin + BODY, last)))
        yield b"\n".join(json.dumps(event).encode() for event in events)


def follow(daemons: Sequence[Daemon], alerts: int, cuts: int, rng: random.Random) -> Client:
    """A client that goes from daemon to daemon and is cut off so many times while all of them take in their share."""
    client = Client()
    client.visit(daemons[0], lambda: client.last_id is not None)
    share = alerts // len(daemons)
    loads = [
        threading.Thread(target=load, args=(daemon, bodies(number * share, (number + 1) * share), 1))
        for number, daemon in enumerate(daemons)
    ]
    for thread in loads:
        thread.start()
    try:
        turns = cycle(daemons)
        for _ in range(cuts):
            size = rng.randrange(1, 2 * alerts * ABOUT // (cuts + 1))
            client.visit(next(turns), lambda: client.fired() == alerts, size, reset=rng.random() < 0.5)
        client.visit(next(turns), lambda: client.fired() == alerts)
    finally:
        for thread in loads:
            thread.join()
    return client


def check(daemon: Daemon, client: Client, alerts: int) -> None:
    """Each alert once; and in all what one sees who was never cut off."""
    fired = [event_id for _, kind, event_id in client.told if kind == "fired"]
    assert len(fired) == len(set(fired)) == alerts
    assert set(fired) == set(stored(daemon))
    ids = [seq for seq, _, _ in client.told]
    assert ids == sorted(set(ids))
    whole = Client()
    whole.last_id = 0
    whole.visit(daemon, lambda: len(whole.seen) >= len(client.seen))
    assert whole.told[: len(client.told)] == client.told
    metrics = daemon.get("/metrics").body.decode()
    assert "\ncepd_stream_gaps_total 0.0\n" in metrics
    eventually(lambda: "\ncepd_stream_clients 0.0\n" in daemon.get("/metrics").body.decode())


def stored(daemon: Daemon) -> Iterator[str]:
    cursor = ""
    while cursor is not None:
        page = daemon.get(f"/cep/events?limit=1000{cursor and '&cursor=' + cursor}").json()
        yield from (event["event_id"] for event in page["events"])
        cursor = page["next_cursor"]


def test_a_client_that_is_cut_off_100_times_during_10000_alerts_sees_each_exactly_once(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "tree", TREE)
    with Daemon(root, tmp_path / "data").wait_ready() as daemon:
        client = follow([daemon], 10_000, 100, random.Random(5))
        check(daemon, client, 10_000)
        assert daemon.stop() == 0


@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_a_client_that_goes_to_and_fro_between_two_daemons_of_one_store_sees_each_exactly_once(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "tree", TREE)
    store = server().database()
    with ExitStack() as stack:
        daemons = [
            stack.enter_context(Daemon(root, tmp_path / name, "--store", store).wait_ready()) for name in ("one", "two")
        ]
        client = follow(daemons, 2_000, 40, random.Random(6))
        check(daemons[0], client, 2_000)


def test_a_stop_is_told_and_whoever_comes_back_after_the_start_has_missed_nothing(tmp_path: Path) -> None:
    root = write_tree(tmp_path / "tree", TREE)
    client = Client()
    with Daemon(root, tmp_path / "data").wait_ready() as daemon:
        client.visit(daemon, lambda: client.last_id is not None)
        daemon.ingest({"type": "seen", "id": "e1", "host": "h1"})
        stopping = threading.Thread(target=lambda: eventually(client.fired) and daemon.stop())
        stopping.start()
        client.visit(daemon, lambda: bool(client.seen) and client.seen[-1].kind == "bye")
        stopping.join()
        assert daemon.process.returncode == 0
    with Daemon(root, tmp_path / "data").wait_ready() as daemon:
        daemon.ingest({"type": "seen", "id": "e2", "host": "h2"})
        client.seen.clear()
        client.visit(daemon, lambda: client.fired() == 1)
        assert client.seen[-1].data["key"] == {"host": "h2"}
