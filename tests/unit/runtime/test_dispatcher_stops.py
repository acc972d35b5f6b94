"""A dispatcher whose store is away, that is drained, or cut off: nothing is lost, nothing hangs."""

import asyncio
import logging
from pathlib import Path

import pytest

from cepd.model.delivery import Delivery, Outcome
from cepd.runtime.dispatcher import Dispatcher
from cepd.stores.store import SqlStore
from tests.support.dispatching import (
    FlakyStore,
    HandClock,
    Sender,
    a_draft,
    all_are,
    owed,
    states,
    until,
    with_store,
)


@pytest.mark.parametrize("method", ["claim", "next_due", "settle"])
def test_a_store_that_is_away_delays_and_repeats_nothing(
    tmp_path: Path, method: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cepd.runtime.dispatcher._FIRST_PAUSE", 0.001)
    caplog.set_level(logging.INFO, "cepd.runtime.dispatcher")

    async def test(store: SqlStore) -> None:
        await owed(store, a_draft(1))
        clock = HandClock()
        sender = Sender(clock)
        dispatcher = Dispatcher(FlakyStore(store, **{method: 3}), clock, sender, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(lambda: all_are(store, "sent"))
        await until(lambda: _said(caplog, "store back"))
        await dispatcher.drain(5.0)
        await running
        assert len(sender.tries) == 1
        assert [record.message for record in caplog.records].count("store away") == 1

    with_store(tmp_path, test)


async def _said(caplog: pytest.LogCaptureFixture, message: str) -> bool:
    return message in [record.message for record in caplog.records]


def test_a_drain_waits_for_what_is_under_way_and_claims_nothing_more(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
        await owed(store, a_draft(1, key="a"), a_draft(2, key="a"))
        begun, gate = asyncio.Event(), asyncio.Event()

        async def perform(delivery: Delivery) -> Outcome:
            begun.set()
            await gate.wait()
            return Outcome(result="sent")

        dispatcher = Dispatcher(store, HandClock(), perform, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await begun.wait()
        draining = asyncio.create_task(dispatcher.drain(5.0))
        await asyncio.sleep(0)
        assert not draining.done()
        gate.set()
        await draining
        await running
        assert await states(store) == ["sent", "pending"]

    with_store(tmp_path, test)


def test_what_a_drain_cuts_off_goes_out_after_the_next_start_under_the_same_id(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
        await owed(store, a_draft(1))
        clock, begun = HandClock(), asyncio.Event()

        async def hanging(delivery: Delivery) -> Outcome:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

        first = Dispatcher(store, clock, hanging, lambda: 1.0)
        running = asyncio.create_task(first.run())
        await begun.wait()
        await first.drain(0.01)
        await running
        assert await states(store) == ["sending"]

        assert await store.reclaim(clock.now()) == 1
        sender = Sender(clock)
        second = Dispatcher(store, clock, sender, lambda: 1.0)
        running = asyncio.create_task(second.run())
        await until(lambda: all_are(store, "sent"))
        await second.drain(5.0)
        await running
        assert [delivery_id for delivery_id, _ in sender.tries] == [a_draft(1).id]

    with_store(tmp_path, test)


def test_a_drain_without_a_run_ends_at_once(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
        await Dispatcher(store, HandClock(), Sender(HandClock()), lambda: 1.0).drain(0.0)

    with_store(tmp_path, test)


def test_a_drain_ends_while_the_store_is_away(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
        flaky = FlakyStore(store, claim=1_000_000)
        dispatcher = Dispatcher(flaky, HandClock(), Sender(HandClock()), lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(lambda: _called(flaky, "claim"))
        async with asyncio.timeout(2):
            await dispatcher.drain(60.0)
        await running

    with_store(tmp_path, test)


async def _called(store: FlakyStore, method: str) -> bool:
    return store.calls.get(method, 0) > 0


def test_being_cancelled_leaves_no_task_behind(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
        await owed(store, a_draft(1))
        begun = asyncio.Event()

        async def hanging(delivery: Delivery) -> Outcome:
            begun.set()
            await asyncio.Event().wait()
            raise AssertionError("unreachable")

        running = asyncio.create_task(Dispatcher(store, HandClock(), hanging, lambda: 1.0).run())
        await begun.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with_store(tmp_path, test)
