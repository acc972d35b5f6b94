"""What the port Store promises of alerts that end while their beginning is still owed, here or in its stead."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cepd.model.delivery import Outcome
from cepd.model.terms import Terms
from cepd.ports import Settled, Store
from tests.support.alerts import SECOND
from tests.support.fallbacks import ONE_RETRY, owe, to
from tests.support.outbox import BUSY, DOWN, LOST, NO_BREAKER, REFUSED, SENT, Worker, settlement
from tests.support.pairs import Run as RunPair
from tests.support.pairs import on_both

Run = Callable[[Callable[[Store], Awaitable[None]]], None]


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


@on_both
def test_a_beginning_and_an_end_that_fall_back_at_once_keep_their_order(run_pair: RunPair, tmp_path: Path) -> None:
    async def work(one: Store, two: Store) -> None:
        worker = Worker(one, per_target=100)
        places = range(40)
        for number in places:
            alert_id, key = f"a{number}", f"mail:{number}"
            begin = to("mail", f"begin-mail{number}", alert_id=alert_id, order_key=key)
            end = to("mail", f"end-mail{number}", alert_id=alert_id, order_key=key, kind="resolved")
            more = {"alert_id": alert_id, "terms": ONE_RETRY}
            await worker.owe(f"begin{number}", target="chat", order_key=f"chat:{number}", fallback=begin, **more)
            await worker.owe(f"end{number}", kind="resolved", order_key=f"ops:{number}", fallback=end, **more)
        assert len(await worker.claim()) == 80
        sent: list[str] = []

        async def settle(store: Store, name: str) -> None:
            await store.settle(settlement(worker.under_way[name], REFUSED, worker.now))

        async def send() -> None:
            while len([name for name in sent if name.startswith("end")]) < len(places):
                for delivery in await two.claim(worker.now, 100):
                    sent.append(delivery.id)
                    await two.settle(settlement(delivery, SENT, worker.now))

        await asyncio.gather(
            send(),
            *(settle((one, two)[number % 2], f"begin{number}") for number in places),
            *(settle((two, one)[number % 2], f"end{number}") for number in places),
        )
        sent += [delivery.id for delivery in await one.claim(worker.now, 100)]
        for number in places:
            mine = [name for name in sent if name in (f"begin-mail{number}", f"end-mail{number}")]
            assert mine in ([f"begin-mail{number}", f"end-mail{number}"], [f"end-mail{number}"])

    run_pair(tmp_path, work)
