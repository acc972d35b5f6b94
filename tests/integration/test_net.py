import asyncio
import socket
import struct

import pytest

from cepd.model.duration import MILLISECOND, SECOND
from cepd.model.errors import RefusedError
from cepd.net import GuardedClient
from cepd.ports import HttpError, HttpResponse
from tests.support.client import against, get
from tests.support.wire import OK, Wire, answering, serving, silent

SHORT = 150 * MILLISECOND


def test_a_request_goes_out_as_written_and_the_answer_comes_back() -> None:
    answer = b"HTTP/1.1 404 Nope\r\nContent-Length: 4\r\nX-Reason: Gone\r\n\r\ngone"

    async def conversation(client: GuardedClient, wire: Wire) -> None:
        url = f"http://127.0.0.1:{wire.port}/a%20b?q=1"
        answered = await get(client, url, method="PUT", headers={"X-Key": "é"}, content=b'{"a":1}')
        assert answered == HttpResponse(
            status=404, headers={"content-length": "4", "x-reason": "Gone"}, body=b"gone", whole=True
        )
        head, _, body = wire.requests[0].partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        assert lines[0] == b"PUT /a%20b?q=1 HTTP/1.1"
        assert b"x-key: " + "é".encode() in lines
        assert b"content-length: 7" in lines
        assert f"host: 127.0.0.1:{wire.port}".encode() in lines
        assert body == b'{"a":1}'

    against(answering(answer), conversation)


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async def conversation(client: GuardedClient, wire: Wire) -> None:
        assert (await get(client, f"http://127.0.0.1:{wire.port}/")).status == 302
        assert len(wire.requests) == 1

    against(answering(b"HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n"), conversation)


def test_no_proxy_and_no_cookie(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def conversation(client: GuardedClient, wire: Wire) -> None:
        for _ in range(2):
            assert (await get(client, f"http://127.0.0.1:{wire.port}/")).status == 200
        assert b"cookie" not in wire.requests[1].lower()

    against(answering(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n"), conversation)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "example.com/path",
        "//example.com",
        "",
        "http://",
        "http://user:password@example.com/",
        "http://user@example.com/",
        "http://exa mple.com/",
        "http://example.com/\r\nX: y",
        "http://example.com:99999/",
        "http://[::1/",
    ],
)
def test_a_url_that_is_none_is_refused_without_telling_it(url: str) -> None:
    async def run() -> None:
        with pytest.raises(RefusedError) as raised:
            await get(GuardedClient(), url)
        assert "password" not in raised.value.message.replace("a user or password", "")

    asyncio.run(run())


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "1\r\nX-B: 2"},
        {"X-A": "1\nX-B: 2"},
        {"X-A": "1\x00"},
        {"X-A: y\r\nX-B": "2"},
        {"X A": "1"},
        {"": "1"},
        {"Content-Length": "3"},
        {"Transfer-Encoding": "chunked"},
    ],
)
def test_no_header_can_smuggle_another(headers: dict[str, str]) -> None:
    async def conversation(client: GuardedClient, wire: Wire) -> None:
        with pytest.raises(RefusedError):
            await get(client, f"http://127.0.0.1:{wire.port}/", headers=headers)
        assert wire.connections == 0

    against(answering(OK), conversation)


def test_nobody_there_means_not_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

        async def run() -> None:
            with pytest.raises(HttpError) as raised:
                await get(GuardedClient(), f"http://127.0.0.1:{port}/", content=b"x", method="POST")
            assert not raised.value.sent

        asyncio.run(run())


def test_an_unknown_name_means_not_sent() -> None:
    async def run() -> None:
        with pytest.raises(HttpError, match="not a known host") as raised:
            await get(GuardedClient(), "http://nowhere.invalid/")
        assert not raised.value.sent

    asyncio.run(run())


def test_silence_after_the_request_means_it_may_have_arrived() -> None:
    async def conversation(client: GuardedClient, wire: Wire) -> None:
        with pytest.raises(HttpError, match="no answer within 150ms") as raised:
            await get(client, f"http://127.0.0.1:{wire.port}/", deadline=SHORT, method="POST", content=b"x" * 100)
        assert raised.value.sent
        assert len(wire.requests) == 1

    against(silent, conversation)


def test_a_server_that_stops_reading_has_not_received_it() -> None:
    async def deaf(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(60)

    async def conversation(client: GuardedClient, wire: Wire) -> None:
        content = b"x" * (32 << 20)
        with pytest.raises(HttpError) as raised:
            await get(client, f"http://127.0.0.1:{wire.port}/", deadline=SHORT, method="POST", content=content)
        assert not raised.value.sent

    against(deaf, conversation)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"nonsense\r\n\r\n"])
def test_a_connection_that_breaks_before_the_answer(said: bytes) -> None:
    async def breaking(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_request(reader)
        writer.write(said)
        await writer.drain()

    async def conversation(client: GuardedClient, wire: Wire) -> None:
        with pytest.raises(HttpError) as raised:
            await get(client, f"http://127.0.0.1:{wire.port}/", method="POST", content=b"x")
        assert raised.value.sent

    against(breaking, conversation)


def test_a_reset_before_the_answer() -> None:
    async def resetting(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_request(reader)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def conversation(client: GuardedClient, wire: Wire) -> None:
        with pytest.raises(HttpError) as raised:
            await get(client, f"http://127.0.0.1:{wire.port}/", method="POST", content=b"x")
        assert raised.value.sent

    against(resetting, conversation)


def test_a_body_that_trickles_ends_at_the_deadline_with_what_came() -> None:
    async def trickling(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async def conversation(client: GuardedClient, wire: Wire) -> None:
        answered = await asyncio.wait_for(get(client, f"http://127.0.0.1:{wire.port}/", deadline=SHORT), 3)
        assert (answered.status, answered.whole) == (200, False)
        assert 0 < len(answered.body) < 1000

    against(trickling, conversation)


def test_headers_that_trickle_are_no_answer() -> None:
    async def trickling(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    async def conversation(client: GuardedClient, wire: Wire) -> None:
        with pytest.raises(HttpError) as raised:
            await asyncio.wait_for(get(client, f"http://127.0.0.1:{wire.port}/", deadline=SHORT), 3)
        assert raised.value.sent

    against(trickling, conversation)


def test_a_huge_body_is_cut() -> None:
    async def endless(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        while True:
            writer.write(b"x" * 100_000)
            await writer.drain()

    async def conversation(client: GuardedClient, wire: Wire) -> None:
        answered = await get(client, f"http://127.0.0.1:{wire.port}/")
        assert (len(answered.body), answered.whole) == (65_536, False)
        assert (await get(client, f"http://127.0.0.1:{wire.port}/")).status == 200
        assert wire.connections == 2

    against(endless, conversation)


def test_a_compressed_body_is_not_unpacked() -> None:
    async def conversation(client: GuardedClient, wire: Wire) -> None:
        answered = await get(client, f"http://127.0.0.1:{wire.port}/")
        assert answered.body == b"\x1f\x8b"

    against(answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"), conversation)


def test_a_kept_connection_that_the_server_closed_is_not_used_again() -> None:
    async def once(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_request(reader)
        writer.write(OK)
        await writer.drain()

    async def conversation(client: GuardedClient, wire: Wire) -> None:
        for _ in range(2):
            assert (await get(client, f"http://127.0.0.1:{wire.port}/")).body == b"ok"
            await asyncio.sleep(0.05)
        assert wire.connections == 2

    against(once, conversation)


def test_many_at_once() -> None:
    async def conversation(client: GuardedClient, wire: Wire) -> None:
        url = f"http://127.0.0.1:{wire.port}/"
        answers = await asyncio.gather(*(get(client, url) for _ in range(250)))
        assert {answer.status for answer in answers} == {200}

    against(answering(OK), conversation)


def test_many_that_hang_hold_up_no_other() -> None:
    async def conversation(client: GuardedClient, wire: Wire) -> None:
        async with serving(silent) as hanging:
            url = f"http://127.0.0.1:{hanging.port}/"
            waiting = [asyncio.create_task(get(client, url)) for _ in range(150)]
            await hanging.asked.wait()
            assert (await get(client, f"http://127.0.0.1:{wire.port}/", deadline=2 * SECOND)).body == b"ok"
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    against(answering(OK), conversation)


def test_being_cancelled_leaves_the_client_usable() -> None:
    async def first_silent(wire: Wire, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await wire.read_request(reader)
        if wire.connections > 1:
            writer.write(OK)
            await writer.drain()
        await asyncio.sleep(60)

    async def conversation(client: GuardedClient, wire: Wire) -> None:
        url = f"http://127.0.0.1:{wire.port}/"
        task = asyncio.create_task(get(client, url))
        await wire.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (await get(client, url)).status == 200

    against(first_silent, conversation)
