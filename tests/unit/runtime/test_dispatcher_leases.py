"""A dispatcher whose tries could outlast their leases, or that lost track of one: it goes out again, never beside."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from cepd.model.delivery import Delivery, Outcome
from cepd.model.duration import MILLISECOND, SECOND, Span
from cepd.model.happenings import NOBODY, Listening
from cepd.model.terms import Terms
from cepd.runtime.dispatcher import Dispatcher
from cepd.stores.store import SqlStore
from tests.support.alerts import draft
from tests.support.dispatching import START, HandClock, Sender, all_are, owed, tried, until, with_store

TERMS = Terms(timeout=50 * MILLISECOND)


class LateStore:
    """The real store, whose first claim takes so long by the clock of who claims."""

    def __init__(self, store: SqlStore, clock: HandClock, span: Span) -> None:
        self._store = store
        self._clock = clock
        self._span = span

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def claim(self, now: int, per_target: int, listening: Listening = NOBODY, *told: Any) -> list[Delivery]:
        claimed = await self._store.claim(now, per_target, listening, *told)
        self._clock.time += self._span
        self._span = 0
        return claimed


def test_a_try_that_could_outlast_its_lease_is_not_begun(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def test(store: SqlStore) -> None:
        await owed(store, draft("d1", "f1", terms=TERMS))
        clock = HandClock()
        sender = Sender(clock)
        frozen_for = TERMS.patience - TERMS.timeout + 1
        dispatcher = Dispatcher(LateStore(store, clock, frozen_for), clock, sender, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(lambda: _said(caplog, "claim too old"))
        assert await store.next_due(clock.time) == START + TERMS.lease
        clock.time = START + TERMS.lease
        dispatcher.wake()
        await until(lambda: all_are(store, "sent"))
        await dispatcher.drain(5.0)
        await running
        assert sender.tries == [("d1", START + TERMS.lease)]

    with_store(tmp_path, test)


def test_a_try_without_an_end_is_ended_before_its_lease(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
        await owed(store, draft("d1", "f1", terms=TERMS))
        clock = HandClock()
        begun = 0

        async def perform(delivery: Delivery) -> Outcome:
            nonlocal begun
            begun += 1
            if begun == 1:
                await asyncio.Event().wait()
            return Outcome(result="sent")

        almost = TERMS.patience - TERMS.timeout
        dispatcher = Dispatcher(LateStore(store, clock, almost), clock, perform, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(tried(store, 1))
        (attempt,) = (await store.delivery("d1")).attempts
        assert attempt.outcome == Outcome(result="unknown", detail="no end within 50ms")
        clock.time += SECOND
        dispatcher.wake()
        await until(lambda: all_are(store, "sent"))
        await dispatcher.drain(5.0)
        await running
        assert begun == 2

    with_store(tmp_path, test)


def test_a_timeout_of_its_own_is_a_fault_and_no_end_of_its_lease(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
        await owed(store, draft("d1", "f1"))
        clock = HandClock()
        sender = Sender(clock, TimeoutError("the channel's own"), Outcome(result="sent"))
        dispatcher = Dispatcher(store, clock, sender, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(tried(store, 1))
        (attempt,) = (await store.delivery("d1")).attempts
        assert attempt.outcome == Outcome(result="retryable", detail="a fault in cepd: TimeoutError")
        await dispatcher.drain(5.0)
        await running

    with_store(tmp_path, test)


def test_what_it_cannot_settle_is_taken_over_at_the_end_of_its_lease(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)

    class Stumbling(LateStore):
        stumbled = False

        async def settle(self, settlement: Any) -> Any:
            if not self.stumbled:
                self.stumbled = True
                raise ValueError("a bug")
            return await self._store.settle(settlement)

    async def test(store: SqlStore) -> None:
        await owed(store, draft("d1", "f1", terms=TERMS))
        clock = HandClock()
        sender = Sender(clock)
        dispatcher = Dispatcher(Stumbling(store, clock, 0), clock, sender, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(lambda: _said(caplog, "delivery not settled"))
        clock.time = START + TERMS.lease
        dispatcher.wake()
        await until(lambda: all_are(store, "sent"))
        await dispatcher.drain(5.0)
        await running
        assert [delivery_id for delivery_id, _ in sender.tries] == ["d1", "d1"]

    with_store(tmp_path, test)


async def _said(caplog: pytest.LogCaptureFixture, message: str) -> bool:
    return message in [record.message for record in caplog.records]
