"""How receivers answer in the field, byte by byte, and what cepd makes of each: the retry table as data.

The deliveries are tried three times at most, under a short schedule; see `CHANNEL`.
"""

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate
from typing import NamedTuple

from cepd.model.delivery import DeliveryState, Result
from tests.support.wire import Script, Wire, serving, silent

PATIENT, SHORT = "10s", "400ms"
"""Timeouts: where an answer comes, and where none will."""


class Behaviour(NamedTuple):
    script: Script
    results: tuple[Result, ...]
    """How its tries end, one after the other."""
    state: DeliveryState
    statuses: tuple[int | None, ...]
    timeout: str = PATIENT


def head(status: int, *headers: str, length: int = 0) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status} Said", *headers, f"Content-Length: {length}", "", ""]).encode()


def first_then(answer: Callable[[], bytes], times: int = 1) -> Script:
    """That answer so many times, then 204."""

    async def script(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await wire.read_request(reader)
            writer.write(answer() if len(wire.requests) <= times else b"HTTP/1.1 204 Done\r\n\r\n")
            await writer.drain()

    return script


def always(status: int, *headers: str) -> Script:
    return first_then(lambda: head(status, *headers), times=1_000)


def cut(said: bytes) -> Script:
    """Reads the request, says so much, and closes."""

    async def script(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_request(reader)
        writer.write(said)
        await writer.drain()
        writer.close()

    return script


def dripping(said: bytes) -> Script:
    """Says so much, then a byte now and then, for ever."""

    async def script(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_request(reader)
        writer.write(said)
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    return script


async def resetting(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await wire.read_request(reader)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def in_two_seconds() -> bytes:
    return head(429, f"Retry-After: {formatdate(time.time() + 2, usegmt=True)}")


THREE_FAILED: tuple[Result, ...] = ("retryable",) * 3
THREE_UNKNOWN: tuple[Result, ...] = ("unknown",) * 3
NO_STATUS = (None, None, None)

BEHAVIOURS: Mapping[str, Behaviour] = {
    "fine": Behaviour(always(200), ("sent",), "sent", (200,)),
    "busy-seconds": Behaviour(
        first_then(lambda: head(429, "Retry-After: 1"), 4),
        ("rate_limited",) * 4 + ("sent",),
        "sent",
        (429,) * 4 + (204,),
    ),
    "busy-date": Behaviour(first_then(in_two_seconds), ("rate_limited", "sent"), "sent", (429, 204)),
    "busy": Behaviour(first_then(lambda: head(429)), ("rate_limited", "sent"), "sent", (429, 204)),
    "recovering": Behaviour(
        first_then(lambda: head(503), 2), ("retryable", "retryable", "sent"), "sent", (503, 503, 204)
    ),
    "back-soon": Behaviour(first_then(lambda: head(503, "Retry-After: 1")), ("retryable", "sent"), "sent", (503, 204)),
    **{
        f"down-{status}": Behaviour(always(status), THREE_FAILED, "dead", (status,) * 3)
        for status in (500, 502, 503, 504)
    },
    **{
        f"later-{status}": Behaviour(
            first_then(lambda s=status: head(s), 2), ("retryable", "retryable", "sent"), "sent", (status, status, 204)
        )
        for status in (408, 425)
    },
    **{f"shut-{status}": Behaviour(always(status), ("auth",), "dead", (status,)) for status in (401, 403)},
    **{
        f"refusing-{status}": Behaviour(always(status), ("permanent",), "dead", (status,))
        for status in (400, 404, 410, 413, 422)
    },
    **{
        f"moved-{status}": Behaviour(always(status, "Location: /elsewhere"), ("permanent",), "dead", (status,))
        for status in (301, 302, 303, 307, 308)
    },
    "hanging": Behaviour(silent, THREE_UNKNOWN, "dead", NO_STATUS, SHORT),
    "dripping-head": Behaviour(dripping(b"HTTP/1.1 200 OK\r\nX: "), THREE_UNKNOWN, "dead", NO_STATUS, SHORT),
    "dripping-body": Behaviour(dripping(head(200, length=1_000_000)), ("sent",), "sent", (200,), "2s"),
    "half-body": Behaviour(cut(head(200, length=100) + b"half"), ("sent",), "sent", (200,)),
    "half-refusal": Behaviour(cut(head(503, length=100) + b"half"), THREE_FAILED, "dead", (503,) * 3),
    "half-head": Behaviour(cut(b"HTTP/1.1 200 OK\r\nContent-Le"), THREE_UNKNOWN, "dead", NO_STATUS),
    "speechless": Behaviour(cut(b""), THREE_UNKNOWN, "dead", NO_STATUS),
    "nonsense": Behaviour(cut(b"220 smtp.example.com ESMTP\r\n\r\n"), THREE_UNKNOWN, "dead", NO_STATUS),
    "resetting": Behaviour(resetting, THREE_UNKNOWN, "dead", NO_STATUS),
}


class Receivers:
    """Runs each script on a port of its own, in a thread of its own, until it is left. `wires` holds what they saw."""

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self.wires: dict[str, Wire] = {}
        self._scripts = scripts
        self._loop = asyncio.new_event_loop()
        self._up, self._over = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(self._run()), daemon=True)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for name, script in self._scripts.items():
                group.create_task(self._serve(name, script))

    async def _serve(self, name: str, script: Script) -> None:
        async with serving(script) as wire:
            self.wires[name] = wire
            if len(self.wires) == len(self._scripts):
                self._up.set()
            await self._over.wait()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.wires[name].port}/in"

    def __enter__(self) -> "Receivers":
        self._thread.start()
        assert self._up.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)
        self._loop.close()


def channels(urls: Iterable[tuple[str, str, str]], more: str = "") -> str:
    """Channels by (name, url, timeout): tried three times, and never left alone."""
    return "\n---\n".join(
        f"""kind: Channel
name: {name}
type: webhook
url: {url}
allow_private: true
timeout: {timeout}
retry: {{delays: [50ms, 50ms]}}
circuit_breaker: {{failure_threshold: 1000}}
{more}"""
        for name, url, timeout in urls
    )
