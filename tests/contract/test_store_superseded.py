"""What the port Store promises of alerts that end while their beginning is still owed, here or in its stead."""

from collections.abc import Awaitable, Callable

import pytest

from cepd.model.delivery import Outcome
from cepd.model.terms import Terms
from cepd.ports import Settled, Store
from tests.support.alerts import SECOND
from tests.support.fallbacks import owe, to
from tests.support.outbox import BUSY, DOWN, LOST, NO_BREAKER, REFUSED, SENT, Worker

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
