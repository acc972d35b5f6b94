"""The HTTP side on real sockets: large and slow bodies, clients that go away, and an end in good order."""

import asyncio
import json
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cepd.model.errors import StartError
from cepd.runtime.inbox import Receipt
from cepd.web.app import create_app
from cepd.web.body import MOST_DROPPED
from cepd.web.ingest import MAX_BODY
from cepd.web.server import bind, check_listen, serve, url_of
from cepd.web.services import Services
from tests.support.web import services


class Running:
    def __init__(self, given: Services) -> None:
        self.drain = given.drain
        self.listener = bind("127.0.0.1", 0)
        self.port = int(url_of(self.listener).rsplit(":", 1)[1])
        self.ended = asyncio.create_task(serve(create_app(given), self.listener, given.drain))

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)

    async def stop(self) -> float:
        """Seconds until the server has ended."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self.drain.set()
        await self.ended
        return loop.time() - began


@asynccontextmanager
async def running(**changes: Any) -> AsyncIterator[Running]:
    server = Running(services(**changes))
    try:
        yield server
    finally:
        await server.stop()


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], Any]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers["content-length"]))
    return int(head[0].split()[1]), headers, json.loads(body) if body else None


async def end(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await writer.wait_closed()
    except ConnectionError:
        return


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await scenario()

    asyncio.run(bounded())


def post(headers: str, body: bytes = b"") -> bytes:
    return b"POST /ingest HTTP/1.1\r\nHost: localhost\r\n" + headers.encode() + b"\r\n\r\n" + body


GET = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"


def test_a_client_that_writes_20_mb_before_it_reads_gets_its_answer_and_may_go_on() -> None:
    async def scenario() -> None:
        async with running() as server:
            reader, writer = await server.connect()
            writer.write(post(f"Content-Length: {20 << 20}", b" " * (20 << 20)))
            await writer.drain()
            status, headers, document = await answer(reader)
            assert (status, document["status"]) == (413, 413)
            assert headers["content-type"] == "application/problem+json"
            writer.write(GET)
            assert (await answer(reader))[0] == 200
            await end(writer)

    run(scenario)


def test_a_declared_length_over_the_limit_is_answered_before_the_body_comes() -> None:
    async def scenario() -> None:
        async with running() as server:
            reader, writer = await server.connect()
            writer.write(post(f"Content-Length: {MOST_DROPPED + 1}"))
            assert (await answer(reader))[0] == 413
            await end(writer)

            reader, writer = await server.connect()
            writer.write(post(f"Content-Length: {MAX_BODY + 1}\r\nExpect: 100-continue"))
            status, headers, _ = await answer(reader)
            assert (status, headers["connection"]) == (413, "close")
            assert await reader.read() == b""
            await end(writer)

    run(scenario)


def test_chunks_are_joined_and_counted() -> None:
    bodies: list[bytes] = []

    async def submit(body: bytes, *_: object) -> Receipt:
        bodies.append(body)
        return Receipt(accepted=1, duplicates=0, rejected=[])

    async def scenario() -> None:
        async with running(submit=submit) as server:
            reader, writer = await server.connect()
            writer.write(post("Transfer-Encoding: chunked", b'5\r\n{"a":\r\n3\r\n 1}\r\n0\r\n\r\n'))
            assert (await answer(reader))[0] == 202
            chunk = b"%x\r\n" % (1 << 20) + b" " * (1 << 20) + b"\r\n"
            writer.write(post("Transfer-Encoding: chunked", chunk * 12 + b"0\r\n\r\n"))
            await writer.drain()
            assert (await answer(reader))[0] == 413
            writer.write(GET)
            assert (await answer(reader))[0] == 200
            await end(writer)
        assert bodies == [b'{"a": 1}']

    run(scenario)


def test_a_body_that_stops_coming_ends_with_408() -> None:
    async def scenario() -> None:
        async with running(patience=0.1) as server:
            reader, writer = await server.connect()
            writer.write(post("Content-Length: 100", b"{"))
            status, headers, _ = await answer(reader)
            assert (status, headers["connection"]) == (408, "close")
            assert await reader.read() == b""
            await end(writer)

    run(scenario)


@pytest.mark.parametrize("first", [b"GET /", b"GET / HTTP/1.1\r\nX: ", GET + b"GET / HTTP/1.1\r\nX: "])
def test_a_head_without_end_is_cut(first: bytes) -> None:
    async def scenario() -> None:
        async with running() as server:
            reader, writer = await server.connect()
            writer.write(first)
            cut = asyncio.create_task(reader.read(-1))
            sent = 0
            while not cut.done() and sent < 1 << 20:
                writer.write(b"a" * 8192)
                sent += 8192
                await asyncio.sleep(0)
                await asyncio.wait({cut}, timeout=0.01)
            assert sent < 1 << 20
            (told,) = await asyncio.gather(cut, return_exceptions=True)
            assert isinstance(told, ConnectionError) or b"64 KiB" in told
            await end(writer)

    run(scenario)


def test_heads_within_the_limit_are_counted_one_by_one() -> None:
    async def scenario() -> None:
        async with running() as server:
            reader, writer = await server.connect()
            padded = GET[:-2] + b"X: " + b"a" * 40_000 + b"\r\n\r\n"
            for _ in range(3):
                for start in range(0, len(padded), 10_000):
                    writer.write(padded[start : start + 10_000])
                    await writer.drain()
                assert (await answer(reader))[0] == 200
            await end(writer)

    run(scenario)


def test_clients_that_go_away_leave_no_trace_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        async with running() as server:
            for part in (b"", b"GET", post("Content-Length: 100", b"{"), GET):
                _, writer = await server.connect()
                writer.write(part)
                await writer.drain()
                await end(writer)
            reader, writer = await server.connect()
            writer.write(GET)
            assert (await answer(reader))[0] == 200
            await end(writer)

    with caplog.at_level(logging.WARNING):
        run(scenario)
    assert caplog.records == []


def test_answers_carry_the_headers_that_browsers_mind_and_no_version() -> None:
    async def scenario() -> None:
        async with running() as server:
            reader, writer = await server.connect()
            writer.write(GET)
            _, headers, _ = await answer(reader)
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            assert "server" not in headers
            await end(writer)

    run(scenario)


def test_the_end_is_quick_and_every_client_hears_of_it(caplog: pytest.LogCaptureFixture) -> None:
    begun = asyncio.Event()
    stuck = asyncio.Event()

    async def submit(body: bytes, *_: object) -> Receipt:
        if body == b"quick":
            begun.set()
            await asyncio.sleep(0.1)
            return Receipt(accepted=1, duplicates=0, rejected=[])
        stuck.set()
        await asyncio.Event().wait()
        raise AssertionError("it never ends by itself")

    async def scenario() -> None:
        async with running(submit=submit) as server:
            idle, half_head, half_body, quick, endless = [await server.connect() for _ in range(5)]
            idle[1].write(GET)
            assert (await answer(idle[0]))[0] == 200
            half_head[1].write(b"GET /-/heal")
            half_body[1].write(post("Content-Length: 100", b"{"))
            endless[1].write(post("Content-Length: 7", b"endless"))
            await stuck.wait()
            quick[1].write(post("Content-Length: 5", b"quick"))
            await begun.wait()
            stopping = asyncio.create_task(server.stop())
            assert (await answer(quick[0]))[0] == 202
            for reader, _ in (half_body, endless):
                status, headers, document = await answer(reader)
                assert (status, document["detail"]) == (503, "the daemon is stopping")
                assert headers["retry-after"] == "1"
            assert await stopping < 1.5
            for reader, writer in (idle, half_head, half_body, quick, endless):
                assert await reader.read() == b""
                await end(writer)
            with pytest.raises(ConnectionRefusedError):
                await server.connect()

    with caplog.at_level(logging.WARNING):
        run(scenario)
    assert caplog.records == []


def test_a_client_that_does_not_read_does_not_hold_up_the_end() -> None:
    async def scenario() -> None:
        async with running(render_metrics=lambda: b"x" * (64 << 20)) as server:
            reader, writer = await server.connect()
            writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            assert await server.stop() < 1.5
            await end(writer)

    run(scenario)


def test_signals_stay_with_the_daemon() -> None:
    numbers = (signal.SIGTERM, signal.SIGINT)

    async def scenario() -> None:
        before = [signal.getsignal(number) for number in numbers]
        async with running() as server:
            reader, writer = await server.connect()
            writer.write(GET)
            await answer(reader)
            assert [signal.getsignal(number) for number in numbers] == before
            await end(writer)

    run(scenario)


def test_a_port_that_is_taken_is_told_before_anything_starts() -> None:
    with bind("127.0.0.1", 0) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"127.0.0.1:{port}"):
            bind("127.0.0.1", port)
    with pytest.raises(StartError):
        bind("no-such-host.invalid", 0)


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_the_address_is_readable_for_both_families() -> None:
    with bind("127.0.0.1", 0) as four:
        assert url_of(four) == f"http://127.0.0.1:{four.getsockname()[1]}"
    with bind("::1", 0) as six:
        assert url_of(six) == f"http://[::1]:{six.getsockname()[1]}"


def test_a_network_address_needs_tokens() -> None:
    check_listen("127.0.0.1", with_tokens=False)
    check_listen("0.0.0.0", with_tokens=True)
    for host in ("0.0.0.0", "::", "", "10.0.0.1", "example.com"):
        with pytest.raises(StartError, match="token"):
            check_listen(host, with_tokens=False)
