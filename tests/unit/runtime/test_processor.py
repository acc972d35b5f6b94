"""The engine's task: order, ticks when they are due and only then, swaps as rows, and back-pressure."""

import asyncio
from itertools import pairwise
from pathlib import Path

from cepd.model.duration import MINUTE, SECOND
from cepd.model.errors import OverloadedError, RetryLaterError
from cepd.model.rule import Suppress
from cepd.ports import AlertQuery, Recording
from cepd.stores.journal import open_journal
from cepd.stores.store import SqlStore
from tests.support.pipeline import deployment_of, pipeline
from tests.support.rows import START, line, rule
from tests.support.virtual import VirtualClock, leap, run_virtually

QUIET = rule("r", "n > 0", group_by=("host",), suppress=Suppress(10 * MINUTE), time="arrival")


def kinds_and_clocks(data: Path) -> list[tuple[str, int]]:
    async def read() -> list[tuple[str, int]]:
        journal = open_journal(data / "journal")
        found = [(frame.kind, frame.clock) for frame in journal.read()]
        await journal.close()
        return found

    return asyncio.run(read())


def test_events_are_applied_in_the_order_of_the_journal(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, deployment_of(rule("r", "n > 0"))) as running:
            senders = [running.send(*(line(id=f"{s}-{n}", n=1) for n in range(3))) for s in range(20)]
            await asyncio.gather(*senders)
            told = [alert.source_event_ids[0] for alert in await running.settled()]
            assert told == [f"{s}-{n}" for s in range(20) for n in range(3)]

    asyncio.run(scenario())


def test_the_owed_summary_comes_by_a_tick_when_nothing_else_comes(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = VirtualClock(START)
        async with pipeline(tmp_path, deployment_of(QUIET), clock=clock) as running:
            for number in range(3):
                await running.send(line(id=str(number), n=1, host="a"))
            alert = (await running.settled())[0]
            assert alert.count == 3
            detail = await running.store.alert(alert.event_id)
            assert [delivery.kind for delivery in detail.deliveries] == ["fired"]
            await leap(9 * 60)
            await running.settled()
            assert len((await running.store.alert(alert.event_id)).deliveries) == 1
            await leap(2 * 60)
            await running.settled()
            kinds = [delivery.kind for delivery in (await running.store.alert(alert.event_id)).deliveries]
            assert sorted(kinds) == ["fired", "summary"]
            await leap(24 * 3600)
            await running.settled()

    run_virtually(scenario())
    ticks = [clock for kind, clock in kinds_and_clocks(tmp_path) if kind == "tick"]
    late = START + 11 * MINUTE + 5 * SECOND
    assert START + 10 * MINUTE <= ticks[-1] <= late, "none comes once nothing is pending"


def test_while_a_deadline_is_pending_a_row_comes_every_minute(tmp_path: Path) -> None:
    """So that the time since the last row before a stop is downtime, not idleness."""

    async def scenario() -> None:
        clock = VirtualClock(START)
        async with pipeline(tmp_path, deployment_of(QUIET), clock=clock) as running:
            await running.send(line(n=1, host="a"))
            for _ in range(9 * 60 // 10):
                await leap(10)
                await running.settled()

    run_virtually(scenario())
    clocks = [clock for _, clock in kinds_and_clocks(tmp_path)]
    assert 7 <= len(clocks) <= 12
    assert all(later - earlier <= MINUTE + 12 * SECOND for earlier, later in pairwise(clocks))


def test_without_anything_pending_there_are_no_ticks(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, deployment_of(rule("r", "n > 0")), clock=VirtualClock(START)) as running:
            await running.send(line(n=1))
            for _ in range(7):
                await leap(24 * 3600)
                await running.settled()

    run_virtually(scenario())
    assert {kind for kind, _ in kinds_and_clocks(tmp_path)} <= {"batch", "tick"}
    assert len([kind for kind, _ in kinds_and_clocks(tmp_path) if kind == "tick"]) <= 1


def test_a_swap_is_a_row_between_two_batches(tmp_path: Path) -> None:
    async def scenario() -> None:
        first = deployment_of(rule("old", "n > 0"))
        second = deployment_of(rule("new", "n > 0"), name="two", previous=first)
        async with pipeline(tmp_path, first) as running:
            await running.send(line(id="a", n=1))
            swap = running.feed.swap(second)
            await running.send(line(id="b", n=1))
            await swap.finished.wait()
            alerts = await running.settled()
            assert [(one.rule_id, one.source_event_ids, one.generation, one.revision) for one in alerts] == [
                ("old", ("a",), first.digest, "revision-one"),
                ("new", ("b",), second.digest, "revision-two"),
            ]

    asyncio.run(scenario())


def test_a_removed_rule_still_says_its_summary(tmp_path: Path) -> None:
    async def scenario() -> None:
        first = deployment_of(QUIET)
        second = deployment_of(rule("other", "n > 5"), name="two", previous=first)
        async with pipeline(tmp_path, first) as running:
            await running.send(line(id="a", n=1, host="a"), line(id="b", n=1, host="a"))
            running.feed.swap(second)
            (alert,) = await running.settled()
            detail = await running.store.alert(alert.event_id)
            assert sorted(delivery.kind for delivery in detail.deliveries) == ["fired", "summary"]

    asyncio.run(scenario())


class Away:
    """The real store, away until told otherwise: the port's RetryLaterError, as of a locked or full database."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.away = True
        self.tries = 0

    async def record(self, recording: Recording) -> None:
        self.tries += 1
        if self.away:
            raise RetryLaterError("the database is locked")
        await self._store.record(recording)


def test_a_store_that_is_away_stops_the_engine_then_intake_and_loses_nothing(tmp_path: Path) -> None:
    stores: list[Away] = []

    def through(store: SqlStore) -> Away:
        stores.append(Away(store))
        return stores[0]

    async def scenario() -> None:
        deployment = deployment_of(rule("r", "n > 0"))
        async with pipeline(
            tmp_path, deployment, clock=VirtualClock(START), through=through, recorder_capacity=2, capacity_events=4
        ) as running:
            accepted: list[str] = []
            refused = 0
            for number in range(50):
                try:
                    await running.send(line(id=str(number), n=1))
                    accepted.append(str(number))
                except OverloadedError:
                    refused += 1
            assert refused > 0
            assert len(accepted) <= 2 + 4 + 1, "the recorder's room, the engine's hand and the queue"
            assert running.recorder.length <= 2
            assert (await running.store.alerts(AlertQuery())).alerts == []
            for _ in range(10):
                await leap(6)
            assert 5 < stores[0].tries < 20, "it is tried again, and not in a hurry"
            stores[0].away = False
            await leap(6)
            alerts = await running.settled()
            assert [alert.source_event_ids[0] for alert in alerts] == accepted
            assert "cepd_store_errors_total" in running.metrics.render().decode()

    run_virtually(scenario())
