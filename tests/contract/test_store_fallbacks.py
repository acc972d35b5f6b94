"""What the port Store promises of what stands in for a delivery, what is too late and what is resolved meanwhile."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable

import pytest

from cepd.model.delivery import Draft, Outcome
from cepd.model.terms import Terms
from cepd.ports import Settled, Store
from cepd.stores.store import SqlStore
from tests.support.alerts import SECOND, draft
from tests.support.in_memory import InMemory
from tests.support.outbox import BUSY, DOWN, FORBIDDEN, LOST, NO_BREAKER, REFUSED, SENT, START, Worker

Run = Callable[[Callable[[Store], Awaitable[None]]], None]

ONE_RETRY = Terms(delays=(SECOND,), breaker=NO_BREAKER)
GOES_ON = Terms(delays=(SECOND,), keep_trying=10 * SECOND, breaker=NO_BREAKER)


def to(target: str, name: str = "d1", **more: object) -> Draft:
    return draft(name, **{"target": target, "order_key": f"{target}:k", "terms": ONE_RETRY, **more})


async def owe(worker: Worker, name: str = "d1", **more: object) -> None:
    await worker.owe(name, **{"order_key": "ops:k", "terms": ONE_RETRY, "fallback": to("mail", f"{name}-mail"), **more})


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


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        pytest.param([DOWN], ("superseded", ["end"]), id="never arrived"),
        pytest.param([DOWN, DOWN], ("superseded", ["end"]), id="never arrived, twice"),
        pytest.param([], ("sending", ["begin"]), id="not tried yet"),
        pytest.param([BUSY], ("sending", ["begin"]), id="asked to come later"),
        pytest.param([LOST], ("sending", ["begin"]), id="may have arrived"),
        pytest.param([LOST, DOWN], ("sending", ["begin"]), id="may have arrived, then not"),
    ],
)
def test_a_retry_of_what_was_resolved_is_superseded(
    run_store: Run, outcomes: list[Outcome], expected: tuple[str, list[str]]
) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        terms = Terms(breaker=NO_BREAKER)
        await worker.owe("begin", order_key="ops:k", terms=terms)
        for outcome in outcomes:
            await worker.claim()
            await worker.end("begin", outcome)
            worker.now = await store.next_due(worker.now) or worker.now
        await worker.owe("end", order_key="ops:k", terms=terms, kind="resolved")
        assert (await worker.claim(), await worker.state("begin")) == (expected[1], expected[0])
        if expected[0] == "superseded":
            found = (await worker.find("begin")).delivery
            assert (found.reason, found.settled_at) == ("its alert was resolved before it could be told", worker.now)

    run_store(work)


def test_a_crash_leaves_what_may_have_arrived_so_it_is_not_superseded(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await worker.owe("begin", order_key="ops:k", terms=Terms())
        await worker.claim()
        await worker.end("begin", DOWN)
        worker.now += SECOND
        await worker.claim()
        await store.reclaim(worker.now)
        await worker.owe("end", order_key="ops:k", kind="resolved")
        assert await worker.claim() == ["begin"]

    run_store(work)


def test_the_resolve_of_another_alert_supersedes_nothing(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await worker.owe("begin", order_key="ops:k", terms=Terms())
        await worker.claim()
        await worker.end("begin", DOWN)
        worker.now += SECOND
        await worker.owe("end", alert_id="a2", order_key="ops:k", kind="resolved")
        assert await worker.claim() == ["begin"]

    run_store(work)


def test_who_heard_of_an_alert_in_its_stead_hears_of_its_end(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await owe(worker, "begin")
        await owe(worker, "end", kind="resolved", fallback=to("mail", "end-mail", kind="resolved"))
        await worker.claim()
        await worker.end("begin", REFUSED)
        assert await worker.claim() == ["end", "begin-mail"]
        assert await worker.end("end") == Settled(fallback="mail")
        assert await worker.claim() == [], "it goes out after the one before it"
        await worker.end("begin-mail", SENT)
        assert await worker.claim() == ["end-mail"]

    run_store(work)


def test_what_would_begin_after_its_end_is_not_told(run_store: Run) -> None:
    """Two channels with one fallback: the end took that way first."""

    async def work(store: Store) -> None:
        worker = Worker(store)
        end = to("mail", "end-mail", kind="resolved")
        await owe(worker, "begin-chat", target="chat", order_key="chat:k", fallback=to("mail", "begin-mail"))
        await worker.owe("end-ops", order_key="ops:k", kind="resolved", fallback=end)
        await worker.claim()
        assert await worker.end("end-ops", REFUSED) == Settled(fallback="mail")
        assert await worker.end("begin-chat", REFUSED) == Settled()
        found = (await worker.find("begin-mail")).delivery
        assert (found.state, found.reason) == ("superseded", "its alert was resolved before it could be told")
        assert await worker.claim() == ["end-mail"]

    run_store(work)


def test_an_end_is_told_once_where_the_beginning_was(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await owe(worker, "begin")
        await owe(worker, "end", kind="resolved", fallback=to("mail", "end-mail", kind="resolved"))
        await worker.claim()
        await worker.end("begin")
        assert await worker.claim() == ["end"]
        assert await worker.end("end") == Settled()

    run_store(work)
