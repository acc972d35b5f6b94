import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cepd.model.delivery import Delivery, DeliveryState, Draft, Outcome, draft_of
from cepd.model.duration import MILLISECOND, SECOND
from cepd.model.errors import RetryLaterError
from cepd.model.instant import Instant
from cepd.ports import Recording
from cepd.runtime.dispatcher import Dispatcher
from cepd.stores.sqlite import SqliteStore, open_store
from tests.support.firings import a_firing, an_alert
from tests.support.tools import SystemClock

DELAYS = (1 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND)
START = 1_000 * SECOND


class HandClock:
    """A clock that a test moves."""

    def __init__(self, now: Instant = START) -> None:
        self.time = now

    def now(self) -> Instant:
        return self.time


class FlakyStore:
    """The real store, away for as many calls as `failures` says, by method."""

    def __init__(self, store: SqliteStore, **failures: int) -> None:
        self._store = store
        self.failures = failures
        self.calls: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] = self.calls.get(name, 0) + 1
            if self.failures.get(name, 0) > 0:
                self.failures[name] -= 1
                raise RetryLaterError("the disk is full")
            return await getattr(self._store, name)(*args, **kwargs)

        return call


class Sender:
    """Answers as told, one outcome a try (the last one for good); keeps the ids it was given, with the time."""

    def __init__(self, clock: HandClock, *outcomes: Outcome | Exception) -> None:
        self._clock = clock
        self._outcomes = list(outcomes) or [Outcome(result="sent")]
        self.tries: list[tuple[str, Instant]] = []

    async def __call__(self, delivery: Delivery) -> Outcome:
        self.tries.append((delivery.id, self._clock.now()))
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def a_draft(number: int, *, key: str = "", due_at: Instant = 0, target: str = "ops") -> Draft:
    """A draft of its own order key, unless `key` names one."""
    firing, alert = a_firing(id=f"f{number}", key={"host": key or f"h{number}"}), an_alert(recorded_at=due_at)
    return draft_of(firing, alert, action=0, type="notify", target=target, request=b"{}", delays=DELAYS)


async def owed(store: SqliteStore, *drafts: Draft) -> None:
    await store.record(Recording(seq=1, alerts=[an_alert()], drafts=drafts, at=START))


async def states(store: SqliteStore) -> list[DeliveryState]:
    return [delivery.state for delivery in (await store.alert("f1")).deliveries]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.002)


def with_store(path: Path, test: Callable[[SqliteStore], Awaitable[None]]) -> None:
    async def run() -> None:
        store = open_store(path / "cepd.db")
        try:
            await test(store)
        finally:
            await store.close()

    asyncio.run(run())


def test_what_is_owed_is_sent_once_and_written_down(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        await owed(store, a_draft(1), a_draft(2))
        clock = HandClock()
        sender = Sender(clock, Outcome(result="sent", detail="HTTP 204", status=204))
        dispatcher = Dispatcher(store, clock, sender, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(lambda: _all(store, "sent"))
        await dispatcher.drain(5.0)
        await running
        assert sorted(sender.tries) == sorted((a_draft(number).id, START) for number in (1, 2))
        detail = await store.alert("f1")
        assert [(attempt.number, attempt.outcome and attempt.outcome.status) for attempt in detail.attempts] == [
            (1, 204),
            (1, 204),
        ]

    with_store(tmp_path, test)


async def _all(store: SqliteStore, state: DeliveryState) -> bool:
    return set(await states(store)) == {state}


def test_tries_follow_the_schedule_and_end_dead(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        await owed(store, a_draft(1))
        clock = HandClock()
        sender = Sender(clock, Outcome(result="retryable", detail="HTTP 503", status=503))
        dispatcher = Dispatcher(store, clock, sender, lambda: 1.1)
        running = asyncio.create_task(dispatcher.run())
        for tries in range(1, 6):
            await until(_tried(store, tries))
            clock.time = await store.next_due(clock.time) or clock.time
            dispatcher.wake()
        await dispatcher.drain(5.0)
        await running
        waits = [1_100_000, 2_200_000, 4_400_000, 8_800_000]
        assert [at for _, at in sender.tries] == [START + sum(waits[:tries]) for tries in range(5)]
        (delivery,) = (await store.alert("f1")).deliveries
        assert (delivery.state, delivery.attempts, delivery.reason) == ("dead", 5, "HTTP 503")

    with_store(tmp_path, test)


def _tried(store: SqliteStore, tries: int) -> Callable[[], Awaitable[bool]]:
    async def tried() -> bool:
        detail = await store.alert("f1")
        return sum(attempt.ended_at is not None for attempt in detail.attempts) == tries

    return tried


def test_nothing_is_tried_before_it_is_due(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        await owed(store, a_draft(1, due_at=START + 1), a_draft(2))
        clock = HandClock()
        sender = Sender(clock)
        dispatcher = Dispatcher(store, clock, sender, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(_tried(store, 1))
        dispatcher.wake()
        await dispatcher.drain(5.0)
        await running
        assert sorted(await states(store)) == ["pending", "sent"]

    with_store(tmp_path, test)


def test_it_wakes_by_itself_when_something_becomes_due(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        clock = SystemClock()
        await owed(store, a_draft(1, due_at=clock.now() + 60 * MILLISECOND))
        sender = Sender(HandClock())
        dispatcher = Dispatcher(store, clock, sender, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(lambda: _all(store, "sent"))
        await dispatcher.drain(5.0)
        await running

    with_store(tmp_path, test)


def test_one_order_key_goes_one_after_the_other_and_others_pass(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        await owed(store, a_draft(1, key="a"), a_draft(2, key="a"), a_draft(3, key="b"))
        gate = asyncio.Event()
        order: list[str] = []

        async def perform(delivery: Delivery) -> Outcome:
            if delivery.id == a_draft(1, key="a").id:
                await gate.wait()
            order.append(delivery.id)
            return Outcome(result="sent")

        dispatcher = Dispatcher(store, HandClock(), perform, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(_tried(store, 1))
        assert order == [a_draft(3, key="b").id]
        gate.set()
        await until(lambda: _all(store, "sent"))
        await dispatcher.drain(5.0)
        await running
        assert order[1:] == [a_draft(1, key="a").id, a_draft(2, key="a").id]

    with_store(tmp_path, test)


def test_a_receiver_that_hangs_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        await owed(store, *(a_draft(number, target="hanging") for number in range(100)))
        await owed(store, *(a_draft(number, target="fine") for number in range(100, 150)))
        under_way = 0

        async def perform(delivery: Delivery) -> Outcome:
            nonlocal under_way
            if delivery.target == "hanging":
                under_way += 1
                await asyncio.Event().wait()
            return Outcome(result="sent")

        dispatcher = Dispatcher(store, HandClock(), perform, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())

        async def fine_ones_sent() -> bool:
            return (await states(store)).count("sent") == 50

        await until(fine_ones_sent)
        assert under_way == 4
        await dispatcher.drain(0.0)
        await running

    with_store(tmp_path, test)


def test_no_more_than_allowed_are_under_way(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        await owed(store, *(a_draft(number) for number in range(50)))
        now, most = 0, 0

        async def perform(delivery: Delivery) -> Outcome:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.001)
            now -= 1
            return Outcome(result="sent")

        dispatcher = Dispatcher(store, HandClock(), perform, lambda: 1.0, concurrency=3, per_target=3)
        running = asyncio.create_task(dispatcher.run())
        await until(lambda: _all(store, "sent"))
        await dispatcher.drain(5.0)
        await running
        assert most == 3

    with_store(tmp_path, test)


@pytest.mark.parametrize("method", ["claim", "next_due", "begin_attempt", "settle"])
def test_a_store_that_is_away_delays_and_repeats_nothing(
    tmp_path: Path, method: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cepd.runtime.dispatcher._FIRST_PAUSE", 0.001)
    caplog.set_level(logging.INFO, "cepd.runtime.dispatcher")

    async def test(store: SqliteStore) -> None:
        await owed(store, a_draft(1))
        clock = HandClock()
        sender = Sender(clock)
        dispatcher = Dispatcher(FlakyStore(store, **{method: 3}), clock, sender, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(lambda: _all(store, "sent"))
        await until(lambda: _said(caplog, "store back"))
        await dispatcher.drain(5.0)
        await running
        assert len(sender.tries) == 1
        assert [record.message for record in caplog.records].count("store away") == 1

    with_store(tmp_path, test)


async def _said(caplog: pytest.LogCaptureFixture, message: str) -> bool:
    return message in [record.message for record in caplog.records]


def test_a_fault_in_a_try_is_contained_told_and_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def test(store: SqliteStore) -> None:
        await owed(store, a_draft(1))
        clock = HandClock()
        sender = Sender(clock, ValueError("a bug"), Outcome(result="sent"))
        dispatcher = Dispatcher(store, clock, sender, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(_tried(store, 1))
        (delivery,) = (await store.alert("f1")).deliveries
        assert (delivery.state, delivery.reason) == ("pending", "a fault in cepd: ValueError")
        clock.time += SECOND
        dispatcher.wake()
        await until(lambda: _all(store, "sent"))
        await dispatcher.drain(5.0)
        await running
        (record,) = [record for record in caplog.records if record.message == "delivery failed"]
        assert record.exc_info

    with_store(tmp_path, test)


def test_a_drain_waits_for_what_is_under_way_and_claims_nothing_more(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
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
    async def test(store: SqliteStore) -> None:
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
        await until(lambda: _all(store, "sent"))
        await second.drain(5.0)
        await running
        assert [delivery_id for delivery_id, _ in sender.tries] == [a_draft(1).id]

    with_store(tmp_path, test)


def test_a_drain_without_a_run_ends_at_once(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        await Dispatcher(store, HandClock(), Sender(HandClock()), lambda: 1.0).drain(0.0)

    with_store(tmp_path, test)


def test_a_drain_ends_while_the_store_is_away(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
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


def test_it_rests_while_nothing_is_due(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
        clock = HandClock()
        await owed(store, a_draft(1), a_draft(2, due_at=START + 3600 * SECOND))
        counted = FlakyStore(store)
        dispatcher = Dispatcher(counted, clock, Sender(clock), lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(_tried(store, 1))
        await asyncio.sleep(0.1)
        assert counted.calls["claim"] <= 4
        await dispatcher.drain(5.0)
        await running

    with_store(tmp_path, test)


def test_being_cancelled_leaves_no_task_behind(tmp_path: Path) -> None:
    async def test(store: SqliteStore) -> None:
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
