"""What one target does to the others, and to itself: many that hang, and one that asks for a pause."""

import asyncio
from pathlib import Path

import pytest

from cepd.model.delivery import Delivery, Outcome
from cepd.model.duration import SECOND
from cepd.model.terms import Terms
from cepd.runtime.dispatcher import Dispatcher
from cepd.stores.store import SqlStore
from tests.support.alerts import draft
from tests.support.dispatching import START, HandClock, Sender, a_draft, all_are, owed, states, tried, until, with_store


def test_any_number_of_receivers_that_hang_hold_up_no_other(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
        for target in range(40):
            await owed(store, *(a_draft(10 * target + n, target=f"hanging-{target}") for n in range(5)))
        await owed(store, *(a_draft(number, target="fine") for number in range(1000, 1010)))
        hanging: dict[str, int] = {}

        async def perform(delivery: Delivery) -> Outcome:
            if delivery.target != "fine":
                hanging[delivery.target] = hanging.get(delivery.target, 0) + 1
                await asyncio.Event().wait()
            return Outcome(result="sent")

        dispatcher = Dispatcher(store, HandClock(), perform, lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())

        async def fine_ones_sent() -> bool:
            return (await states(store)).count("sent") == 10

        await until(fine_ones_sent)
        await dispatcher.drain(0.0)
        await running
        assert hanging == {f"hanging-{target}": 4 for target in range(40)}

    with_store(tmp_path, test)


def test_being_rate_limited_pauses_the_target_and_no_other(tmp_path: Path) -> None:
    async def test(store: SqlStore) -> None:
        await owed(store, *(a_draft(number) for number in range(4)))
        await owed(store, a_draft(9, target="mail"))
        clock = HandClock()
        busy = Outcome(result="rate_limited", detail="HTTP 429", status=429, retry_after=3 * SECOND)
        to_ops, to_mail = Sender(clock, busy, Outcome(result="sent")), Sender(clock)

        async def perform(delivery: Delivery) -> Outcome:
            return await (to_mail if delivery.target == "mail" else to_ops)(delivery)

        dispatcher = Dispatcher(store, clock, perform, lambda: 1.0, per_target=1)
        running = asyncio.create_task(dispatcher.run())
        await until(tried(store, 2))
        await owed(store, a_draft(4))
        clock.time = START + 3 * SECOND - 1
        dispatcher.wake()
        await asyncio.sleep(0.05)
        assert len(to_ops.tries) == len(to_mail.tries) == 1
        clock.time = START + 3 * SECOND
        dispatcher.wake()
        await until(lambda: all_are(store, "sent"))
        await dispatcher.drain(5.0)
        await running
        assert [at - START for _, at in to_ops.tries] == [0] + 5 * [3 * SECOND]
        assert {delivery.attempts for delivery in (await store.alert("f1")).deliveries} == {1}

    with_store(tmp_path, test)


def test_what_is_given_up_without_a_try_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def test(store: SqlStore) -> None:
        stand_in = draft("d2", "f1", target="mail")
        late = draft("d1", "f1", terms=Terms(keep_trying=SECOND), fallback=stand_in)
        await owed(store, late)
        clock = HandClock(START + 3600 * SECOND)
        dispatcher = Dispatcher(store, clock, Sender(clock), lambda: 1.0)
        running = asyncio.create_task(dispatcher.run())

        async def told() -> bool:
            return len(caplog.records) >= 2

        await until(told)
        await dispatcher.drain(5.0)
        await running
        about = [(record.message, record.__dict__["delivery"], record.__dict__["target"]) for record in caplog.records]
        assert about == [("delivery expired", "d1", "ops"), ("fallback owed", "d1", "ops")]
        assert caplog.records[0].__dict__["reason"] == "its deadline passed"
        assert caplog.records[1].__dict__["fallback"] == "mail"

    with_store(tmp_path, test)
