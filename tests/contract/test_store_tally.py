"""What a store counts of the ends that its deliveries come to, over every implementation of it."""

from collections.abc import Awaitable, Callable

import pytest

from cepd.model.delivery import Delivery, Draft, Outcome
from cepd.model.errors import ConflictError
from cepd.model.terms import BreakerSpec, Terms
from cepd.ports import Recording, Store
from tests.support.alerts import SECOND, alert, draft, ended

Run = Callable[[Callable[[Store], Awaitable[None]]], None]

DOWN = Outcome(result="retryable", detail="HTTP 503", status=503)
UNHEARD = Outcome(result="unknown", detail="no answer came")


async def owe(store: Store, *drafts: Draft) -> None:
    await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=drafts))


async def claimed(store: Store, now: int = 1000) -> Delivery:
    (found,) = await store.claim(now=now, per_target=9)
    return found


def test_an_end_counts_once_and_what_is_owed_does_not(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, draft("d1"))
        await ended(store, await claimed(store), state="pending", outcome=DOWN)
        assert store.tally.outcomes == {}
        await ended(store, await claimed(store))
        await owe(store, draft("d2"))
        await ended(store, await claimed(store), state="dead", outcome=DOWN)
        await owe(store, draft("d3"))
        await ended(store, await claimed(store), state="unknown", outcome=UNHEARD)
        assert store.tally.outcomes == {("ops", "sent"): 1, ("ops", "dead"): 1, ("ops", "unknown"): 1}
        assert store.tally.possible_duplicates == {}

    run_store(work)


def test_what_the_outbox_gives_up_by_itself_counts(run_store: Run) -> None:
    brief = Terms(delays=(SECOND,), keep_trying=5 * SECOND)

    async def work(store: Store) -> None:
        instead = draft("f1", target="mail", order_key="f")
        await owe(store, draft("late", terms=brief, fallback=instead))
        await store.claim(now=100 * SECOND, per_target=0)
        assert store.tally.outcomes == {("ops", "expired"): 1}
        assert store.tally.fallbacks == {"ops": 1}

    run_store(work)


def test_what_is_superseded_counts(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, draft("begin", order_key="k"))
        await ended(store, await claimed(store), state="pending", outcome=DOWN, next_at=2000)
        await owe(store, draft("end", order_key="k", kind="resolved"))
        assert (await claimed(store, now=2000)).id == "end"
        assert store.tally.outcomes == {("ops", "superseded"): 1}

    run_store(work)


def test_what_is_urgent_falls_back_and_counts_where_the_breaker_is_open(run_store: Run) -> None:
    once = Terms(delays=(SECOND,), breaker=BreakerSpec(failure_threshold=1))

    async def work(store: Store) -> None:
        await owe(store, draft("d1", terms=once))
        await ended(store, await claimed(store), state="dead", outcome=DOWN, at=1000)
        await owe(store, draft("d2", terms=once, urgent=True, fallback=draft("f2", target="mail")))
        await store.claim(now=1001, per_target=9)
        assert store.tally.outcomes == {("ops", "dead"): 2}
        assert store.tally.fallbacks == {"ops": 1}

    run_store(work)


def test_a_try_of_what_may_have_arrived_counts_as_a_possible_duplicate(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, draft("d1"))
        await ended(store, await claimed(store), state="pending", outcome=UNHEARD, next_at=1000)
        assert store.tally.possible_duplicates == {}
        await claimed(store)
        assert store.tally.possible_duplicates == {"ops": 1}
        assert await store.reclaim(at=2000) == 1
        await claimed(store, now=3000)
        assert store.tally.possible_duplicates == {"ops": 2}

    run_store(work)


def test_who_comes_too_late_has_lost_the_lease(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, draft("d1"))
        first = await claimed(store)
        second = await claimed(store, now=100 * SECOND)
        with pytest.raises(ConflictError):
            await ended(store, first)
        assert store.tally.leases_lost == 1
        await ended(store, second)
        assert (store.tally.leases_lost, store.tally.outcomes) == (1, {("ops", "sent"): 1})

    run_store(work)
