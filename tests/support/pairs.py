"""Two daemons over one database, and one that opens its database again, on each kind of store."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cepd.ports import Store
from cepd.stores import postgresql, sqlite
from cepd.stores.store import SqlStore
from tests.support.postgres import server

Open = Callable[[str], Awaitable[Store]]
"""Opens the one database for the daemon of that name."""
Run = Callable[[Path, Callable[[Store, Store], Awaitable[None]]], None]
Reopen = Callable[[Path, Callable[[Open], Awaitable[None]]], None]


def pair_on_sqlite(directory: Path, work: Callable[[Store, Store], Awaitable[None]]) -> None:
    """Both in one process, as SQLite wants it."""

    async def main() -> None:
        store = sqlite.open_store(directory / "cepd.db")
        try:
            await work(SqlStore(store._database, "one"), SqlStore(store._database, "two"))
        finally:
            await store.close()

    asyncio.run(main())


def pair_on_postgresql(directory: Path, work: Callable[[Store, Store], Awaitable[None]]) -> None:
    async def main() -> None:
        url = server().database()
        one, two = await postgresql.open_store(url, "one"), await postgresql.open_store(url, "two")
        try:
            await work(one, two)
        finally:
            await one.close()
            await two.close()

    asyncio.run(main())


def reopen_sqlite(directory: Path, work: Callable[[Open], Awaitable[None]]) -> None:
    async def open_it(instance: str) -> Store:
        return sqlite.open_store(directory / "cepd.db")

    asyncio.run(_awaited(work(open_it)))


def reopen_postgresql(directory: Path, work: Callable[[Open], Awaitable[None]]) -> None:
    url = server().database()

    async def open_it(instance: str) -> Store:
        return await postgresql.open_store(url, instance)

    asyncio.run(_awaited(work(open_it)))


async def _awaited(work: Awaitable[None]) -> None:
    await work


on_both = pytest.mark.parametrize("run_pair", [pair_on_sqlite, pair_on_postgresql], ids=["sqlite", "postgresql"])
reopened_on_both = pytest.mark.parametrize(
    "run_again", [reopen_sqlite, reopen_postgresql], ids=["sqlite", "postgresql"]
)
