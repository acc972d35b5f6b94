"""What the port Store promises of deleting old rows, over every implementation of it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from cepd.model.delivery import Outcome
from cepd.model.errors import NotFoundError
from cepd.ports import AlertQuery, DeliveryQuery, Recording, Store
from cepd.ports.retention import Table, Trim
from tests.support.acknowledging import acknowledge
from tests.support.alerts import alert, draft, ended

Run = Callable[[Callable[[Store], Awaitable[None]]], None]


async def trim(store: Store, table: Table, before: int, most: int = 500, **more: Any) -> int:
    return await store.trim(Trim(table=table, before=before, most=most, **more))


async def alerts(store: Store) -> list[str]:
    return [found.event_id for found in (await store.alerts(AlertQuery())).alerts][::-1]


async def deliveries(store: Store) -> list[str]:
    return [found.id for found in (await store.deliveries(DeliveryQuery())).deliveries][::-1]


async def record(store: Store, name: str, at: int, last_at: int = 0, owes: str | None = None) -> None:
    drafts = [] if owes is None else [draft(owes, name)]
    await store.record(Recording(seq=1, alerts=[alert(name, last_at=last_at)], drafts=drafts, at=at))


def test_alerts_go_by_when_anything_was_last_heard_of_them_the_oldest_first(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await record(store, "old", at=100)
        await record(store, "older", at=50)
        await record(store, "busy", at=100, last_at=900)
        await record(store, "young", at=500)
        assert await store.rows("alert") == 4
        assert await trim(store, "alert", before=50) == 0
        assert await trim(store, "alert", before=500, most=1) == 1
        assert await alerts(store) == ["old", "busy", "young"]
        assert await trim(store, "alert", before=500) == 1
        assert await alerts(store) == ["busy", "young"]
        assert await trim(store, "alert", before=901) == 2
        assert await store.rows("alert") == 0

    run_store(work)


def test_an_alert_that_is_owed_a_delivery_stays_and_goes_once_it_is_told(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await record(store, "a", at=100, owes="d")
        assert await trim(store, "alert", before=10**9, excess=9, final_before=10**9) == 0
        (delivery,) = await store.claim(now=1_000, per_target=9)
        assert await trim(store, "alert", before=10**9) == 0
        await ended(store, delivery)
        await acknowledge(store, "a", by="alice", at=5, note=None, steal=False)
        assert await trim(store, "alert", before=10**9) == 1
        with pytest.raises(NotFoundError):
            await store.alert("a")
        assert (await store.delivery("d")).delivery.state == "sent"

    run_store(work)


def test_beyond_their_number_the_oldest_alerts_go_but_none_that_may_come_back(run_store: Run) -> None:
    async def work(store: Store) -> None:
        for number in range(6):
            await record(store, f"a{number}", at=number, last_at=10**9)
        assert await trim(store, "alert", before=0, excess=4, final_before=3) == 3
        assert await alerts(store) == ["a3", "a4", "a5"]
        assert await trim(store, "alert", before=0, excess=1, final_before=10) == 1
        assert await alerts(store) == ["a4", "a5"]

    run_store(work)


def test_what_went_for_its_age_counts_for_the_number_too(run_store: Run) -> None:
    async def work(store: Store) -> None:
        for number in range(6):
            await record(store, f"a{number}", at=number)
        assert await trim(store, "alert", before=2, excess=3, final_before=10) == 3
        assert await alerts(store) == ["a3", "a4", "a5"]

    run_store(work)


def test_deliveries_go_with_their_attempts_once_they_are_over(run_store: Run) -> None:
    async def work(store: Store) -> None:
        drafts = [draft(name) for name in ("sent", "dead", "owed", "sending")]
        await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=drafts))
        found = {one.id: one for one in await store.claim(now=1_000, per_target=9)}
        failed = Outcome(result="permanent")
        await ended(store, found["dead"], at=2_000, state="dead", outcome=failed)
        await ended(store, found["sent"], at=3_000)
        await ended(store, found["owed"], at=2_000, state="pending", next_at=9_000, outcome=failed)
        assert await trim(store, "delivery", before=2_000) == 0
        assert await trim(store, "delivery", before=3_000) == 1
        assert await deliveries(store) == ["sent", "owed", "sending"]
        assert await trim(store, "delivery", before=2_000, excess=9, final_before=10**9) == 1
        assert await deliveries(store) == ["owed", "sending"]
        assert {attempt.delivery_id for attempt in (await store.alert("a1")).attempts} == {"owed", "sending"}
        assert await trim(store, "delivery", before=10**9) == 0
        assert await store.rows("delivery") == 2

    run_store(work)


def test_a_delivery_that_is_sent_again_by_hand_stays(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await record(store, "a1", at=1, owes="d")
        (delivery,) = await store.claim(now=1_000, per_target=9)
        await ended(store, delivery, at=2_000, state="dead", outcome=Outcome(result="permanent"))
        await store.redrive("d", by="alice", at=3_000)
        assert await trim(store, "delivery", before=10**9) == 0
        assert len(await store.claim(now=3_000, per_target=9)) == 1
        assert await trim(store, "delivery", before=10**9) == 0

    run_store(work)


def test_the_stream_goes_from_the_front_and_says_from_where_it_is_kept(run_store: Run) -> None:
    async def work(store: Store) -> None:
        for number, at in enumerate((10, 20, 90, 30, 40)):
            await record(store, f"a{number}", at=at)
        end = await store.stream_end()
        first = end - 4
        assert await store.rows("stream") == 5
        assert await trim(store, "stream", before=35, most=1) == 1
        assert await trim(store, "stream", before=35) == 1, "the third is young, and the fourth stands behind it"
        assert await store.rows("stream") == 3
        page = await store.stream_page(0, end, 500)
        assert page.oldest == first + 2
        assert [notice.alert.event_id for notice in page.notices] == ["a2", "a3", "a4"]
        assert (await store.stream_page(first, end, 500)).oldest == first + 2
        assert (await store.stream_page(first + 1, end, 500)).oldest is None
        assert await trim(store, "stream", before=0, excess=2) == 2
        assert await trim(store, "stream", before=100) == 1
        assert await store.stream_end() == end
        assert await store.rows("stream") == 0
        emptied = await store.stream_page(0, end, 500)
        assert (emptied.notices, emptied.last, emptied.oldest) == ([], end, end + 1)
        await record(store, "later", at=500)
        assert await store.stream_end() == end + 1

    run_store(work)


def test_what_is_told_of_an_alert_that_is_gone_is_left_out(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await record(store, "gone", at=1)
        await record(store, "here", at=10)
        await trim(store, "alert", before=5)
        end = await store.stream_end()
        page = await store.stream_page(0, end, 500)
        assert [notice.alert.event_id for notice in page.notices] == ["here"]
        assert (page.last, page.oldest) == (end, None)
        alone = await store.stream_page(0, end, 1)
        assert (alone.notices, alone.last) == ([], end - 1)

    run_store(work)


def test_a_target_goes_that_holds_nothing_back(run_store: Run) -> None:
    async def work(store: Store) -> None:
        busy = Outcome(result="rate_limited", status=429)
        names = {"paused": busy, "failing": Outcome(result="retryable"), "fine": busy}
        await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=[draft(name, target=name) for name in names]))
        until = {"paused": 9_000, "failing": None, "fine": 3_000}
        for delivery in await store.claim(now=1_000, per_target=9):
            await ended(
                store,
                delivery,
                state="pending",
                outcome=names[delivery.target],
                next_at=5_000,
                pause_target_until=until[delivery.target],
            )
        assert await trim(store, "target", before=5_000) == 1
        assert set((await store.counts()).held) == {"paused", "failing"}

    run_store(work)
