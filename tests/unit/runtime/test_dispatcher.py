"""What is due goes out: once, in order, on schedule, and not too much at a time."""

import asyncio
from pathlib import Path

import pytest

from cepd.model.delivery import Delivery, Outcome
from cepd.model.duration import MILLISECOND, SECOND
from cepd.model.instant import Instant
from cepd.runtime.dispatcher import Dispatcher
from cepd.stores.store import SqlStore
from tests.support.dispatching import (
    START,
    FlakyStore,
    HandClock,
    Sender,
    a_draft,
    all_are,
    owed,
    states,
    tried,
    until,
    with_store,
)
from tests.support.tools import SystemClock


def test_what_is_owed_is_sent_once_and_written_down(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
        await owed(store, a_draft(1), a_draft(2))
        clock = HandClock()
        sender = Sender(clock, Outcome(result="sent", detail="HTTP 204", status=204))
        dispatcher = Dispatcher(store, clock, sender, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(lambda: all_are(store, "sent"))
        await dispatcher.drain(5.0)
        await running
        assert sorted(sender.tries) == sorted((a_draft(number).id, START) for number in (1, 2))
        detail = await store.alert("f1")
        assert [(attempt.number, attempt.outcome and attempt.outcome.status) for attempt in detail.attempts] == [
            (1, 204),
            (1, 204),
        ]

    with_store(tmp_path, test)


def test_tries_follow_the_schedule_and_end_dead(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
        await owed(store, a_draft(1))
        clock = HandClock()
        sender = Sender(clock, Outcome(result="retryable", detail="HTTP 503", status=503))
        dispatcher = Dispatcher(store, clock, sender, lambda: 1.1)
        running = asyncio.create_task(dispatcher.run())
        for tries in range(1, 6):
            await until(tried(store, tries))
            clock.time = await store.next_due(clock.time) or clock.time
            dispatcher.wake()
        await dispatcher.drain(5.0)
        await running
        waits = [1_100_000, 2_200_000, 4_400_000, 8_800_000]
        assert [at for _, at in sender.tries] == [START + sum(waits[:tries]) for tries in range(5)]
        (delivery,) = (await store.alert("f1")).deliveries
        assert (delivery.state, delivery.attempts, delivery.reason) == ("dead", 5, "HTTP 503")

    with_store(tmp_path, test)


def test_nothing_is_tried_before_it_is_due(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
        await owed(store, a_draft(1, due_at=START + 1), a_draft(2))
        clock = HandClock()
        sender = Sender(clock)
        dispatcher = Dispatcher(store, clock, sender, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(tried(store, 1))
        dispatcher.wake()
        await dispatcher.drain(5.0)
        await running
        assert sorted(await states(store)) == ["pending", "sent"]

    with_store(tmp_path, test)


def test_it_wakes_by_itself_when_something_becomes_due(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
        clock = SystemClock()
        await owed(store, a_draft(1, due_at=clock.now() + 60 * MILLISECOND))
        sender = Sender(HandClock())
        dispatcher = Dispatcher(store, clock, sender, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(lambda: all_are(store, "sent"))
        await dispatcher.drain(5.0)
        await running

    with_store(tmp_path, test)


def test_one_order_key_goes_one_after_the_other_and_others_pass(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
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
        await until(tried(store, 1))
        assert order == [a_draft(3, key="b").id]
        gate.set()
        await until(lambda: all_are(store, "sent"))
        await dispatcher.drain(5.0)
        await running
        assert order[1:] == [a_draft(1, key="a").id, a_draft(2, key="a").id]

    with_store(tmp_path, test)


def test_a_receiver_that_hangs_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
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
    async def test(store: SqlStore) -> None:
        await owed(store, *(a_draft(number) for number in range(50)))
        now, most = 0, 0

        async def perform(delivery: Delivery) -> Outcome:
            nonlocal now, most
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.001)
            now -= 1
            return Outcome(result="sent")

        dispatcher = Dispatcher(store, HandClock(), perform, lambda: 1.0, per_target=3)
        running = asyncio.create_task(dispatcher.run())
        await until(lambda: all_are(store, "sent"))
        await dispatcher.drain(5.0)
        await running
        assert most == 3

    with_store(tmp_path, test)


def test_a_try_is_written_down_before_it_is_made(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
        await owed(store, a_draft(1))
        seen: list[tuple[str, int, Instant, Instant | None]] = []

        async def perform(delivery: Delivery) -> Outcome:
            found = (await store.alert("f1")).attempts
            seen.extend((one.delivery_id, one.number, one.started_at, one.ended_at) for one in found)
            return Outcome(result="sent")

        dispatcher = Dispatcher(store, HandClock(), perform, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(lambda: all_are(store, "sent"))
        await dispatcher.drain(5.0)
        await running
        assert seen == [(a_draft(1).id, 1, START, None)]

    with_store(tmp_path, test)


def test_a_fault_in_a_try_is_contained_told_and_tried_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def test(store: SqlStore) -> None:
        await owed(store, a_draft(1))
        clock = HandClock()
        sender = Sender(clock, ValueError("a bug"), Outcome(result="sent"))
        dispatcher = Dispatcher(store, clock, sender, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(tried(store, 1))
        (delivery,) = (await store.alert("f1")).deliveries
        assert (delivery.state, delivery.reason) == ("pending", "a fault in cepd: ValueError")
        clock.time += SECOND
        dispatcher.wake()
        await until(lambda: all_are(store, "sent"))
        await dispatcher.drain(5.0)
        await running
        (record,) = [record for record in caplog.records if record.message == "delivery failed"]
        assert record.exc_info

    with_store(tmp_path, test)


def test_it_rests_while_nothing_is_due(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
        clock = HandClock()
        await owed(store, a_draft(1), a_draft(2, due_at=START + 3600 * SECOND))
        counted = FlakyStore(store)
        dispatcher = Dispatcher(counted, clock, Sender(clock), lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())
        await until(tried(store, 1))
        await asyncio.sleep(0.1)
        assert counted.calls["claim"] <= 4
        await dispatcher.drain(5.0)
        await running

    with_store(tmp_path, test)
