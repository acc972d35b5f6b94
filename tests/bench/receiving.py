"""A receiver of messages that costs next to nothing: it keeps when each one came, and answers 204."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


class Receiver:
    """`times`: by the id of each message, in seconds of the monotonic clock, the first time that it came."""

    def __init__(self) -> None:
        self.times: dict[str, float] = {}
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
                await reader.readexactly(int(fields[b"content-length"]))
                self.times.setdefault(fields[b"webhook-id"].decode(), time.monotonic())
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def wait(self, number: int, within: float) -> None:
        """Returns when so many messages have come. AssertionError where they do not."""
        end = time.monotonic() + within
        while len(self.times) < number:
            assert time.monotonic() < end, (len(self.times), number)
            time.sleep(0.002)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """One at work in a thread of its own."""
    receiver, loop, ready = Receiver(), asyncio.new_event_loop(), threading.Event()

    async def begin() -> asyncio.Server:
        server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0)
        receiver.port = server.sockets[0].getsockname()[1]
        ready.set()
        return server

    async def end(server: asyncio.Server) -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def run() -> None:
        server = loop.run_until_complete(begin())
        loop.run_forever()
        loop.run_until_complete(end(server))
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
