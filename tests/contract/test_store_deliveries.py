"""What the port Store promises of deliveries and attempts, over every implementation of it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cepd.model.delivery import Attempt, Delivery, Outcome
from cepd.model.errors import ConflictError, NotFoundError
from cepd.model.json import Json
from cepd.model.terms import Terms
from cepd.ports import AlertQuery, Recording, Store
from tests.support.alerts import SECOND, SENT, alert, draft, ended
from tests.support.deliveries import a_delivery

Run = Callable[[Callable[[Store], Awaitable[None]]], None]

under_way: dict[str, Delivery] = {}
"""What was claimed last, by id."""


async def owe(store: Store, *deliveries: tuple[str, str] | str, **more: Json) -> None:
    """Deliveries of alert a1, each by id or (id, order key)."""
    pairs = [(one, one) if isinstance(one, str) else one for one in deliveries]
    drafts = [draft(name, order_key=key, **more) for name, key in pairs]
    await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=drafts))


async def claimed(store: Store, now: int = 1000, per_target: int = 100) -> list[str]:
    found = await store.claim(now=now, per_target=per_target)
    under_way.update({one.id: one for one in found})
    return [one.id for one in found]


async def finish(store: Store, delivery_id: str, **more: Json) -> None:
    """Ends what was claimed last, as sent or as said."""
    await ended(store, under_way[delivery_id], **more)


def test_a_claimed_delivery_holds_what_was_drafted(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, ("d1", "k"))
        assert await store.claim(now=99, per_target=9) == []
        assert await store.claim(now=100, per_target=9) == [
            Delivery(
                id="d1",
                firing_id="a1",
                alert_id="a1",
                rule_id="cpu",
                kind="fired",
                action=0,
                type="notify",
                target="ops",
                order_key="k",
                request=b"\x00{}\xff",
                terms=Terms(delays=(SECOND, 2 * SECOND)),
                state="sending",
                attempts=0,
                tries=1,
                due_at=100,
                next_at=100,
            )
        ]

    run_store(work)


def test_one_order_key_goes_out_one_by_one_oldest_first(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, ("d3", "x"), ("d1", "x"), ("d2", "y"), ("d0", "x"))
        assert await claimed(store) == ["d3", "d2"]
        assert await claimed(store) == []
        await finish(store, "d3", state="pending", next_at=5000, outcome=Outcome(result="retryable", detail="503"))
        assert await claimed(store) == []
        assert await store.next_due(1000) == 5000
        assert await claimed(store, now=5000) == ["d3"]
        await finish(store, "d3")
        assert await claimed(store) == ["d1"]
        await finish(store, "d1", state="dead", outcome=Outcome(result="permanent"))
        assert await claimed(store) == ["d0"]

    run_store(work)


def test_a_later_delivery_that_is_due_first_still_waits(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, ("late", "x"), due_at=9000)
        await owe(store, ("early", "x"), due_at=10)
        assert await claimed(store, now=1000) == []
        assert await store.next_due(1000) == 9000
        assert await claimed(store, now=9000) == ["late"]
        assert await store.next_due(9000) == 9000 + Terms().lease, "whoever claimed it may die"

    run_store(work)


def test_the_oldest_of_a_target_go_first(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, *(f"d{n}" for n in range(10)))
        assert await claimed(store, per_target=3) == ["d0", "d1", "d2"]
        assert await claimed(store, per_target=6) == ["d3", "d4", "d5"]

    run_store(work)


def test_no_delivery_is_claimed_twice_however_many_claim(run_store: Run) -> None:
    async def work(store: Store) -> None:
        names = [f"d{n}" for n in range(200)]
        await owe(store, *((name, f"k{n % 40}") for n, name in enumerate(names)))
        got: list[str] = []

        async def claimer() -> None:
            while True:
                mine = await claimed(store, per_target=7)
                if not mine and len(got) == len(names):
                    return
                for name in mine:
                    got.append(name)
                    await finish(store, name)

        await asyncio.gather(*(claimer() for _ in range(4)))
        assert sorted(got) == sorted(names)
        for key in range(40):
            mine = [name for name in got if int(name[1:]) % 40 == key]
            assert mine == sorted(mine, key=lambda name: int(name[1:]))

    run_store(work)


def test_attempts_are_written_with_the_claim_and_ended_after(run_store: Run) -> None:
    busy = Outcome(result="rate_limited", detail="HTTP 429", status=429, retry_after=7)

    async def work(store: Store) -> None:
        await owe(store, "d1")
        await claimed(store, now=1500)
        assert (await store.alert("a1")).attempts == [Attempt(delivery_id="d1", number=1, started_at=1500)]
        await finish(store, "d1", outcome=busy, state="pending", attempts=0, next_at=3000, at=1600)
        found = (await store.alert("a1")).deliveries[0]
        assert (found.state, found.attempts, found.next_at, found.reason, found.settled_at) == (
            "pending",
            0,
            3000,
            "HTTP 429",
            None,
        )
        await claimed(store, now=3000)
        await finish(store, "d1", at=3002)
        detail = await store.alert("a1")
        found = detail.deliveries[0]
        assert (found.state, found.attempts, found.reason, found.settled_at) == ("sent", 1, None, 3002)
        assert detail.attempts == [
            Attempt(delivery_id="d1", number=1, started_at=1500, ended_at=1600, outcome=busy),
            Attempt(delivery_id="d1", number=2, started_at=3000, ended_at=3002, outcome=SENT),
        ]

    run_store(work)


def test_a_stale_attempt_settles_nothing(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, "d1")
        await claimed(store)
        first = under_way["d1"]
        await store.reclaim(at=2)
        with pytest.raises(ConflictError, match="pending"):
            await ended(store, first)
        await claimed(store)
        with pytest.raises(ConflictError, match="not the one that is open"):
            await ended(store, first)
        await finish(store, "d1", at=9)
        with pytest.raises(ConflictError, match="sent"):
            await finish(store, "d1")
        detail = await store.alert("a1")
        assert detail.deliveries[0].settled_at == 9
        assert [one.outcome.result for one in detail.attempts if one.outcome] == ["unknown", "sent"]

    run_store(work)


def test_a_try_of_before_does_not_settle_the_one_under_way(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, "d1")
        await claimed(store)
        first = under_way["d1"]
        await finish(store, "d1", state="pending", next_at=100)
        await claimed(store)
        with pytest.raises(ConflictError):
            await ended(store, first)

    run_store(work)


def test_unknown_deliveries_are_told(run_store: Run) -> None:
    async def work(store: Store) -> None:
        with pytest.raises(NotFoundError):
            await ended(store, a_delivery(id="none", tries=1))

    run_store(work)


def test_what_died_in_flight_is_pending_again_and_shows_that_it_may_have_arrived(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, "one", "two", "waiting")
        await claimed(store, per_target=2)
        assert await store.reclaim(at=60) == 2
        assert await store.reclaim(at=61) == 0
        detail = await store.alert("a1")
        assert [(one.id, one.state, one.attempts) for one in detail.deliveries] == [
            ("one", "pending", 0),
            ("two", "pending", 0),
            ("waiting", "pending", 0),
        ]
        assert [(one.delivery_id, one.ended_at, one.outcome and one.outcome.result) for one in detail.attempts] == [
            ("one", 60, "unknown"),
            ("two", 60, "unknown"),
        ]
        assert await claimed(store) == ["one", "two", "waiting"]

    run_store(work)


def test_next_due_is_of_what_only_waits_for_time(run_store: Run) -> None:
    async def work(store: Store) -> None:
        assert await store.next_due(0) is None
        await owe(store, ("d1", "x"), ("d2", "x"))
        await owe(store, ("d3", "y"), due_at=700)
        assert await store.next_due(99) == 100
        assert await store.next_due(100) == 700, "what is due already does not wait for time"
        assert await claimed(store, now=100) == ["d1"]
        assert await store.next_due(0) == 700
        await finish(store, "d1")
        assert await store.next_due(0) == 100

    run_store(work)


def test_one_target_takes_only_its_share_of_the_claims(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, *(f"slow{number}" for number in range(10)), target="slow")
        await owe(store, "quick0", "quick1", target="quick")
        assert await claimed(store, per_target=3) == ["slow0", "slow1", "slow2", "quick0", "quick1"]
        assert await claimed(store, per_target=3) == []
        await finish(store, "quick0")
        await finish(store, "slow1")
        assert await claimed(store, per_target=3) == ["slow3"]
        assert await claimed(store, per_target=5) == ["slow4", "slow5"]

    run_store(work)


def test_the_page_shows_the_newest_delivery_of_each_target(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, "d1", "d2", target="ops")
        await owe(store, "d3", target="mail")
        await store.record(Recording(seq=2, alerts=[alert("a2")], drafts=[draft("d4", "a2", target="ops")]))
        await claimed(store)
        await finish(store, "d1", state="dead", outcome=Outcome(result="permanent"))
        await finish(store, "d2")
        page = await store.alerts(AlertQuery())
        assert page.channels == {"a1": {"ops": "sent", "mail": "sending"}, "a2": {"ops": "sending"}}

    run_store(work)


def test_counts_are_of_what_is_not_over_or_went_wrong(run_store: Run) -> None:
    async def work(store: Store) -> None:
        empty = await store.counts()
        assert (empty.deliveries, empty.oldest_pending) == ({}, {})
        await owe(store, "d1", "d2", "d3", "d4", target="ops", due_at=300)
        await claimed(store, per_target=3)
        await owe(store, "d5", target="mail", due_at=200)
        await finish(store, "d1")
        await finish(store, "d2", state="dead", outcome=Outcome(result="auth"))
        found = await store.counts()
        assert found.deliveries == {
            ("ops", "dead"): 1,
            ("ops", "sending"): 1,
            ("ops", "pending"): 1,
            ("mail", "pending"): 1,
        }
        assert found.oldest_pending == {"ops": 300, "mail": 200}

    run_store(work)
