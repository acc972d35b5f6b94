"""Every implementation of the port Store, each test with an empty one."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cepd.ports import Store
from cepd.stores.sqlite import open_store

STORES: dict[str, Callable[[Path], Store]] = {"sqlite": lambda directory: open_store(directory / "cepd.db")}


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
def run_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Callable[[Store], Awaitable[None]]], None]:
    """Runs a coroutine function on a store inside a loop, and closes it."""

    def run(work: Callable[[Store], Awaitable[None]]) -> None:
        async def main() -> None:
            store = request.param(tmp_path)
            try:
                await work(store)
            finally:
                await store.close()

        asyncio.run(main())

    return run
