"""Every implementation of the port Store, each test with an empty one."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cepd.ports import Store
from cepd.stores import postgresql, sqlite
from tests.support.postgres import server

Work = Callable[[Store], Awaitable[None]]
Run = Callable[[Work], None]


async def on_sqlite(directory: Path) -> Store:
    return sqlite.open_store(directory / "cepd.db")


async def on_postgresql(directory: Path) -> Store:
    return await postgresql.open_store(server().database(), "one")


STORES: dict[str, Callable[[Path], Awaitable[Store]]] = {"sqlite": on_sqlite, "postgresql": on_postgresql}


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
def run_store(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """Runs a coroutine function on a store inside a loop, and closes it."""

    def run(work: Work) -> None:
        async def main() -> None:
            store = await request.param(tmp_path)
            try:
                await work(store)
            finally:
                await store.close()

        asyncio.run(main())

    return run
