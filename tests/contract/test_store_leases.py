"""What the port Store promises of claims: they hold for a lease, over all daemons, and nobody settles another's."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from cepd.model.delivery import Attempt, Outcome
from cepd.model.errors import ConflictError
from cepd.model.terms import Terms
from cepd.ports import Store
from tests.support.alerts import SECOND, draft
from tests.support.outbox import DOWN, LOST, NO_BREAKER, SENT, START, Worker, settlement
from tests.support.pairs import Run, on_both

RunStore = Callable[[Callable[[Store], Awaitable[None]]], None]

TERMS = Terms(timeout=2 * SECOND)
HELD = Terms(timeout=2 * SECOND, on_unknown="hold")
END = START + TERMS.lease


@on_both
def test_another_takes_over_when_the_lease_ends_and_not_before(run_pair: Run, tmp_path: Path) -> None:
    async def work(first: Store, second: Store) -> None:
        one, two = Worker(first), Worker(second)
        await one.owe("d1", terms=TERMS)
        await one.owe("d2", terms=TERMS, order_key="ops:d1")
        assert await one.claim() == ["d1"]
        two.now = END - 1
        assert await second.next_due(START) == END
        assert await two.claim() == []
        two.now = END
        assert await two.claim() == ["d1"]
        with pytest.raises(ConflictError, match=r"attempt 1 .* is not the one that is open"):
            await one.end("d1")
        one.now = END + SECOND
        assert await one.claim() == [], "what comes after it waits for the new try"
        await two.end("d1")
        assert (await one.find("d1")).attempts == [
            Attempt(
                delivery_id="d1",
                number=1,
                started_at=START,
                ended_at=END,
                outcome=Outcome(result="unknown", detail="whoever claimed it did not come back in time"),
            ),
            Attempt(delivery_id="d1", number=2, started_at=END, ended_at=END, outcome=SENT),
        ]
        assert (await one.find("d1")).delivery.attempts == 1, "a try of which nobody hears counts not"
        assert await one.claim() == ["d2"]

    run_pair(tmp_path, work)


def test_a_claim_whose_own_daemon_forgot_it_is_taken_over_too(run_store: RunStore) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await worker.owe("d1", terms=TERMS)
        assert await worker.claim() == ["d1"]
        assert await store.next_due(START) == END
        worker.now = END
        assert await worker.claim() == ["d1"]

    run_store(work)


def test_a_lease_lasts_as_long_as_its_try_may_and_a_little(run_store: RunStore) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await worker.owe("d1", terms=Terms(timeout=60 * SECOND))
        await worker.claim()
        assert await store.next_due(START) == START + 125 * SECOND

    run_store(work)


@on_both
def test_a_start_takes_back_what_is_its_own_and_no_more(run_pair: Run, tmp_path: Path) -> None:
    async def work(first: Store, second: Store) -> None:
        one, two = Worker(first, per_target=2), Worker(second, per_target=4)
        await one.owe("a", "b", "c", "d")
        assert (await one.claim(), await two.claim()) == (["a", "b"], ["c", "d"])
        assert await first.reclaim(START + 1) == 2
        assert [await two.state(name) for name in "abcd"] == ["pending", "pending", "sending", "sending"]
        await two.end("c")
        with pytest.raises(ConflictError, match="pending"):
            await one.end("a")

    run_pair(tmp_path, work)


@pytest.mark.parametrize("how", ["lapse", "crash", "silence"])
@pytest.mark.parametrize(("terms", "state"), [(TERMS, "pending"), (HELD, "unknown")], ids=["resend", "hold"])
def test_what_may_have_arrived_is_sent_again_or_held(run_store: RunStore, how: str, terms: Terms, state: str) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await worker.owe("d1", terms=terms, fallback=draft("f1", target="mail"))
        await worker.owe("d2", terms=terms, order_key="ops:d1")
        await worker.claim()
        if how == "lapse":
            worker.now = END
            again = await worker.claim()
            assert again == (["d1"] if state == "pending" else ["d2"])
        elif how == "crash":
            await store.reclaim(START)
        else:
            await worker.end("d1", LOST)
        found = await worker.find("d1")
        assert found.attempts[0].outcome is not None
        assert found.attempts[0].outcome.result == "unknown"
        assert found.delivery.state == ("sending" if how == "lapse" and state == "pending" else state)
        if state == "unknown":
            assert found.delivery.reason == found.attempts[0].outcome.detail
            assert found.delivery.settled_at == worker.now
            assert not found.delivery.fell_back
            assert await worker.claim() == ([] if how == "lapse" else ["d2"]), "what comes after it does not wait"
            assert await store.reclaim(worker.now) == 1

    run_store(work)


@on_both
def test_nothing_is_claimed_twice_and_limits_hold_over_all(run_pair: Run, tmp_path: Path) -> None:
    async def work(first: Store, second: Store) -> None:
        names = [f"d{number}" for number in range(120)]
        worker = Worker(first)
        for number, name in enumerate(names):
            await worker.owe(name, order_key=f"k{number % 30}", target=f"target{number % 3}")
        got: list[str] = []
        under_way: dict[str, int] = {}
        most = 0

        async def daemon(store: Store) -> None:
            nonlocal most
            while len(got) < len(names):
                mine = await store.claim(START, 5)
                for one in mine:
                    got.append(one.id)
                    under_way[one.target] = under_way.get(one.target, 0) + 1
                    most = max(most, under_way[one.target])
                for one in mine:
                    await asyncio.sleep(0)
                    under_way[one.target] -= 1
                    await store.settle(settlement(one, SENT, START))

        await asyncio.gather(*(daemon(store) for store in (first, second, first, second)))
        assert sorted(got) == sorted(names)
        assert most <= 5
        for key in range(30):
            mine = [int(name[1:]) for name in got if int(name[1:]) % 30 == key]
            assert mine == sorted(mine)

    run_pair(tmp_path, work)


@on_both
def test_what_is_dropped_while_others_claim_is_not_sent(run_pair: Run, tmp_path: Path) -> None:
    async def work(first: Store, second: Store) -> None:
        names = [f"d{number}" for number in range(60)]
        await Worker(first).owe(*names, terms=Terms(breaker=NO_BREAKER))
        claimed: list[str] = []
        dropped: list[str] = []

        async def drop() -> None:
            for name in names:
                with suppress(ConflictError):
                    dropped.append((await second.drop(name, by="alice", at=START)).id)

        async def claim() -> None:
            while len(claimed) + len(dropped) < len(names):
                for one in await first.claim(START, 1):
                    claimed.append(one.id)
                    await first.settle(settlement(one, SENT, START))

        await asyncio.gather(drop(), claim())
        assert sorted(claimed + dropped) == sorted(names)
        for name in dropped:
            assert await Worker(first).state(name) == "suppressed"

    run_pair(tmp_path, work)


def test_a_try_that_fails_after_its_lease_changes_nothing(run_store: RunStore) -> None:
    async def work(store: Store) -> None:
        worker = Worker(store)
        await worker.owe("d1", terms=TERMS)
        await worker.claim()
        stale = worker.under_way["d1"]
        worker.now = END
        await worker.claim()
        with pytest.raises(ConflictError):
            await store.settle(settlement(stale, DOWN, END))
        assert (await store.counts()).held == {}
        assert await worker.state("d1") == "sending"

    run_store(work)
