"""What the port Store promises of a target that asked to be left alone, over every implementation of it."""

from collections.abc import Awaitable, Callable

from cepd.model.delivery import Delivery, Outcome
from cepd.ports import Recording, Store
from tests.support.alerts import alert, draft, ended

Run = Callable[[Callable[[Store], Awaitable[None]]], None]

BUSY = Outcome(result="rate_limited", status=429)

under_way: dict[str, Delivery] = {}
"""What was claimed last, by id."""


async def owe(store: Store, *names: str, target: str = "ops") -> None:
    drafts = [draft(name, target=target) for name in names]
    await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=drafts))


async def claimed(store: Store, now: int, per_target: int = 9) -> list[str]:
    found = await store.claim(now=now, per_target=per_target)
    under_way.update({one.id: one for one in found})
    return [one.id for one in found]


async def refuse(store: Store, delivery_id: str, *, pause: int | None, next_at: int = 1000) -> None:
    await ended(
        store,
        under_way[delivery_id],
        outcome=BUSY,
        state="pending",
        attempts=0,
        next_at=next_at,
        at=500,
        pause_target_until=pause,
    )


def test_a_pause_holds_back_its_target_alone_and_what_comes_later_too(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, "d1", "d2")
        assert await claimed(store, now=500, per_target=1) == ["d1"]
        await refuse(store, "d1", pause=3000, next_at=3000)
        await owe(store, "d3")
        await owe(store, "other", target="mail")
        assert await claimed(store, now=2999) == ["other"]
        assert await store.next_due(2999) == 3000
        assert await claimed(store, now=3000) == ["d1", "d2", "d3"]

    run_store(work)


def test_a_try_under_way_that_fails_meanwhile_waits_for_the_end_of_the_pause(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, "d1", "d2")
        assert await claimed(store, now=500) == ["d1", "d2"]
        await refuse(store, "d1", pause=3000, next_at=3000)
        await refuse(store, "d2", pause=None, next_at=1000)
        assert await claimed(store, now=2999) == []
        assert await claimed(store, now=3000) == ["d1", "d2"]

    run_store(work)


def test_the_longest_pause_holds_and_is_over_at_its_end(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, "d1", "d2", "d3")
        assert await claimed(store, now=500, per_target=2) == ["d1", "d2"]
        await refuse(store, "d1", pause=3000)
        await refuse(store, "d2", pause=2000)
        assert await store.next_due(500) == 3000
        assert await claimed(store, now=2500) == []
        assert await claimed(store, now=3000) == ["d1", "d2", "d3"]
        await refuse(store, "d1", pause=None, next_at=3001)
        assert await claimed(store, now=3001) == ["d1"]

    run_store(work)
