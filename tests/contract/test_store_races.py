"""Interleavings of transactions that only a PostgreSQL database with several connections has, step by step."""

import asyncio
from typing import TypeVar

import asyncpg

from cepd.model.terms import Terms
from cepd.ports import Tally
from cepd.stores import outbox, postgresql
from cepd.stores.operations import Operation, one
from tests.support.fallbacks import owe, to
from tests.support.outbox import NO_BREAKER, REFUSED, START, Worker, settlement
from tests.support.postgres import server

T = TypeVar("T")

TERMS = Terms(breaker=NO_BREAKER)


class Gate:
    """Operations stop at it until it opens. It is a lock of the database, which the test holds."""

    def __init__(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        self._connection = connection

    async def shut(self) -> None:
        await self._connection.execute("SELECT pg_advisory_lock(727362002)")

    async def open(self) -> None:
        await self._connection.execute("SELECT pg_advisory_unlock(727362002)")

    def before(self, statement: str, operation: Operation[T]) -> Operation[T]:
        """The operation, which stops before that statement."""
        query = next(operation)
        while True:
            if query.name == statement:
                yield one("join_writers")
            rows = yield query
            try:
                query = operation.send(rows)
            except StopIteration as done:
                result: T = done.value
                return result

    async def waiting(self, number: int, *others: "asyncio.Task[object]") -> None:
        """Returns when so many wait, here or for their turn, or when all others have ended."""
        sql = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        async with asyncio.timeout(20):
            while await self._connection.fetchval(sql) < number:
                if others and all(other.done() for other in others):
                    return
                await asyncio.sleep(0.01)


def test_a_beginning_that_falls_back_while_its_end_does_keeps_its_place() -> None:
    async def main() -> None:
        url = server().database()
        first, second = await postgresql.open_store(url, "one"), await postgresql.open_store(url, "two")
        connection = await asyncpg.connect(url)
        gate = Gate(connection)
        try:
            worker = Worker(first)
            begin, end = to("mail", "begin-mail"), to("mail", "end-mail", kind="resolved")
            await owe(worker, "begin", target="chat", order_key="chat:k", terms=TERMS, fallback=begin)
            await owe(worker, "end", kind="resolved", terms=TERMS, fallback=end)
            assert await worker.claim() == ["begin", "end"]
            await gate.shut()
            settling = outbox.settle(settlement(worker.under_way["begin"], REFUSED, START), Tally())
            slow = asyncio.create_task(first._database.write(gate.before("fall_back", settling)))
            await gate.waiting(1)
            fast = asyncio.create_task(second.settle(settlement(worker.under_way["end"], REFUSED, START)))
            await gate.waiting(2, fast)
            sent = [one.id for one in await second.claim(START, 4)] if fast.done() else []
            await gate.open()
            await asyncio.gather(slow, fast)
            for _ in range(2):
                claimed = await second.claim(START, 4)
                for one_claimed in claimed:
                    await second.settle(settlement(one_claimed, REFUSED, START))
                sent += [one.id for one in claimed]
            assert sent == ["begin-mail", "end-mail"]
        finally:
            await connection.close()
            await first.close()
            await second.close()

    asyncio.run(main())
