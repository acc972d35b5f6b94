"""What the port Store promises of what people do to deliveries: sending again what was given up, and dropping it."""

from collections.abc import Awaitable, Callable

import pytest

from cepd.model.delivery import Outcome
from cepd.model.errors import ConflictError, NotFoundError
from cepd.model.terms import Terms
from cepd.ports import Store
from tests.support.alerts import SECOND, draft
from tests.support.outbox import BUSY, DOWN, LOST, NO_BREAKER, REFUSED, SENT, START, Worker

Run = Callable[[Callable[[Store], Awaitable[None]]], None]

TERMS = Terms(delays=(SECOND,), breaker=NO_BREAKER)


async def given_up(worker: Worker, name: str = "d1", **more: object) -> None:
    await worker.owe(name, **{"terms": TERMS, **more})
    await worker.fail(name)
    assert await worker.state(name) == "dead"


def test_what_is_dead_goes_out_again_with_its_whole_schedule(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await given_up(worker)
        worker.now += 60 * SECOND
        redriven = await store.redrive("d1", by="alice", at=worker.now)
        assert (redriven.state, redriven.attempts, redriven.tries, redriven.reason) == ("pending", 0, 2, None)
        assert (redriven.redriven_by, redriven.redriven_at, redriven.next_at, redriven.settled_at) == (
            "alice",
            worker.now,
            worker.now,
            None,
        )
        await worker.fail("d1")
        found = await worker.find("d1")
        assert (found.delivery.state, found.delivery.attempts) == ("dead", 2)
        assert [attempt.number for attempt in found.attempts] == [1, 2, 3, 4]
        assert found.delivery.redriven_by == "alice"

    run_store(work)


def test_what_is_unknown_or_expired_goes_out_again_without_a_deadline(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await worker.owe("held", terms=Terms(on_unknown="hold"))
        await worker.owe("late", terms=Terms(keep_trying=SECOND))
        await worker.claim()
        await worker.end("held", LOST)
        await worker.end("late", Outcome(result="rate_limited", retry_after=9 * SECOND))
        worker.now += 10 * SECOND
        assert await worker.claim() == []
        assert (await worker.state("held"), await worker.state("late")) == ("unknown", "expired")
        for name in ("held", "late"):
            assert (await store.redrive(name, by="alice", at=worker.now)).deadline is None
        assert await worker.claim() == ["held", "late"]
        for name in ("held", "late"):
            await worker.end(name)

    run_store(work)


@pytest.mark.parametrize("state", ["pending", "sending", "sent", "suppressed", "superseded"])
def test_what_is_owed_or_over_is_not_sent_again(run_store: Run, state: str) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await brought_to(worker, state)
        with pytest.raises(ConflictError, match=f"delivery d1 is {state}"):
            await store.redrive("d1", by="alice", at=worker.now)
        assert await worker.state("d1") == state

    run_store(work)


async def brought_to(worker: Worker, state: str) -> None:
    await worker.owe("d1", order_key="ops:k", terms=TERMS)
    if state == "pending":
        return
    if state == "suppressed":
        await worker.store.drop("d1", by="alice", at=START)
        return
    await worker.claim()
    if state == "sent":
        await worker.end("d1")
    elif state == "superseded":
        await worker.end("d1", DOWN)
        await worker.owe("end", order_key="ops:k", kind="resolved")
        worker.now += SECOND
        await worker.claim()
    assert await worker.state("d1") == state


@pytest.mark.parametrize(
    ("outcomes", "allowed"),
    [
        pytest.param([], True, id="not tried yet"),
        pytest.param([DOWN, DOWN], True, id="given up"),
        pytest.param([REFUSED], True, id="refused"),
        pytest.param([BUSY], True, id="asked to come later"),
        pytest.param([SENT], False, id="sent"),
        pytest.param([LOST], False, id="may have arrived"),
        pytest.param([LOST, DOWN], False, id="may have arrived, then not"),
    ],
)
def test_an_alert_does_not_begin_after_its_end(run_store: Run, outcomes: list[Outcome], allowed: bool) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await given_up(worker, "begin", order_key="ops:k")
        await worker.owe("end", order_key="ops:k", kind="resolved", terms=TERMS)
        for outcome in outcomes:
            assert await worker.claim() == ["end"]
            await worker.end("end", outcome)
            worker.now += SECOND
        if allowed:
            await store.redrive("begin", by="alice", at=worker.now)
            assert await worker.claim() == ["begin"]
        else:
            with pytest.raises(ConflictError, match="was overtaken") as refused:
                await store.redrive("begin", by="alice", at=worker.now)
            assert "drop it" in refused.value.help

    run_store(work)


def test_not_while_its_end_is_under_way_either(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await given_up(worker, "begin", order_key="ops:k")
        await worker.owe("end", order_key="ops:k", kind="resolved", terms=TERMS)
        assert await worker.claim() == ["end"]
        with pytest.raises(ConflictError):
            await store.redrive("begin", by="alice", at=worker.now)
        await worker.end("end", DOWN)
        await store.redrive("begin", by="alice", at=worker.now)
        assert await worker.claim() == ["begin"]
        worker.now += SECOND
        assert await worker.claim() == [], "the end waits for it"

    run_store(work)


def test_what_later_alerts_of_its_key_overtook_goes_out_by_force_only(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await given_up(worker, "begin", order_key="ops:k")
        await given_up(worker, "end", order_key="ops:k", kind="resolved")
        await worker.owe("next", alert_id="a2", order_key="ops:k")
        await worker.owe("next-end", alert_id="a2", order_key="ops:k", kind="resolved")
        for name in ("next", "next-end"):
            assert await worker.claim() == [name]
            await worker.end(name)
        for name in ("begin", "end"):
            with pytest.raises(ConflictError, match="was overtaken"):
                await store.redrive(name, by="alice", at=worker.now)
            await store.redrive(name, by="alice", at=worker.now, force=True)
        assert await worker.claim() == ["begin"]
        await worker.end("begin")
        assert await worker.claim() == ["end"]

    run_store(work)


def test_what_fell_back_once_does_not_again(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await worker.owe("d1", terms=TERMS, fallback=draft("f1", target="mail"))
        await worker.claim()
        await worker.end("d1", REFUSED)
        await worker.claim()
        await worker.end("f1")
        await store.redrive("d1", by="alice", at=worker.now)
        await worker.claim()
        assert (await worker.end("d1", REFUSED)).fallback is None
        assert len((await store.alert("a1")).deliveries) == 2

    run_store(work)


def test_what_was_held_falls_back_when_it_dies_after_all(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await worker.owe("d1", terms=Terms(on_unknown="hold"), fallback=draft("f1", target="mail"))
        await worker.claim()
        assert (await worker.end("d1", LOST)).fallback is None
        await store.redrive("d1", by="alice", at=worker.now)
        await worker.claim()
        assert (await worker.end("d1", REFUSED)).fallback == "mail"

    run_store(work)


def test_what_is_dropped_is_not_owed_and_holds_up_nothing(run_store: Run) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await worker.owe("d1", order_key="ops:k", due_at=START + SECOND, fallback=draft("f1", target="mail"))
        await worker.owe("d2", order_key="ops:k")
        assert await worker.claim() == []
        dropped = await store.drop("d1", by="alice", at=START + 5)
        assert (dropped.state, dropped.reason, dropped.settled_at) == ("suppressed", "dropped by alice", START + 5)
        assert await worker.claim() == ["d2"]
        assert len((await store.alert("a1")).deliveries) == 2, "nothing stands in for what a person dropped"

    run_store(work)


@pytest.mark.parametrize("state", ["sending", "sent", "suppressed", "superseded"])
def test_what_is_under_way_or_over_is_not_dropped(run_store: Run, state: str) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await brought_to(worker, state)
        with pytest.raises(ConflictError, match=f"delivery d1 is {state}"):
            await store.drop("d1", by="alice", at=worker.now)

    run_store(work)


def test_what_does_not_exist_is_told(run_store: Run) -> None:
    async def work(store: Store) -> None:
        with pytest.raises(NotFoundError, match="there is no delivery none"):
            await store.redrive("none", by="alice", at=START)
        with pytest.raises(NotFoundError, match="there is no delivery none"):
            await store.drop("none", by="alice", at=START)

    run_store(work)
