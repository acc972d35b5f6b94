"""The stream of a PostgreSQL that several daemons write to: nothing comes in behind what was read, and one alert of
several daemons is told once."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from cepd.model.alert import Fold
from cepd.model.errors import RetryLaterError
from cepd.ports import Recording
from cepd.stores.postgresql import open_store
from cepd.stores.store import SqlStore
from tests.support.acknowledging import acknowledge
from tests.support.alerts import alert, draft, ended
from tests.support.postgres import server

WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"


def with_two(work: Callable[[SqlStore, SqlStore, asyncpg.Connection], Awaitable[None]]) -> None:
    """Two daemons' stores of one database, and a bare connection to it."""

    async def run() -> None:
        url = server().database()
        one, two = await open_store(url, "one"), await open_store(url, "two")
        bare = await asyncpg.connect(url)
        try:
            async with asyncio.timeout(60):
                await work(one, two, bare)
        finally:
            await bare.close()
            await one.close()
            await two.close()

    asyncio.run(run())


async def followed(store: SqlStore, after: int = 0) -> list[str]:
    found = await store.stream_page(after, await store.stream_end(), 1_000)
    return [f"{notice.kind} {notice.alert.event_id}" for notice in found.notices]


def test_the_end_waits_for_who_drew_a_lower_number_and_has_not_committed() -> None:
    async def work(one: SqlStore, two: SqlStore, bare: asyncpg.Connection) -> None:
        await one.record(Recording(seq=1, alerts=[alert("early"), alert("late")]))
        begin = await one.stream_end()
        slow = bare.transaction()
        await slow.start()
        await bare.execute("SELECT pg_advisory_xact_lock_shared(727362002)")
        await bare.execute("INSERT INTO stream (kind, event_id, at) VALUES ('updated', 'early', 1)")
        await acknowledge(two, "late", by="alice", at=2, note=None, steal=False)
        assert (await two.alert("late")).alert.acked_by == "alice"
        with pytest.raises(RetryLaterError):
            await one.stream_end()
        end = asyncio.create_task(one.stream_end())
        await asyncio.sleep(0)
        await slow.commit()
        assert await end == begin + 2
        assert await followed(two, begin) == ["updated early", "acked late"]

    with_two(work)


def test_a_writer_is_counted_in_before_it_draws_its_number() -> None:
    async def work(one: SqlStore, two: SqlStore, bare: asyncpg.Connection) -> None:
        await one.record(Recording(seq=1, alerts=[alert("a")], drafts=[draft("d", "a")]))
        (delivery,) = await one.claim(now=1_000, per_target=1)
        end = await one.stream_end()
        looking = bare.transaction()
        await looking.start()
        await bare.execute("SELECT pg_advisory_xact_lock(727362002)")
        writing = [
            asyncio.create_task(write)
            for write in (
                one.record(Recording(seq=2, alerts=[alert("b")])),
                two.record(Recording(seq=2, folds=[Fold("a", 2, 20)])),
                ended(two, delivery),
            )
        ]
        while await bare.fetchval(WAITING) < len(writing):  # noqa: ASYNC110  the server tells nobody
            await asyncio.sleep(0.005)
        assert await bare.fetchval("SELECT last_value FROM stream_seq_seq") == end
        await looking.commit()
        await asyncio.gather(*writing)
        assert sorted(await followed(one, end)) == ["delivery a", "fired b", "updated a"]

    with_two(work)


def test_who_writes_while_the_end_is_waited_for_does_not_wait_long() -> None:
    """A daemon that is frozen in the middle of telling holds up the stream, and the others for a moment only."""

    async def work(one: SqlStore, two: SqlStore, bare: asyncpg.Connection) -> None:
        frozen = bare.transaction()
        await frozen.start()
        await bare.execute("SELECT pg_advisory_xact_lock_shared(727362002)")
        looking = asyncio.create_task(one.stream_end())
        while not await bare.fetchval(WAITING):  # noqa: ASYNC110  the server tells nobody
            await asyncio.sleep(0.005)
        await asyncio.wait_for(two.record(Recording(seq=1, alerts=[alert("a")])), 5)
        with pytest.raises(RetryLaterError):
            await looking
        await frozen.rollback()
        assert await followed(one) == ["fired a"]

    with_two(work)


def test_the_same_alert_of_two_daemons_is_told_once() -> None:
    async def work(one: SqlStore, two: SqlStore, bare: asyncpg.Connection) -> None:
        names = [f"a{n}" for n in range(60)]

        async def write(store: SqlStore) -> None:
            for first in range(0, len(names), 3):
                await store.record(Recording(seq=1, alerts=[alert(name) for name in names[first : first + 3]]))

        await asyncio.gather(write(one), write(two))
        assert sorted(await followed(one)) == sorted(f"fired {name}" for name in names)

    with_two(work)


def test_writers_do_not_wait_for_one_another() -> None:
    async def work(one: SqlStore, two: SqlStore, bare: asyncpg.Connection) -> None:
        await one.record(Recording(seq=1, alerts=[alert("a")]))
        async with bare.transaction():
            await bare.execute("SELECT pg_advisory_xact_lock_shared(727362002)")
            await acknowledge(two, "a", by="alice", at=2, note=None, steal=False)
        assert await followed(two) == ["fired a", "acked a"]

    with_two(work)
