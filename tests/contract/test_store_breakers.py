"""What the port Store promises of breakers, over every implementation of it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cepd.model.delivery import Outcome
from cepd.model.terms import BreakerSpec, Terms
from cepd.ports import Settled, Store
from cepd.ports.store import Held
from tests.support.alerts import SECOND
from tests.support.outbox import BUSY, DOWN, FORBIDDEN, LOST, NOT_MADE, REFUSED, SENT, START, Worker, settlement
from tests.support.pairs import Open, Reopen, Run, on_both, reopened_on_both

RunStore = Callable[[Callable[[Store], Awaitable[None]]], None]

OPEN = START + 30 * SECOND
"""When a breaker that opened at the start of the test is half-open."""


async def broken(store: Store, waiting: int = 3, *, target: str = "ops", outcome: Outcome = DOWN) -> Worker:
    """A target whose breaker three failures have just opened, with this many deliveries that wait for it."""
    worker = Worker(store, per_target=3)
    await worker.owe(*(f"{target}{number}" for number in range(waiting)), target=target)
    claimed = await worker.claim()
    assert len(claimed) == 3
    changes = [(await worker.end(one, outcome)).breaker for one in claimed]
    assert changes == [None, None, "opened"]
    return worker


@pytest.mark.parametrize("outcome", [DOWN, LOST, FORBIDDEN], ids=lambda outcome: outcome.result)
def test_nothing_is_tried_while_it_is_open_and_no_try_is_used_up(run_store: RunStore, outcome: Outcome) -> None:
    async def work(store: Store) -> None:
        worker = await broken(store, 4, outcome=outcome)
        worker.now = OPEN - 1
        assert await worker.claim() == []
        assert await store.next_due(worker.now) == OPEN
        waiting = (await worker.find("ops3")).delivery
        assert (waiting.state, waiting.attempts, waiting.tries) == ("pending", 0, 0)
        assert (await store.counts()).held == {"ops": Held(None, 3, OPEN)}

    run_store(work)


@on_both
def test_of_a_hundred_that_want_to_try_one_does(run_pair: Run, tmp_path: Path) -> None:
    async def work(one: Store, two: Store) -> None:
        await broken(one, 110)
        for round, outcome in enumerate([DOWN, SENT], 1):
            now = START + 30 * SECOND * round
            found = await asyncio.gather(*((one, two)[number % 2].claim(now, 4) for number in range(100)))
            (trial,) = [delivery for claimed in found for delivery in claimed]
            assert await two.claim(now + SECOND, 4) == []
            ended = await two.settle(settlement(trial, outcome, now))
        assert ended == Settled(breaker="closed")
        assert len(await one.claim(now, 4)) == 4

    run_pair(tmp_path, work)


def test_a_trial_that_fails_opens_it_for_as_long_again(run_store: RunStore) -> None:
    async def work(store: Store) -> None:
        worker = await broken(store)
        worker.now = OPEN + SECOND
        (trial,) = await worker.claim()
        worker.now += 7 * SECOND
        assert (await worker.end(trial, LOST)).breaker is None
        again = worker.now + 30 * SECOND
        assert await store.next_due(worker.now) == again
        worker.now = again - 1
        assert await worker.claim() == []
        worker.now = again
        assert len(await worker.claim()) == 1

    run_store(work)


def test_a_trial_of_which_nobody_hears_makes_room_for_another_at_the_end_of_its_lease(run_store: RunStore) -> None:
    async def work(store: Store) -> None:
        worker = await broken(store)
        worker.now = OPEN
        (trial,) = await worker.claim()
        assert await store.next_due(worker.now) == OPEN + Terms().lease
        worker.now = OPEN + Terms().lease
        assert await worker.claim() == [trial]
        assert (await worker.end(trial)).breaker == "closed"

    run_store(work)


def test_as_many_trials_as_its_spec_says(run_store: RunStore) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store, per_target=4)
        await worker.owe(*"abcdef", terms=Terms(timeout=20 * SECOND, breaker=BreakerSpec(1, 30 * SECOND, 2)))
        assert len(await worker.claim()) == 4
        assert (await worker.end("a", DOWN)).breaker == "opened"
        worker.now = OPEN
        assert await worker.claim() == [], "those that began before count as trials"
        for name in "bcd":
            await worker.end(name, BUSY)
        worker.now += SECOND
        assert len(await worker.claim()) == 2
        assert await worker.claim() == []

    run_store(work)


def test_a_late_failure_prolongs_nothing_and_a_late_success_closes_it(run_store: RunStore) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store, per_target=5)
        await worker.owe(*"abcdef")
        assert await worker.claim() == list("abcde")
        for name in "abc":
            await worker.end(name, DOWN)
        worker.now += 20 * SECOND
        await worker.end("d", LOST)
        assert (await store.counts()).held["ops"].open_until == OPEN
        assert (await worker.end("e")).breaker == "closed"
        assert "f" in await worker.claim()
        assert (await store.counts()).held == {"ops": Held(paused_until=None, failures=0, open_until=None)}

    run_store(work)


@pytest.mark.parametrize(
    ("outcome", "open_until", "failures"),
    [(REFUSED, None, 0), (BUSY, OPEN, 3), (NOT_MADE, OPEN, 3)],
    ids=["refused", "busy", "not made"],
)
def test_what_a_trial_says_that_neither_arrives_nor_fails(
    run_store: RunStore, outcome: Outcome, open_until: int | None, failures: int
) -> None:
    async def work(store: Store) -> None:
        worker = await broken(store)
        worker.now = OPEN
        await worker.end((await worker.claim())[0], outcome)
        held = (await store.counts()).held.get("ops", Held(None, 0, None))
        assert (held.open_until, held.failures) == (open_until, failures)
        worker.now += 2 * SECOND
        assert len(await worker.claim()) == (2 if open_until is None else 1)

    run_store(work)


def test_a_target_that_fails_holds_up_no_other(run_store: RunStore) -> None:
    async def work(store: Store) -> None:
        worker = await broken(store)
        await worker.owe("m1", "m2", target="mail")
        assert await worker.claim() == ["m1", "m2"]
        await worker.end("m1", DOWN)
        await worker.end("m2", DOWN)
        worker.now += SECOND
        assert await worker.claim() == ["m1", "m2"], "two failures of mail are not the fourth and fifth of ops"
        assert (await store.counts()).held == {"ops": Held(None, 3, OPEN), "mail": Held(None, 2, None)}

    run_store(work)


def test_a_pause_and_a_breaker_both_hold(run_store: RunStore) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store, per_target=4)
        await worker.owe(*"abcd")
        await worker.claim()
        for name in "abc":
            await worker.end(name, DOWN)
        await worker.end("d", Outcome(result="rate_limited", retry_after=60 * SECOND))
        assert await store.next_due(worker.now) == START + 60 * SECOND
        worker.now = OPEN + SECOND
        assert await worker.claim() == []
        worker.now = START + 60 * SECOND
        assert len(await worker.claim()) == 1, "it is still a trial"

    run_store(work)


@on_both
def test_failures_that_end_at_once_are_all_counted(run_pair: Run, tmp_path: Path) -> None:
    async def work(one: Store, two: Store) -> None:
        worker = Worker(one, per_target=3)
        targets = [f"target{number}" for number in range(12)]
        for target in targets:
            await worker.owe(*(f"{target}-{number}" for number in range(3)), target=target)
        claimed = await one.claim(START, 3)
        ended = await asyncio.gather(
            *((one, two)[number % 2].settle(settlement(each, DOWN, START)) for number, each in enumerate(claimed))
        )
        assert [settled.breaker for settled in ended].count("opened") == len(targets)
        assert (await two.counts()).held == {target: Held(None, 3, OPEN) for target in targets}

    run_pair(tmp_path, work)


@reopened_on_both
def test_a_breaker_outlives_the_daemon(run_again: Reopen, tmp_path: Path) -> None:
    async def work(open_it: Open) -> None:
        store = await open_it("one")
        await broken(store)
        await store.close()
        store = await open_it("two")
        try:
            worker = Worker(store, OPEN - 1)
            assert await worker.claim() == []
            worker.now = OPEN
            assert len(await worker.claim()) == 1
        finally:
            await store.close()

    run_again(tmp_path, work)
