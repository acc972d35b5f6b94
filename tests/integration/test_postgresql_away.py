"""A PostgreSQL that ends sessions, or lets nobody in for a while: who calls is told to come back, and no more."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from cepd.model.errors import RetryLaterError
from cepd.ports import AlertQuery, Recording, Store
from cepd.stores.postgresql import open_store
from tests.support.alerts import alert, draft
from tests.support.postgres import server

ALERTS = 60
WORKERS = 6


async def lasting(call: Callable[[], Awaitable[object]], refusals: list[str]) -> None:
    """As the daemon does it; anything but a RetryLaterError would end it."""
    while True:
        try:
            await call()
        except RetryLaterError as error:
            refusals.append(error.message)
            await asyncio.sleep(0.005)
        else:
            return


def end_sessions(name: str) -> None:
    server().sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


def test_sessions_that_end_at_any_moment_lose_and_double_nothing() -> None:
    url = server().database()
    name = url.rpartition("/")[2]

    async def main() -> None:
        store = await open_store(url, "one")
        refusals: list[str] = []
        numbers = iter(range(ALERTS))
        over = False

        async def record() -> None:
            for number in numbers:
                recording = Recording(
                    seq=number, alerts=[alert(f"a{number}")], drafts=[draft(f"d{number}", f"a{number}")]
                )
                await lasting(partial(store.record, recording), refusals)
                await lasting(lambda: store.next_due(0), refusals)

        async def cut() -> None:
            while not over:
                await asyncio.to_thread(end_sessions, name)
                await asyncio.sleep(0.1)

        cutting = asyncio.create_task(cut())
        await asyncio.gather(*(record() for _ in range(WORKERS)))
        over = True
        await cutting
        assert refusals, "no session was cut in the middle of anything"
        await lasting(lambda: store.counts(), refusals)
        found = await all_of(store)
        assert sorted(found) == sorted(f"a{number}" for number in range(ALERTS))
        await store.close()

    asyncio.run(main())


async def all_of(store: Store) -> list[str]:
    return [one.event_id for one in (await store.alerts(AlertQuery(limit=1_000))).alerts]


@pytest.mark.parametrize(
    ("shut", "opened"),
    [
        ("ALTER DATABASE {name} ALLOW_CONNECTIONS false", "ALTER DATABASE {name} ALLOW_CONNECTIONS true"),
        ("ALTER DATABASE {name} RENAME TO {name}_gone", "ALTER DATABASE {name}_gone RENAME TO {name}"),
        ("ALTER ROLE {role} NOLOGIN", "ALTER ROLE {role} LOGIN"),
    ],
)
def test_a_database_that_lets_nobody_in_is_away_and_comes_back(shut: str, opened: str) -> None:
    url = server().database()
    name = url.rpartition("/")[2]
    role = f"app_{name}"
    server().sql(f"CREATE ROLE {role} LOGIN SUPERUSER")

    async def main() -> None:
        store = await open_store(url.replace("cepd@", f"{role}@"), "one")
        await store.record(Recording(seq=1, alerts=[alert("a1")]))
        end_sessions(name)
        server().sql(shut.format(name=name, role=role))
        for _ in range(3):
            with pytest.raises(RetryLaterError):
                await store.record(Recording(seq=2, alerts=[alert("a2")]))
        server().sql(opened.format(name=name, role=role))
        refusals: list[str] = []
        await lasting(lambda: store.record(Recording(seq=2, alerts=[alert("a2")])), refusals)
        assert await all_of(store) == ["a2", "a1"]
        await store.close()

    asyncio.run(main())
