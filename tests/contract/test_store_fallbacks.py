"""What the port Store promises of what stands in for a delivery, what is too late and what is resolved meanwhile."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable

import pytest

from cepd.model.delivery import Outcome
from cepd.model.terms import Terms
from cepd.ports import Settled, Store
from cepd.stores.store import SqlStore
from tests.support.alerts import SECOND
from tests.support.fallbacks import owe, to
from tests.support.in_memory import InMemory
from tests.support.outbox import DOWN, FORBIDDEN, NO_BREAKER, REFUSED, START, Worker, settlement

Run = Callable[[Callable[[Store], Awaitable[None]]], None]

PAUSED = Outcome(result="rate_limited", status=429, retry_after=60 * SECOND)
GOES_ON = Terms(delays=(SECOND,), keep_trying=10 * SECOND, breaker=NO_BREAKER)


@pytest.mark.parametrize("outcome", [REFUSED, FORBIDDEN], ids=lambda outcome: outcome.result)
def test_what_is_given_up_is_owed_elsewhere_from_that_moment(run_store: Run, outcome: Outcome) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await owe(worker)
        await worker.claim()
        worker.now += 3 * SECOND
        assert await worker.end("d1", outcome) == Settled(fallback="mail")
        first, second = (await store.alert("a1")).deliveries
        assert (first.state, first.fell_back, first.settled_at) == ("dead", True, worker.now)
        assert (second.state, second.id, second.target, second.fallback_of) == ("pending", "d1-mail", "mail", "d1")
        assert (second.due_at, second.next_at, second.attempts) == (worker.now, worker.now, 0)
        assert second.request == to("mail").request
        assert await worker.claim() == ["d1-mail"]
        assert await worker.end("d1-mail") == Settled()

    run_store(work)


def test_it_is_owed_when_the_schedule_is_used_up_and_not_before(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await owe(worker)
        for expected in (Settled(), Settled(fallback="mail")):
            assert await worker.claim() == ["d1"]
            assert await worker.end("d1", DOWN) == expected
            worker.now += SECOND
        assert await worker.state("d1") == "dead"

    run_store(work)


def test_it_is_owed_in_the_transaction_of_the_death() -> None:
    class Refusing(InMemory):
        refuse = False

    async def work() -> None:
        database = Refusing()
        worker = Worker(SqlStore(database))
        await owe(worker)
        await worker.claim()
        database.connection.execute(
            "CREATE TRIGGER refuse BEFORE INSERT ON delivery BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
        )
        under_way = dict(worker.under_way)
        with pytest.raises(sqlite3.IntegrityError, match="disk is full"):
            await worker.end("d1", REFUSED)
        assert await worker.state("d1") == "sending"
        database.connection.execute("DROP TRIGGER refuse")
        worker.under_way = under_way
        assert await worker.end("d1", REFUSED) == Settled(fallback="mail")

    asyncio.run(work())


def test_one_after_the_other_takes_over(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        chain = to("mail", "f1", fallback=to("sms", "f2", fallback=to("pager", "f3")))
        await owe(worker, fallback=chain)
        for name, outcome, owed in [
            ("d1", REFUSED, "mail"),
            ("f1", FORBIDDEN, "sms"),
            ("f2", REFUSED, "pager"),
            ("f3", REFUSED, None),
        ]:
            assert await worker.claim() == [name]
            assert await worker.end(name, outcome) == Settled(fallback=owed)
        found = (await store.alert("a1")).deliveries
        assert [(one.id, one.state, one.fallback_of) for one in found] == [
            ("d1", "dead", None),
            ("f1", "dead", "d1"),
            ("f2", "dead", "f1"),
            ("f3", "dead", "f2"),
        ]

    run_store(work)


def test_one_that_is_owed_already_is_not_owed_twice(run_store: Run) -> None:
    """The fallback of an action that is also one of its channels, and the one fallback of two channels."""

    async def work(store: Store) -> None:
        worker = Worker(store)
        await owe(worker, "ops", fallback=to("mail", "mail"))
        await owe(worker, "chat", target="chat", order_key="chat:k", fallback=to("mail", "mail"))
        await owe(worker, "mail", target="mail", order_key="mail:k", fallback=None)
        assert await worker.claim() == ["ops", "chat", "mail"]
        await worker.end("mail")
        assert await worker.end("ops", REFUSED) == Settled()
        assert await worker.end("chat", REFUSED) == Settled()
        assert await worker.claim() == []
        assert {one.id: one.state for one in (await store.alert("a1")).deliveries} == {
            "ops": "dead",
            "chat": "dead",
            "mail": "sent",
        }

    run_store(work)


def test_what_keeps_trying_falls_back_once_and_expires_at_its_deadline(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await owe(worker, terms=GOES_ON)
        owed: list[str | None] = []
        while await worker.claim() == ["d1"] or "d1-mail" in worker.under_way:
            if "d1-mail" in worker.under_way:
                await worker.end("d1-mail")
            if "d1" in worker.under_way:
                owed.append((await worker.end("d1", DOWN)).fallback)
            worker.now = await store.next_due(worker.now) or worker.now
        assert owed == [None, "mail"] + [None] * 9, "tries at 0 s, 1 s and so on until 10 s"
        found = (await worker.find("d1")).delivery
        assert (found.state, found.reason, found.settled_at) == (
            "expired",
            "its deadline passed",
            START + 10 * SECOND + 1,
        )
        assert len((await store.alert("a1")).deliveries) == 2

    run_store(work)


def test_what_expires_before_its_schedule_is_used_up_falls_back_then(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await owe(worker, terms=Terms(keep_trying=10 * SECOND))
        await worker.claim()
        await worker.end("d1", Outcome(result="rate_limited", retry_after=60 * SECOND))
        assert await store.next_due(START) == START + 10 * SECOND + 1
        worker.now = START + 10 * SECOND
        assert await worker.claim() == []
        worker.now += 1
        assert await worker.claim() == ["d1-mail"]
        assert await worker.state("d1") == "expired"

    run_store(work)


def test_no_try_starts_after_the_deadline_however_many_are_late(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store, per_target=500)
        await worker.owe(*(f"d{number}" for number in range(230)), terms=Terms(keep_trying=SECOND))
        worker.now += SECOND + 1
        looks = 0
        while (await store.counts()).oldest_pending:
            assert await worker.claim() == []
            due = await store.next_due(worker.now)
            assert due == worker.now + 1 or not (await store.counts()).oldest_pending
            worker.now, looks = worker.now + 1, looks + 1
        assert looks == 3

    run_store(work)


async def opened(store: Store, target: str = "ops") -> Worker:
    """The breaker of the target is open from now on, for 30 s."""
    worker = Worker(store)
    await worker.owe(*(f"{target}-{number}" for number in range(3)), target=target, terms=Terms(delays=()))
    for name in await worker.claim():
        await worker.end(name, DOWN)
    return worker


def test_what_is_urgent_does_not_wait_for_an_open_breaker(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = await opened(store)
        await owe(worker, "d1", urgent=True)
        await owe(worker, "d2", order_key="ops:l")
        assert await worker.claim() == ["d1-mail"]
        found = (await worker.find("d1")).delivery
        assert (found.state, found.reason, found.tries, found.fell_back) == (
            "dead",
            "the circuit breaker is open",
            0,
            True,
        )
        waiting = (await worker.find("d2")).delivery
        assert (waiting.state, waiting.attempts, waiting.fell_back) == ("pending", 0, False)
        assert await store.next_due(worker.now) == min(START + 30 * SECOND, worker.now + Terms().lease)
        worker.now = START + 30 * SECOND
        assert "d2" in await worker.claim()

    run_store(work)


def test_what_waits_for_its_next_try_falls_back_when_the_breaker_opens(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await owe(worker, "d1", urgent=True, terms=Terms(), fallback=to("mail", "f1"))
        await worker.owe("d2", "d3", terms=Terms())
        for name in await worker.claim():
            await worker.end(name, DOWN)
        assert await store.next_due(worker.now) == worker.now + 1
        assert await worker.claim() == ["f1"]

    run_store(work)


def test_what_keeps_trying_stays_owed_where_the_breaker_is_open(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = await opened(store)
        await owe(worker, urgent=True, terms=Terms(keep_trying=60 * SECOND))
        assert await worker.claim() == ["d1-mail"]
        await worker.end("d1-mail")
        found = (await worker.find("d1")).delivery
        assert (found.state, found.fell_back) == ("pending", True)
        assert await worker.claim() == []
        worker.now = START + 30 * SECOND
        assert await worker.claim() == ["d1"]

    run_store(work)


def test_where_the_next_ones_breaker_is_open_too_the_one_after_it_takes_over(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "mail")
        worker = await opened(store, "ops")
        chain = to("mail", "f1", urgent=True, fallback=to("sms", "f2"))
        await owe(worker, urgent=True, fallback=chain)
        while not (claimed := await worker.claim()):
            due = await store.next_due(worker.now)
            assert due == worker.now + 1
            worker.now = due
        assert claimed == ["f2"]

    run_store(work)


def test_all_that_is_urgent_falls_back_however_much_it_is(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = await opened(store)
        worker.per_target = 1000
        for number in range(130):
            name = f"d{number}"
            await owe(worker, name, urgent=True, order_key=f"ops:{name}", fallback=to("mail", f"{name}-mail"))
        claimed = await worker.claim()
        while await store.next_due(worker.now) == worker.now + 1:
            worker.now += 1
            claimed += await worker.claim()
        assert len([one for one in (await store.alert("a1")).deliveries if one.target == "mail"]) == 130
        assert claimed == ["d0-mail"], "all of them are of one order key"

    run_store(work)


@pytest.mark.parametrize("why", ["breaker", "deadline"])
def test_what_falls_back_together_keeps_its_order(run_store: Run, why: str) -> None:
    async def work(store: Store) -> None:
        worker = await opened(store)
        worker.per_target = 1000
        terms = Terms(keep_trying=SECOND, breaker=NO_BREAKER)
        for number in range(30):
            for kind in ("fired", "resolved"):
                name, key = f"{kind}{number}", f"ops:{number}"
                fallback = to("mail", f"{name}-mail", kind=kind, order_key=f"mail:{number}")
                more = {"urgent": True} if why == "breaker" else {"target": "chat", "terms": terms}
                await worker.owe(name, alert_id=f"a{number}", order_key=key, kind=kind, fallback=fallback, **more)
        if why == "deadline":
            await store.settle(settlement((await store.claim(worker.now, 1))[0], PAUSED, worker.now))
            worker.now += SECOND + 1
        begun = [name for name in await worker.claim() if name.endswith("mail")]
        assert sorted(begun) == sorted(f"fired{number}-mail" for number in range(30))
        for name in begun:
            await worker.end(name)
        assert sorted(await worker.claim()) == sorted(f"resolved{number}-mail" for number in range(30))

    run_store(work)
