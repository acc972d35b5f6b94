"""The HTTP side over a real store on a real socket, in a thread: for what talks to it from outside."""

import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cepd.stores.sqlite import open_store
from cepd.stores.store import SqlStore
from cepd.web.app import create_app
from cepd.web.server import bind, serve, url_of
from tests.support.web import services


@contextmanager
def store_served(directory: Path, fill: Callable[[SqlStore], Awaitable[None]], **more: Any) -> Iterator[str]:
    """Gives the URL of a server over a store that `fill` has filled."""
    ready: queue.Queue[tuple[str, asyncio.AbstractEventLoop, asyncio.Event] | BaseException] = queue.Queue()

    async def main() -> None:
        store = open_store(directory / "cepd.db")
        listener = bind("127.0.0.1", 0)
        drain = asyncio.Event()
        try:
            await fill(store)
            ready.put((url_of(listener), asyncio.get_running_loop(), drain))
            await serve(create_app(services(store=store, drain=drain, **more)), listener, drain)
        finally:
            listener.close()
            await store.close()

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:
            ready.put(error)
            raise

    thread = threading.Thread(target=run)
    thread.start()
    started = ready.get(timeout=20)
    if isinstance(started, BaseException):
        raise started
    url, loop, drain = started
    try:
        yield url
    finally:
        loop.call_soon_threadsafe(drain.set)
        thread.join(20)
