"""A load that goes on at a steady rate: bodies that are new each time and cost their sender next to nothing."""

import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import count, cycle
from typing import NamedTuple
from urllib.parse import urlsplit

import msgspec

from tests.support.daemon import Daemon

CONNECTIONS = 4
EVENTS = 500
"""Of a body."""
TEMPLATES = 128
"""Bodies that are different; then they come again, with other ids and times."""
TYPES = ("plain", "window", "step", "value")
ONE_IN = 2_000
"""So many events have a value that is far off."""
ID = b"##########"
TIME = b"1111111111.111"


class Sent(NamedTuple):
    events: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.events / self.seconds


class Steady:
    """Sends over a few connections. AssertionError where a body is not accepted as a whole."""

    def __init__(self, daemon: Daemon, hosts: int) -> None:
        where = urlsplit(daemon.url)
        self._address = str(where.hostname), where.port
        self._bodies = fresh_bodies(hosts)
        self._lock = threading.Lock()
        self.sent = 0

    def send(self, seconds: float, rate: float | None = None) -> Sent:
        """For so many seconds so many events a second; without a rate as fast as they are taken. A sender that falls
        behind by more than a second does not catch up: that the machine was busy makes no burst."""
        begun, before = time.monotonic(), self.sent
        apart = 0.0 if rate is None else EVENTS * CONNECTIONS / rate
        with ThreadPoolExecutor(CONNECTIONS) as threads:
            for ended in [threads.submit(self._connection, begun + seconds, apart) for _ in range(CONNECTIONS)]:
                ended.result()
        return Sent(self.sent - before, time.monotonic() - begun)

    def _connection(self, until: float, apart: float) -> None:
        connection = HTTPConnection(*self._address, timeout=30)
        due = time.monotonic()
        while (now := time.monotonic()) < until:
            with self._lock:
                body = next(self._bodies)
                self.sent += EVENTS
            post(connection, body)
            due = max(due + apart, now - 1)
            time.sleep(max(due - time.monotonic(), 0))
        connection.close()


def post(connection: HTTPConnection, body: bytes) -> None:
    connection.request("POST", "/ingest", body, {"Content-Type": "application/x-ndjson"})
    answer = connection.getresponse()
    told = msgspec.json.decode(answer.read())
    assert answer.status == 202, told
    assert told == {"accepted": EVENTS, "duplicates": 0, "rejected": []}


def fresh_bodies(hosts: int) -> Iterator[bytes]:
    dice = random.Random(7)
    templates = [b"\n".join(_line(dice, place, hosts) for place in range(EVENTS)) for _ in range(TEMPLATES)]
    for number, template in zip(count(), cycle(templates), strict=False):
        yield template.replace(ID, b"%010d" % number).replace(TIME, b"%.3f" % time.time())


def _line(dice: random.Random, place: int, hosts: int) -> bytes:
    kind, host = dice.choice(TYPES), dice.randrange(hosts)
    value = round(dice.gauss(50, 1) if kind == "value" else dice.uniform(0, 99.98), 2)
    if dice.randrange(ONE_IN) == 0:
        value = 100.0
    return (
        f'{{"id":"{ID.decode()}-{place}","type":"{kind}","source":"agent/eu-1","host":"host-{host:04d}",'
        f'"service":"checkout","region":"eu-west-1","unit":"percent","ts":{TIME.decode()},"n":{value},'
        f'"labels":{{"pod":"checkout-7f9c","zone":"b"}}}}'
    ).encode()
