"""A store, its stream and a server on a real socket, and clients that follow it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from cepd.ports import Recording
from cepd.runtime.stream import Stream
from cepd.stores.sqlite import open_store
from cepd.stores.store import SqlStore
from cepd.telemetry.metrics import Metrics
from cepd.web import stream as module
from cepd.web.app import create_app
from cepd.web.auth import TokenFile
from cepd.web.server import bind, serve, url_of
from tests.support.alerts import alert
from tests.support.sse import Event, Reader, unchunked
from tests.support.web import services


class House:
    """A store, a stream and a server over them."""

    def __init__(self, path: Path, tokens: TokenFile | None) -> None:
        self.store: SqlStore = open_store(path / "cepd.db")
        self.metrics = Metrics()
        self.stream = Stream(self.store, self.metrics, module.line_of)
        self.store.watch(self.stream.wake)
        given = services(store=self.store, stream=self.stream, tokens=tokens)
        self.drain = given.drain
        self._listener = bind("127.0.0.1", 0)
        self.port = int(url_of(self._listener).rsplit(":", 1)[1])
        self.serving = asyncio.create_task(serve(create_app(given), self._listener, self.drain))
        self._following = asyncio.create_task(self.stream.run())
        self._clients: list[Client] = []

    async def fire(self, *names: str, **more: Any) -> None:
        await self.store.record(Recording(seq=1, alerts=[alert(name, **more) for name in names]))

    async def open(self, query: str = "", *headers: str, method: str = "GET") -> "Client":
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=4096)
        lines = [f"{method} /cep/events/stream{query} HTTP/1.1", "Host: localhost", *headers, "", ""]
        writer.write("\r\n".join(lines).encode())
        client = Client(reader, writer)
        self._clients.append(client)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        client.status = int(head[0].split()[1])
        client.headers = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in head[1:-2])]
        return client

    async def watched(self, by: int) -> None:
        while self.stream.watchers != by:  # noqa: ASYNC110  the server tells nobody
            await asyncio.sleep(0.005)

    async def close(self) -> None:
        self.drain.set()
        await self.serving
        for client in self._clients:
            await client.close()
        self._following.cancel()
        await asyncio.wait({self._following})
        await self.store.close()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        self.events: list[Event] = []
        self.parsed = Reader()
        self._rest = b""

    async def more(self) -> bool:
        """Reads on; whether anything came."""
        data = await self.reader.read(65536)
        body, self._rest = unchunked(self._rest + data)
        self.events.extend(self.parsed.feed(body))
        return bool(data)

    async def sees(self, *wanted: str) -> None:
        """The events so far, once there are so many."""
        while len(self.events) < len(wanted):
            assert await self.more(), self.shown
        assert self.shown == list(wanted)

    @property
    def shown(self) -> list[str]:
        return [f"{event.kind} {event.data.get('event_id', '')}".strip() for event in self.events]

    async def begun(self) -> None:
        while self.parsed.retry is None:
            assert await self.more()

    def leave(self) -> None:
        self.writer.close()

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return

    async def cut_off(self) -> None:
        """Reads what is still there, until the connection ends."""
        try:
            while await self.more():
                continue
        except ConnectionError:
            return


def visiting(path: Path, visit: Callable[[House], Awaitable[None]], tokens: TokenFile | None = None) -> None:
    @asynccontextmanager
    async def house() -> AsyncIterator[House]:
        found = House(path, tokens)
        try:
            yield found
        finally:
            await found.close()

    async def run() -> None:
        async with asyncio.timeout(30), house() as opened:
            await visit(opened)

    asyncio.run(run())
