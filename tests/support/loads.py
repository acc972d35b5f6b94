"""Load on a running daemon over HTTP: what each request costs the daemon, and how long its answer takes.

Bodies go over a few connections that stay open, each sender waiting for its answer. The cost is CPU time of the
daemon's process, all of its threads together, so a slow sender or a busy machine hardly shows in it.
"""

import json
import os
import socket
import statistics
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.support.daemon import Daemon

CONNECTIONS = 4
IDLE = 0.1
"""Seconds without work after which the daemon counts as done."""


class Load(NamedTuple):
    """What became of the requests. Times are in seconds, in no order."""

    accepted: int
    cpu: float
    """CPU time of the daemon from the first request until it had nothing left to do."""
    wall: float
    answers: Sequence[float]

    @property
    def p50(self) -> float:
        return statistics.median(self.answers)

    @property
    def p99(self) -> float:
        return sorted(self.answers)[len(self.answers) * 99 // 100]


def load(daemon: Daemon, bodies: Iterable[bytes], connections: int = CONNECTIONS) -> Load:
    """Sends each body once, as NDJSON. AssertionError where an event of any is not accepted."""
    requests = iter([_request(body) for body in bodies])
    told: list[tuple[int, float]] = []
    faults: list[BaseException] = []
    lock = threading.Lock()

    def sender() -> None:
        try:
            with socket.create_connection(_address(daemon)) as connection:
                told.extend(_exchange(connection, request) for request in _shared(requests, lock))
        except (OSError, AssertionError) as error:
            faults.append(error)

    threads = [threading.Thread(target=sender) for _ in range(connections)]
    cpu, began = cpu_of(daemon), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - began
    if faults:
        raise AssertionError(f"a sender failed: {faults[0]}") from faults[0]
    settle(daemon)
    return Load(sum(accepted for accepted, _ in told), cpu_of(daemon) - cpu, wall, [took for _, took in told])


def cpu_of(daemon: Daemon) -> float:
    """CPU seconds of the daemon's process so far. The clock is that of clock_getcpuclockid(3)."""
    return time.clock_gettime(~daemon.process.pid << 3 | 2)


def settle(daemon: Daemon) -> None:
    """Returns when the daemon has been idle for IDLE seconds: all that it took in is applied and recorded."""
    busy = cpu_of(daemon)
    time.sleep(IDLE)
    while (now := cpu_of(daemon)) - busy > IDLE / 10:
        busy = now
        time.sleep(IDLE)


def pin(daemon: Daemon, core: int) -> None:
    """Keeps the daemon, and the threads it will start, on one core."""
    for thread in Path(f"/proc/{daemon.process.pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), {core})


def _address(daemon: Daemon) -> tuple[str, int]:
    where = urlsplit(daemon.url)
    assert where.hostname
    assert where.port
    return where.hostname, where.port


def _shared(requests: Iterator[bytes], lock: threading.Lock) -> Iterator[bytes]:
    while True:
        with lock:
            request = next(requests, None)
        if request is None:
            return
        yield request


def _request(body: bytes) -> bytes:
    head = (
        f"POST /ingest HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: {len(body)}"
    )
    return head.encode() + b"\r\n\r\n" + body


def _exchange(connection: socket.socket, request: bytes) -> tuple[int, float]:
    """(events accepted, seconds)"""
    began = time.perf_counter()
    connection.sendall(request)
    head, rest = _until(connection, b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(rest) < length:
        rest += _received(connection)
    took = time.perf_counter() - began
    receipt = json.loads(rest)
    assert head.split(b" ", 2)[1] == b"202", (head, rest)
    assert not receipt["rejected"], rest
    return receipt["accepted"], took


def _until(connection: socket.socket, end: bytes) -> tuple[bytes, bytes]:
    data = b""
    while end not in data:
        data += _received(connection)
    head, _, rest = data.partition(end)
    return head, rest


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(1 << 16)
    assert data, "the daemon closed the connection"
    return data
