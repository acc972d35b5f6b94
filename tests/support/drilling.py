"""A recording that is sent to a daemon whatever happens to it, a receiver that keeps a ledger, and what came of both.

One sender sends the events in order, each a while after the time that it tells: so neither the clock nor a kill decides
what fires, and any two daemons that take one recording must end alike.
"""

import random
import re
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

import msgspec

from cepd.model.alert import Alert
from cepd.model.delivery import Delivery
from cepd.ports import AlertQuery, DeliveryQuery, Store
from cepd.stores.opening import open_store
from tests.support.daemon import Daemon, eventually
from tests.support.receiver import Received, Receiver

EVENTS = 20
"""Of a body."""
PER_SECOND = 200
"""Events, by their own times."""
BEHIND = 1.0
"""Seconds between the time of a body's newest event and its arrival, at least."""
LEAST = 100
"""Bodies in which every rule has something to tell."""
HOSTS = 4
BUSY = (429, 503)
REFUSED = 0.05
"""So many messages are answered 503 at first."""

_SCRAPED = "cepd_alerts_unacknowledged"
"""It is there where the store could be asked and holds alerts, as it does in each drill."""
_WAITING = ("cepd_event_queue_length", "cepd_recorder_queue_length", "cepd_outbox_pending")

TREE = {
    "cepd.yaml": "lateness: 5s\n",
    "channels.yaml": """
kind: Channel
name: ops
type: webhook
url: {env: OPS_URL}
secret: {env: OPS_SECRET}
allow_private: true
retry: {delays: [50ms, 50ms, 50ms, 50ms, 50ms, 50ms]}
circuit_breaker: {failure_threshold: 1000}
""",
    "packs/drill.yaml": """
kind: RulePack
name: drill
rules:
  - id: each
    trigger: {type: event, event_type: host}
    when: n > 996
    actions: &ops [{type: notify, channels: [ops]}]
  - id: folding
    trigger: {type: event, event_type: host}
    when: n > 900
    group_by: [host]
    suppress: 2s
    actions: *ops
  - id: storming
    trigger: {type: event, event_type: host}
    when: n > 800
    max_alerts: 3
    actions: *ops
  - id: tumbling
    trigger: {type: event, event_type: host}
    group_by: [host]
    window: {type: tumbling, size: 1s}
    aggregate: {mean: {fn: avg, field: n}, all: {fn: count}}
    having: mean > 520
    actions: *ops
  - id: sliding
    trigger: {type: event, event_type: host}
    group_by: [host]
    window: {type: sliding, size: 2s, slide: 1s}
    aggregate: {high: {fn: max, field: n}, p95: {fn: percentile, field: n, p: 95}, spread: {fn: stddev, field: n}}
    having: high > 998
    actions: *ops
  - id: sequence
    trigger:
      type: sequence
      within: 1s
      steps: [{id: high, event_type: host, when: n > 990}, {id: low, event_type: host, when: n < 20}]
    group_by: [host]
    actions: *ops
  - id: episode
    trigger: {type: event, event_type: host}
    when: level == 1
    group_by: [host]
    resolve: true
    actions: *ops
""",
}
RULES = frozenset(re.findall(r"- id: (\w+)", TREE["packs/drill.yaml"]))


class Recording:
    """The events from a moment on, by bodies that are a function of their number."""

    def __init__(self, base: float) -> None:
        self._base = base

    def body(self, number: int) -> list[dict[str, object]]:
        """Some events are up to half a second late."""
        dice = random.Random(number)
        return [self._event(number * EVENTS + place, dice) for place in range(EVENTS)]

    def due(self, number: int) -> float:
        return self._base + (number + 1) * EVENTS / PER_SECOND + BEHIND

    def _event(self, number: int, dice: random.Random) -> dict[str, object]:
        late = dice.choice((0.0, 0.0, 0.0, 0.5 * dice.random()))
        return {
            "type": "host",
            "id": f"e{number}",
            "host": f"h{dice.randrange(HOSTS)}",
            "n": dice.randrange(1000),
            "level": number // 400 % 2,
            "ts": round(self._base + number / PER_SECOND - late, 3),
        }


class Sender:
    """Sends one body after the other to the daemon of the moment, each until it has its 202. `sent` counts them,
    `refused` the answers that asked to come again."""

    def __init__(self, recording: Recording) -> None:
        self.daemon: Daemon | None = None
        self.sent = 0
        self.refused: Counter[int] = Counter()
        self._recording = recording
        self._limit: int | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self, daemon: Daemon) -> "Sender":
        self.daemon = daemon
        self._thread.start()
        return self

    def finish(self, limit: int, within: float = 120.0) -> None:
        """Returns when so many bodies are in."""
        self._limit = limit
        self._thread.join(within)
        assert not self._thread.is_alive(), "the last body was not taken in time"

    def _run(self) -> None:
        while self._limit is None or self.sent < self._limit:
            pause = self._recording.due(self.sent) - time.time()
            if pause > 0:
                time.sleep(min(pause, 0.1))
            else:
                self._insist(self._recording.body(self.sent))
                self.sent += 1

    def _insist(self, events: list[dict[str, object]]) -> None:
        while True:
            daemon = self.daemon
            try:
                if daemon is not None and daemon.events("listening"):
                    status = daemon.ingest(*events).status
                    if status == 202:
                        return
                    assert status in BUSY, status
                    self.refused[status] += 1
            except (URLError, ConnectionError, HTTPException, TimeoutError):
                self.refused[0] += 1
            time.sleep(0.05)


_SOON_OVER = re.compile(b'"rule_id":"episode"')
"""Not refused: a message that is to be sent again is superseded where the resolve comes first."""


class Ledger:
    """Every message that was taken, as (id, body), in order. What came in part, as its sender died, was not taken."""

    def __init__(self, refused: float = REFUSED) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self._refused = refused
        self._dice = random.Random(5)
        self._lock = threading.Lock()

    def receiver(self) -> Receiver:
        return Receiver(self._answer)

    def _answer(self, received: Received, number: int) -> tuple[int, Mapping[str, str], bytes]:
        with self._lock:
            if len(received.body) != int(received.headers["content-length"]):
                return 400, {}, b""
            if not _SOON_OVER.search(received.body) and self._dice.random() < self._refused:
                return 503, {}, b""
            self.taken.append((received.headers["webhook-id"], received.body))
            return 204, {}, b""


def quiet(daemon: Daemon, within: float = 120.0) -> None:
    """Returns when nothing waits for the engine, the store or the receiver."""

    def still() -> bool:
        samples = [line.rpartition(" ") for line in daemon.get("/metrics").body.decode().splitlines() if line[0] != "#"]
        numbers = [(name.partition("{")[0], float(value)) for name, _, value in samples]
        scraped = any(name == _SCRAPED for name, _ in numbers)
        return scraped and not any(number for name, number in numbers if name in _WAITING)

    eventually(still, within, "quiet")


_STORED_AT = {"recorded_at", "resolved_at"}


class End(NamedTuple):
    """What a run ended with."""

    alerts: Mapping[str, Alert]
    """Without the moments at which they were stored."""
    deliveries: Mapping[str, Delivery]
    tries_cut: Mapping[str, int]
    """Of each delivery the tries of which nobody heard how they ended."""
    taken: list[tuple[str, bytes]]


async def end_of(address: str | None, data: Path, ledger: Ledger) -> End:
    """Of a daemon that has stopped."""
    store = await open_store(address, data)
    try:
        alerts = {one.event_id: _timeless(one) for one in [found async for found in _alerts(store)]}
        deliveries = {one.id: one for one in [d async for d in _deliveries(store)]}
        retried = [one.id for one in deliveries.values() if one.tries > 1]
        attempts = {name: (await store.delivery(name)).attempts for name in retried}
    finally:
        await store.close()
    cut = {
        name: sum(one.outcome is not None and one.outcome.result == "unknown" for one in found)
        for name, found in attempts.items()
    }
    return End(alerts, deliveries, cut, ledger.taken)


def _timeless(alert: Alert) -> Alert:
    return msgspec.structs.replace(alert, **dict.fromkeys(_STORED_AT & set(alert.__struct_fields__), 0))


async def _alerts(store: Store) -> AsyncIterator[Alert]:
    query = AlertQuery(limit=1000)
    while True:
        page = await store.alerts(query)
        for one in page.alerts:
            yield one
        if page.next_cursor is None:
            return
        query = msgspec.structs.replace(query, cursor=page.next_cursor)


async def _deliveries(store: Store) -> AsyncIterator[Delivery]:
    query = DeliveryQuery(limit=1000)
    while True:
        page = await store.deliveries(query)
        for one in page.deliveries:
            yield one
        if page.next_cursor is None:
            return
        query = msgspec.structs.replace(query, cursor=page.next_cursor)


def differences(found: End, expected: End) -> list[str]:
    """In words, for whoever has to find out why."""
    owed, owes = _by_alert(expected), _by_alert(found)
    lines = []
    for name in sorted(found.alerts.keys() | expected.alerts.keys()):
        here, there = found.alerts.get(name), expected.alerts.get(name)
        if here is None or there is None:
            lines.append(f"{'lost' if here is None else 'extra'} {here or there}")
        elif here != there:
            lines.append(f"other {here}\n  than {there}")
        elif owes.get(name) != owed.get(name):
            lines.append(f"{name} owes {owes.get(name)}\n  not {owed.get(name)}")
    taken, wanted = dict(found.taken), dict(expected.taken)
    lines += [f"message lost {name} {wanted[name]!r}" for name in wanted.keys() - taken.keys()]
    lines += [f"message extra {name} {taken[name]!r}" for name in taken.keys() - wanted.keys()]
    lines += [
        f"message {body!r}\n  not {wanted[name]!r}" for name, body in taken.items() if wanted.get(name, body) != body
    ]
    return lines


class Verdict(NamedTuple):
    """How a disturbed run ended, against one that was not. Messages and alerts are counted together."""

    alerts: int
    messages: int
    lost: int
    extra: int
    half_written: int
    """Alerts that say other than they should or do not owe what they should, and messages that came in two wordings."""
    twice_unsettled: int
    """Messages that came again after a try of which nobody heard how it ended."""
    twice_elsewhere: int


def compare(found: End, expected: End) -> Verdict:
    messages = Counter(name for name, _ in found.taken)
    wanted = {name for name, _ in expected.taken}
    wordings = Counter(name for name, _ in set(found.taken) | set(expected.taken))
    again = {name: number - 1 for name, number in messages.items()}
    unsettled = {name: min(number, found.tries_cut.get(name, 0)) for name, number in again.items()}
    return Verdict(
        alerts=len(found.alerts),
        messages=len(messages),
        lost=len(expected.alerts.keys() - found.alerts.keys()) + len(wanted - messages.keys()),
        extra=len(found.alerts.keys() - expected.alerts.keys()) + len(messages.keys() - wanted),
        half_written=len(list(_half_written(found, expected))) + sum(number > 1 for number in wordings.values()),
        twice_unsettled=sum(unsettled.values()),
        twice_elsewhere=sum(again.values()) - sum(unsettled.values()),
    )


def _half_written(found: End, expected: End) -> Iterator[str]:
    owed, owes = _by_alert(expected), _by_alert(found)
    for name in found.alerts.keys() & expected.alerts.keys():
        if found.alerts[name] != expected.alerts[name] or owes.get(name) != owed.get(name):
            yield name
    yield from owes.keys() - found.alerts.keys()


def _by_alert(end: End) -> dict[str, set[tuple[str, str, str, bytes]]]:
    found: dict[str, set[tuple[str, str, str, bytes]]] = {}
    for one in end.deliveries.values():
        found.setdefault(one.alert_id, set()).add((one.id, one.kind, one.state, one.request))
    return found
