"""A journal that cannot let rows go takes no more events at its limit, says so, and goes on when it can."""

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from cepd.model.duration import DAY, SECOND
from cepd.model.errors import OverloadedError, RetryLaterError
from cepd.ports import Recording
from cepd.stores.store import SqlStore
from tests.support.dispatching import HandClock
from tests.support.pipeline import Pipeline, deployment_of, pipeline
from tests.support.rows import line, rule

NOTHING_FIRES = deployment_of(rule("r", "n > 9"))
LIMIT = 20_000


class Away:
    """The real store, away until told otherwise."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.away = True

    async def record(self, recording: Recording) -> None:
        if self.away:
            raise RetryLaterError("the database is locked")
        await self._store.record(recording)


async def put(running: Pipeline, number: int) -> None:
    await running.send(line(id=str(number), n=1, text="x" * 500))
    await running.feed.drained()


async def save(running: Pipeline) -> None:
    """One more row, and a snapshot behind it."""
    await running.feed.tick().finished.wait()
    await running.snapshotter.finish()


def test_without_the_store_it_fills_up_and_with_it_goes_on(tmp_path: Path) -> None:
    stores: list[Away] = []

    def through(store: SqlStore) -> Away:
        stores.append(Away(store))
        return stores[0]

    async def scenario() -> None:
        options = {"segment_size": 2_000, "journal_limit": LIMIT}
        async with pipeline(tmp_path, NOTHING_FIRES, through=through, **options) as running:
            running.snapshotter.resume(None)
            taken = 0
            while running.feed.full is None:
                await put(running, taken)
                taken += 1
            assert 15 < taken < 40, "more than half of a kilobyte each, and what is left over in each file"
            with pytest.raises(RetryLaterError, match="--journal-limit") as refused:
                await put(running, taken)
            assert not isinstance(refused.value, OverloadedError), "503: to send slower does not help"
            assert running.journal.size >= LIMIT
            await save(running)
            assert running.snapshots.rows() == [], "none is valid while the store does not know of its rows"
            assert running.feed.full is not None
            stores[0].away = False
            for _ in range(2):
                await save(running)
            assert running.feed.full is None
            assert (await running.send(line(id="later", n=1))).accepted == 1

    asyncio.run(scenario())


def test_at_the_least_limit_it_goes_on_though_nothing_but_refused_events_comes(tmp_path: Path) -> None:
    """Nothing else makes rows: no rule waits for a time."""
    stores: list[Away] = []

    def through(store: SqlStore) -> Away:
        stores.append(Away(store))
        return stores[0]

    async def scenario() -> None:
        clock = HandClock()
        options = {"segment_size": 2_000, "journal_limit": 4_000, "interval": SECOND}
        async with pipeline(tmp_path, NOTHING_FIRES, clock=clock, through=through, **options) as running:
            running.snapshotter.resume(None)
            taken = 0
            while running.feed.full is None:
                await put(running, taken)
                taken += 1
            full = running.journal.next_seq
            for _ in range(100):
                with pytest.raises(RetryLaterError):
                    await put(running, taken)
            await running.feed.drained()
            assert running.journal.next_seq <= full + 1, "who asks often does not fill the journal"
            stores[0].away = False
            answer = None
            async with asyncio.timeout(20):
                while answer is None:
                    clock.time += SECOND
                    with suppress(RetryLaterError):
                        answer = await running.send(line(id="later", n=1))
                    await asyncio.sleep(0.01)  # a snapshot is written in a thread
            assert answer.accepted == 1

    asyncio.run(scenario())


@pytest.mark.parametrize(("limit", "kept"), [(1 << 30, True), (LIMIT, False)])
def test_what_is_only_retained_goes_before_intake_suffers(tmp_path: Path, limit: int, kept: bool) -> None:
    async def scenario() -> None:
        options = {"segment_size": 2_000, "journal_limit": limit, "retain": DAY}
        async with pipeline(tmp_path, NOTHING_FIRES, **options) as running:
            running.snapshotter.resume(None)
            for number in range(100):
                await put(running, number)
                if number % 10 == 0:
                    await save(running)
            assert (running.journal.first_seq == 1) is kept

    asyncio.run(scenario())
