"""From the event to its message: the journal, the stores, and the way of an alert through the real daemon.

The journal's figure is CPU time. The others are wall time, of disks and of a server beside it, so they say what this
machine can do and nothing of another: they are printed, and nothing is promised of them.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from cepd.model.delivery import Draft
from cepd.model.frame import Frame
from cepd.ports import Recording
from cepd.stores.journal import open_journal
from cepd.stores.sqlite import open_store
from tests.bench.events import metrics
from tests.bench.measuring import BODY, Load, Size, bodies, costs, decode_only
from tests.bench.receiving import Receiver, receiving
from tests.bench.table import Row, added
from tests.bench.targets import JOURNAL
from tests.bench.topics.daemon import elsewhere
from tests.support.alerts import alert, draft
from tests.support.daemon import Daemon
from tests.support.ops_tree import write_tree
from tests.support.postgres import missing, server

ALERTS = 5_000
REQUESTS = 50
"""Events of a body of these."""
PENDING = 10_000
RATE = 200
"""Alerts a second."""
LATENCIES = 1_000
PATIENCE = 120.0

CHANNEL = """
kind: Channel
name: ops
type: webhook
url: http://127.0.0.1:{port}/in
allow_private: true
"""
PACK = """
kind: RulePack
name: all
rules:
  - id: every
    trigger: {type: event, event_type: bench}
    group_by: [host]
    max_alerts: 100000
    actions:
      - {type: notify, channels: [ops], message: "{{ n }} on {{ host }}"}
"""


class Waits(NamedTuple):
    p50: float
    p99: float


def rows(size: Size) -> Iterator[Row]:
    lines = metrics(size.few)
    bound, opened, journal = costs(
        decode_only(lines), journaled(lines, 0), journaled(lines, len(lines)), rounds=size.rounds
    )
    yield added(f"delivery, the journal, {BODY} events a batch", journal - opened, bound, JOURNAL)
    few = size.few < ALERTS
    rates = {store: recorded(store, 50 if few else ALERTS) for store in stores()}
    for store, rate in rates.items():
        told = f"delivery, recorded and delivered, {store}"
        yield Row(told, rate, "alerts/s", rate / rates["sqlite"], "sqlite")
    for store in stores():
        waits = waited(store, 20 if few else LATENCIES)
        yield Row(f"delivery, accepted to delivered at {RATE}/s, {store}, p50", waits.p50 * 1e3, "ms", 1.0, "p50")
        yield Row(
            f"delivery, accepted to delivered at {RATE}/s, {store}, p99",
            waits.p99 * 1e3,
            "ms",
            waits.p99 / waits.p50,
            "p50",
        )
    pending = 50 if few else PENDING
    rate = drained(pending)
    told = f"delivery, {pending:,} pending drained after a start"
    yield Row(told, rate, "messages/s", rate / rates["sqlite"], "recorded and delivered")


def stores() -> list[str]:
    return ["sqlite"] if missing() else ["sqlite", "postgresql"]


def journaled(lines: Sequence[bytes], number: int) -> Load:
    """The first so many, in bodies that share a sync where they wait together, as under load; what opening and closing
    costs is in it."""
    frames = [
        Frame(
            seq=place + 1,
            clock=place,
            kind="batch",
            input="http",
            source="bench",
            first=place * BODY + 1,
            count=BODY,
            body=body,
        )
        for place, body in enumerate(bodies(lines[:number]))
    ]

    def run() -> None:
        async def main(folder: str) -> None:
            journal = open_journal(Path(folder))
            await asyncio.gather(*(journal.append(frame) for frame in frames))
            await journal.close()

        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(main(folder))

    return Load(len(lines), lambda: run)


@contextmanager
def running(store: str, receiver: Receiver, pending: int = 0) -> Iterator[Daemon]:
    """A daemon over a new store, which finds so many deliveries owed in its SQLite file."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tree = write_tree(folder / "tree", {"ops.yaml": CHANNEL.format(port=receiver.port), "pack.yaml": PACK})
        options = ("--store", server().database()) if store == "postgresql" else ()
        if pending:
            asyncio.run(owe(folder / "data" / "cepd.db", pending))
        with elsewhere(), Daemon(tree, folder / "data", *options) as daemon:
            yield daemon.wait_ready()
            assert daemon.stop() == 0


def event(number: int) -> bytes:
    return json.dumps({"type": "bench", "id": f"e{number}", "host": f"h{number}", "n": number}).encode()


def recorded(store: str, number: int) -> float:
    """Alerts a second, from the first event to the last message."""
    with receiving() as receiver, running(store, receiver) as daemon:
        begun = time.monotonic()
        for first in range(0, number, REQUESTS):
            body = b"\n".join(event(each) for each in range(first, first + REQUESTS))
            answer = daemon.request("POST", "/ingest", body, {"Content-Type": "application/x-ndjson"})
            assert answer.status == 202, answer.body
        receiver.wait(number, PATIENCE)
        return number / (max(receiver.times.values()) - begun)


def waited(store: str, number: int) -> Waits:
    """Seconds from the answer to each event until its message arrives, at a steady rate."""
    with receiving() as receiver, running(store, receiver) as daemon:
        begun, accepted = time.monotonic(), []
        for each in range(number):
            time.sleep(max(begun + each / RATE - time.monotonic(), 0))
            answer = daemon.request("POST", "/ingest", event(each), {"Content-Type": "application/json"})
            assert answer.status == 202, answer.body
            accepted.append(time.monotonic())
        receiver.wait(number, PATIENCE)
        arrived = sorted(receiver.times.values())
    waits = sorted(max(there - here, 0.0) for here, there in zip(accepted, arrived, strict=True))
    return Waits(statistics.median(waits) or 1e-6, waits[len(waits) * 99 // 100])


def drained(number: int) -> float:
    """Messages a second that a start finds owed."""
    with receiving() as receiver, running("sqlite", receiver, pending=number):
        receiver.wait(number, PATIENCE)
    times = sorted(receiver.times.values())
    return (len(times) - 1) / (times[-1] - times[0])


async def owe(path: Path, number: int) -> None:
    store = open_store(path)
    for first in range(0, number, BODY):
        drafts: list[Draft] = [
            draft(f"d{each}", order_key=f"k{each}", request=b"{}") for each in range(first, min(first + BODY, number))
        ]
        await store.record(Recording(seq=0, alerts=[alert("a1")], drafts=drafts, at=1))
    await store.close()
