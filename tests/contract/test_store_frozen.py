"""A daemon that is frozen in the middle of a transaction does not hold up those that share its database for long."""

import asyncio
import threading

import pytest

from cepd.model.errors import RetryLaterError
from cepd.stores import postgresql
from cepd.stores.operations import Operation, one
from tests.support.outbox import START, Worker
from tests.support.postgres import server


def test_the_server_ends_the_session_of_one_that_holds_the_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "FROZEN", "1s")
    url = server().database()
    holds, thaw = threading.Event(), threading.Event()
    ended: list[BaseException | None] = []

    def claiming() -> Operation[None]:
        """A claim that stops half-way, and its whole daemon with it."""
        yield one("take_turns")
        yield one("hold_delivery", id="d1")
        holds.set()
        thaw.wait(30)
        yield one("targets")

    async def frozen() -> None:
        store = await postgresql.open_store(url, "frozen")
        try:
            await store._database.write(claiming())
        except RetryLaterError as error:
            ended.append(error)
        finally:
            await store.close()

    async def main() -> None:
        store = await postgresql.open_store(url, "well")
        worker = Worker(store)
        await worker.owe("d1")
        thread = threading.Thread(target=lambda: asyncio.run(frozen()))
        thread.start()
        try:
            await asyncio.to_thread(holds.wait, 30)
            assert await worker.claim() == ["d1"]
            await worker.end("d1")
        finally:
            thaw.set()
            await asyncio.to_thread(thread.join, 30)
            await store.close()

    asyncio.run(main())
    (error,) = ended
    assert isinstance(error, RetryLaterError), "and it is told that nothing came of it"


def test_a_claim_that_waits_longer_than_its_patience_is_made_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "PATIENCE", 0.3)
    url = server().database()

    async def main() -> None:
        one_store = await postgresql.open_store(url, "one")
        two = await postgresql.open_store(url, "two")
        worker = Worker(two)
        await worker.owe("d1")
        gate, holds = asyncio.Event(), asyncio.Event()

        async def holding() -> None:
            async with one_store._database._pool.acquire() as connection, connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock(727362001)")
                holds.set()
                await gate.wait()

        held = asyncio.create_task(holding())
        await holds.wait()
        with pytest.raises(RetryLaterError):
            await two.claim(START, 1)
        gate.set()
        await held
        assert await worker.claim() == ["d1"]
        await one_store.close()
        await two.close()

    asyncio.run(main())
