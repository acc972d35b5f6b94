"""What the port Store promises of the stream, over every implementation of it."""

import asyncio
from collections.abc import Awaitable, Callable

from cepd.model.alert import Fold
from cepd.model.delivery import Delivery, Outcome
from cepd.model.terms import BreakerSpec, Terms
from cepd.ports import Notice, NoticePage, Recording, Store
from tests.support.acknowledging import acknowledge
from tests.support.alerts import SECOND, alert, draft, ended

Run = Callable[[Callable[[Store], Awaitable[None]]], None]

FAILED = Outcome(result="permanent", status=400)


async def told(store: Store, after: int = 0) -> list[Notice]:
    return list((await page(store, after)).notices)


async def page(store: Store, after: int = 0, limit: int = 1_000) -> NoticePage:
    return await store.stream_page(after, await store.stream_end(), limit)


async def kinds(store: Store, after: int = 0) -> list[tuple[str, str]]:
    return [(notice.kind, notice.alert.event_id) for notice in await told(store, after)]


async def ends(store: Store) -> list[tuple[str, str, str]]:
    """(delivery, state, alert) of those that were told to have ended."""
    return [
        (notice.delivery.id, notice.delivery.state, notice.alert.event_id)
        for notice in await told(store)
        if notice.delivery is not None
    ]


async def claimed(store: Store, now: int = 1000) -> list[Delivery]:
    return await store.claim(now=now, per_target=9)


def test_an_alert_is_told_once_with_all_that_is_shown_of_it(run_store: Run) -> None:
    async def work(store: Store) -> None:
        assert await store.stream_end() == 0
        recording = Recording(seq=1, alerts=[alert("b"), alert("a")], drafts=[draft("d1", "b")], at=7)
        await store.record(recording)
        await store.record(recording)
        await store.record(Recording(seq=2, alerts=[alert("a"), alert("c")], at=9))
        notices = await told(store)
        assert [(one.kind, one.alert.event_id, one.at) for one in notices] == [
            ("fired", "b", 7),
            ("fired", "a", 7),
            ("fired", "c", 9),
        ]
        assert [one.seq for one in notices] == sorted({one.seq for one in notices})
        assert notices[0].alert == (await store.alert("b")).alert
        assert [one.channels for one in notices] == [{"ops": "pending"}, {}, {}]
        assert notices[-1].seq == await store.stream_end()

    run_store(work)


def test_a_fold_is_told_where_it_changes_something(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=[alert("a"), alert("b"), alert("c")]))
        begin = await store.stream_end()
        folds = [Fold("a", 2, 20), Fold("b", 2, 20, resolved=True), Fold("c", 1, 20), Fold("none", 5, 20)]
        await store.record(Recording(seq=2, folds=folds))
        assert sorted(await kinds(store, begin)) == [("resolved", "b"), ("updated", "a")]
        begin = await store.stream_end()
        await store.record(Recording(seq=2, folds=folds))
        await store.record(Recording(seq=3, folds=[Fold("a", 1, 30)]))
        assert await kinds(store, begin) == []
        await store.record(Recording(seq=4, folds=[Fold("a", 2, 30, resolved=True)]))
        assert await kinds(store, begin) == [("resolved", "a")]

    run_store(work)


def test_an_alert_that_comes_with_a_fold_is_told_first_and_not_again_when_both_come_again(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=[alert("a")], folds=[Fold("a", 2, 20)]))
        assert await kinds(store) == [("fired", "a"), ("updated", "a")]
        begin = await store.stream_end()
        await store.record(Recording(seq=1, alerts=[alert("a")], folds=[Fold("a", 3, 30)]))
        assert await kinds(store, begin) == [("updated", "a")]

    run_store(work)


def test_an_acknowledgement_is_told_where_it_changes_something(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=[alert("a")]))
        begin = await store.stream_end()
        for by in ("alice", "alice", "bob"):
            await acknowledge(store, "a", by=by, at=5, note=None, steal=True)
        assert await kinds(store, begin) == [("acked", "a"), ("acked", "a")]

    run_store(work)


def test_a_delivery_is_told_when_it_has_ended(run_store: Run) -> None:
    async def work(store: Store) -> None:
        drafts = [draft(name, "a1") for name in ("sent", "dead", "again", "dropped")]
        await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=drafts))
        begin = await store.stream_end()
        found = {one.id: one for one in await claimed(store)}
        await ended(store, found["sent"])
        await ended(store, found["dead"], outcome=FAILED, state="dead")
        await ended(store, found["again"], outcome=Outcome(result="retryable"), state="pending", next_at=9_000)
        await ended(store, found["dropped"], outcome=Outcome(result="retryable"), state="pending", next_at=9_000)
        await store.drop("dropped", by="alice", at=2_500)
        assert await ends(store) == [
            ("sent", "sent", "a1"),
            ("dead", "dead", "a1"),
            ("dropped", "suppressed", "a1"),
        ]
        assert await kinds(store, begin) == [("delivery", "a1")] * 3
        (again,) = await claimed(store, now=9_000)
        await ended(store, again)
        assert (await ends(store))[3:] == [("again", "sent", "a1")]

    run_store(work)


def test_a_delivery_that_a_claim_gives_up_is_told(run_store: Run) -> None:
    closed = BreakerSpec(failure_threshold=99)
    late = Terms(keep_trying=500, breaker=closed)
    held = Terms(on_unknown="hold", breaker=closed)
    resolve = draft("resolve", "a1", kind="resolved", order_key="k", due_at=3_000)

    async def work(store: Store) -> None:
        drafts = [
            draft("late", terms=late, due_at=100),
            draft("held", "a2", terms=held),
            draft("first", order_key="k", terms=Terms(breaker=closed)),
            draft("last", "a2", terms=held),
        ]
        await store.record(Recording(seq=1, alerts=[alert("a1"), alert("a2")], drafts=drafts))
        found = {one.id: one for one in await store.claim(now=150, per_target=9)}
        for name in ("late", "first"):
            await ended(store, found[name], outcome=Outcome(result="retryable"), state="pending", next_at=3_000)
        await ended(store, found["last"], outcome=Outcome(result="retryable"), state="pending", next_at=40 * SECOND)
        await store.record(Recording(seq=2, drafts=[resolve]))
        assert await ends(store) == []
        assert [one.id for one in await store.claim(now=26 * SECOND, per_target=9)] == ["resolve"]
        assert sorted(await ends(store)) == [
            ("first", "superseded", "a1"),
            ("held", "unknown", "a2"),
            ("late", "expired", "a1"),
        ]
        assert [one.id for one in await store.claim(now=40 * SECOND, per_target=9)] == ["last"]
        await store.reclaim(41 * SECOND)
        assert (await ends(store))[3:] == [("last", "unknown", "a2")]

    run_store(work)


def test_a_delivery_of_several_alerts_is_told_for_each(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=[alert("a1"), alert("a2")], drafts=[draft("d", "a1")]))
        await store.record(Recording(seq=2, drafts=[draft("d", "a2")]))
        (delivery,) = await claimed(store)
        await ended(store, delivery)
        assert await ends(store) == [("d", "sent", "a1"), ("d", "sent", "a2")]

    run_store(work)


def test_pages_follow_one_another_and_end_where_they_are_told_to(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=[alert(f"a{n}") for n in range(7)]))
        end = await store.stream_end()
        await store.record(Recording(seq=2, alerts=[alert("later")]))
        seen: list[str] = []
        at = 0
        while at < end:
            found = await store.stream_page(at, end, 3)
            assert 0 < len(found.notices) <= 3
            assert found.oldest is None
            assert found.last == (found.notices[-1].seq if len(found.notices) == 3 else end)
            seen += [notice.alert.event_id for notice in found.notices]
            at = found.last
        assert seen == [f"a{n}" for n in range(7)]

    run_store(work)


def test_whoever_follows_sees_each_once_and_in_order_however_many_write(run_store: Run) -> None:
    async def work(store: Store) -> None:
        names = [f"a{n}" for n in range(120)]
        seen: list[Notice] = []

        async def follow() -> None:
            at = 0
            while sum(one.kind == "acked" for one in seen) < len(names):
                end = await store.stream_end()
                while at < end:
                    found = await store.stream_page(at, end, 50)
                    seen.extend(found.notices)
                    at = found.last
                await asyncio.sleep(0.002)

        async def write(mine: list[str]) -> None:
            for name in mine:
                await store.record(Recording(seq=1, alerts=[alert(name)], folds=[Fold(name, 2, 20)]))
                await store.record(Recording(seq=1, alerts=[alert(name)], folds=[Fold(name, 3, 30)]))
                await acknowledge(store, name, by="alice", at=5, note=None, steal=False)

        async with asyncio.timeout(60):
            await asyncio.gather(follow(), *(write(names[n::6]) for n in range(6)))
        numbers = [one.seq for one in seen]
        assert numbers == sorted(set(numbers))
        for name in names:
            of_it = [one.kind for one in seen if one.alert.event_id == name]
            assert of_it == ["fired", "updated", "updated", "acked"]

    run_store(work)


def test_whoever_watches_hears_of_each_write(run_store: Run) -> None:
    async def work(store: Store) -> None:
        heard: list[int] = []
        store.watch(lambda: heard.append(len(heard)))
        await store.record(Recording(seq=1, alerts=[alert("a")]))
        assert heard == [0]
        await store.stream_end()
        await store.alert("a")
        assert heard == [0]
        await acknowledge(store, "a", by="alice", at=5, note=None, steal=False)
        assert heard == [0, 1]

    run_store(work)
