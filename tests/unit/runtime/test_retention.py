"""The pass over old rows: what the settings and the clock say goes, in batches, and it is counted."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cepd.model.duration import DAY
from cepd.model.instant import Instant
from cepd.model.retention import Retention
from cepd.ports import AlertQuery, Recording
from cepd.runtime.retention import BATCH, INTERVAL, Sweeper
from cepd.stores.store import SqlStore
from cepd.telemetry.metrics import Metrics
from tests.support.alerts import alert, draft, ended
from tests.support.dispatching import FlakyStore, HandClock, with_store

KEPT = Retention(alerts=10 * DAY, deliveries=5 * DAY, stream=2 * DAY)


class OverError(Exception):
    """Ends a loop that never ends by itself."""


class Parts:
    def __init__(self, store: SqlStore, kept: Retention, final_before: Instant | None) -> None:
        self.store = FlakyStore(store)
        self.clock = HandClock(0)
        self.metrics = Metrics()
        self.pauses: list[float] = []
        self.kept = kept
        self.final_before = final_before
        self.sweeper = Sweeper(
            self.store,  # type: ignore[arg-type]
            self.clock,
            self.metrics,
            kept=lambda: self.kept,
            final_before=lambda: self.final_before,
            sleep=self.sleep,
        )

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if self.pauses.count(INTERVAL) == 3:
            raise OverError

    def deleted(self) -> dict[str, int]:
        """By table, of those of which any were."""
        lines = self.metrics.render().decode().splitlines()
        found = (line.split('"') for line in lines if line.startswith("cepd_retention_deleted_total{"))
        return {table: int(float(number[1:])) for _, table, number in found if float(number[1:])}


def sweeping(
    path: Path,
    test: Callable[[SqlStore, Parts], Awaitable[None]],
    kept: Retention = KEPT,
    final_before: Instant | None = 10**18,
) -> None:
    async def run(store: SqlStore) -> None:
        await test(store, Parts(store, kept, final_before))

    with_store(path, run)


async def fired(store: SqlStore, at: Instant, *names: str) -> None:
    await store.record(Recording(seq=1, alerts=[alert(name, last_at=at) for name in names], at=at))


async def number(store: SqlStore) -> int:
    return len((await store.alerts(AlertQuery(limit=1_000_000))).alerts)


def test_each_table_goes_by_its_own_age_as_the_clock_goes_on(tmp_path: Path) -> None:
    async def test(store: SqlStore, parts: Parts) -> None:
        await fired(store, 1 * DAY, "a")
        await store.record(Recording(seq=1, drafts=[draft("d", "a", due_at=1 * DAY)], at=1 * DAY))
        (delivery,) = await store.claim(now=1 * DAY, per_target=1)
        await ended(store, delivery, at=1 * DAY)
        seen = []
        for day in (3, 6, 11):
            parts.clock.time = day * DAY
            await parts.sweeper.sweep()
            assert parts.deleted().keys() == {table for table, _ in seen}
            parts.clock.time += 1
            await parts.sweeper.sweep()
            seen += [(table, found) for table, found in parts.deleted().items() if (table, found) not in seen]
        assert seen == [("stream", 2), ("delivery", 1), ("alert", 1)]
        assert parts.pauses == []

    sweeping(tmp_path, test)


def test_many_go_in_small_batches_with_pauses(tmp_path: Path) -> None:
    async def test(store: SqlStore, parts: Parts) -> None:
        await fired(store, 1 * DAY, *(f"a{n}" for n in range(2 * BATCH + 7)))
        await fired(store, 30 * DAY, "young")
        parts.clock.time = 30 * DAY
        await parts.sweeper.sweep()
        assert await number(store) == 1
        assert parts.deleted() == {"stream": 2 * BATCH + 7, "alert": 2 * BATCH + 7}
        assert len(parts.pauses) == 4
        assert parts.store.calls["trim"] == 3 + 1 + 1 + 1 + 3

    sweeping(tmp_path, test)


def test_beyond_their_number_the_oldest_go_in_batches(tmp_path: Path) -> None:
    async def test(store: SqlStore, parts: Parts) -> None:
        await fired(store, 1 * DAY, *(f"a{n}" for n in range(BATCH + 20)))
        parts.clock.time = 1 * DAY
        await parts.sweeper.sweep()
        assert await number(store) == 15
        assert parts.deleted() == {"stream": BATCH + 8, "alert": BATCH + 5}
        kept = (await store.alerts(AlertQuery(limit=100))).alerts
        assert kept[-1].event_id == f"a{BATCH + 5}"

    sweeping(tmp_path, test, Retention(max_alerts=15, max_stream=12))


def test_what_a_start_may_derive_again_stays(tmp_path: Path) -> None:
    async def test(store: SqlStore, parts: Parts) -> None:
        await fired(store, 1 * DAY, "a", "b")
        await fired(store, 2 * DAY, "c")
        parts.clock.time = 100 * DAY
        await parts.sweeper.sweep()
        assert parts.deleted() == {"stream": 3}
        parts.final_before = 2 * DAY
        await parts.sweeper.sweep()
        assert parts.deleted() == {"stream": 3, "alert": 2}
        parts.kept = Retention(max_alerts=1)
        await fired(store, 2 * DAY, "d")
        await parts.sweeper.sweep()
        assert await number(store) == 2

    sweeping(tmp_path, test, final_before=None)


def test_it_goes_on_after_a_store_that_was_away_and_by_the_settings_of_then(tmp_path: Path) -> None:
    async def test(store: SqlStore, parts: Parts) -> None:
        await fired(store, 1 * DAY, "a")
        parts.clock.time = 11 * DAY
        parts.store.failures["rows"] = 1
        parts.kept = Retention()
        sleep = parts.sleep

        async def then(seconds: float) -> None:
            parts.kept = KEPT if parts.pauses else parts.kept
            parts.clock.time += 1
            await sleep(seconds)

        parts.sweeper._sleep = then
        with pytest.raises(OverError):
            await parts.sweeper.run()
        assert parts.deleted() == {"stream": 1, "alert": 1}
        assert parts.pauses == [INTERVAL] * 3

    sweeping(tmp_path, test)
