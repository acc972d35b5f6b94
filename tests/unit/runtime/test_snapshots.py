"""Snapshots of a running pipeline: cut between rows, valid only once the store has all of them, and what goes then."""

import asyncio
from pathlib import Path

import pytest

from cepd.engine.stepping import Steps
from cepd.model.duration import HOUR, MINUTE, SECOND
from cepd.model.errors import RetryLaterError
from cepd.model.rule import Suppress
from cepd.ports import Recording
from cepd.runtime.deployment import Deployment
from cepd.stores.store import SqlStore
from tests.support.pipeline import Pipeline, deployment_of, pipeline
from tests.support.rows import START, line, rule
from tests.support.virtual import VirtualClock, leap, run_virtually

RULES = deployment_of(rule("r", "n > 0", group_by=("host",), suppress=Suppress(HOUR)))
FILES = {"a.yaml": b"a: 1\n"}


async def swap(running: Pipeline, deployment: Deployment) -> None:
    running.generations.keep(deployment.digest, FILES, "v")
    await running.feed.swap(deployment).finished.wait()


async def written(running: Pipeline, rows: list[int]) -> None:
    """Waits until these snapshots are there, newest first, and what they let go is gone."""
    async with asyncio.timeout(20):
        while running.snapshots.rows() != rows or not running.snapshotter._idle.is_set():  # noqa: ASYNC110  a thread
            await asyncio.sleep(0)


def test_one_is_written_when_its_interval_has_passed_and_a_row_came(tmp_path: Path) -> None:
    async def scenario() -> None:
        clock = VirtualClock(START)
        async with pipeline(tmp_path, RULES, clock=clock, interval=MINUTE) as running:
            running.snapshotter.resume(None)
            await running.send(line(n=1, host="a"))
            await running.settled()
            assert running.snapshots.rows() == []
            await running.send(line(n=1, host="b"))
            await running.settled()
            await leap(61)
            await running.feed.drained()
            await written(running, [3])
            assert running.machine.seq == 3, "a tick, since the window of suppress is open"
            newest = running.snapshots.read(running.machine.seq)
            assert (newest.seq, newest.clock) == (running.machine.seq, running.machine.clock)
            assert newest.next_event == running.journal.next_event == 3
            assert newest.engine == running.machine.engine.snapshot()
            assert running.snapshotter.taken_at == newest.clock
            assert "cepd_snapshots_total 1.0" in running.metrics.render().decode()

    run_virtually(scenario())


def test_none_is_written_before_the_recovery_has_ended_nor_without_a_new_row(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, RULES, interval=0) as running:
            await running.send(line(n=1, host="a"))
            await running.settled()
            await running.snapshotter.finish()
            assert running.snapshots.rows() == []
            running.snapshotter.resume(None)
            await running.snapshotter.finish()
            rows = running.snapshots.rows()
            assert rows == [running.machine.seq]
            await running.snapshotter.finish()
            assert running.snapshots.rows() == rows

    asyncio.run(scenario())


def test_what_the_older_of_two_snapshots_holds_is_derived_again_by_no_start(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, RULES, clock=VirtualClock(START), interval=0) as running:
            snapshotter = running.snapshotter
            snapshotter.resume(None)
            clocks = []
            for number in range(3):
                assert snapshotter.final_before == (clocks[-2] if number > 1 else None)
                await leap(6)
                await running.send(line(n=1, host=f"h{number}"))
                await running.settled()
                await snapshotter.finish()
                clocks.append(snapshotter.taken_at)
            assert clocks == sorted(set(clocks), key=clocks.index)
            assert snapshotter.final_before == clocks[-2]

    run_virtually(scenario())


class Away:
    """The real store, away until told otherwise."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.away = True

    async def record(self, recording: Recording) -> None:
        if self.away:
            raise RetryLaterError("the database is locked")
        await self._store.record(recording)


def test_it_waits_for_the_store_and_for_no_later_row(tmp_path: Path) -> None:
    stores: list[Away] = []

    def through(store: SqlStore) -> Away:
        stores.append(Away(store))
        return stores[0]

    async def scenario() -> None:
        async with pipeline(tmp_path, RULES, clock=VirtualClock(START), through=through, interval=0) as running:
            running.snapshotter.resume(None)
            await running.send(line(n=1, host="a"))
            await running.feed.drained()
            first = running.machine.seq
            for number in range(5):
                await leap(6)
                await running.send(line(n=1, host=f"later-{number}"))
            assert running.snapshots.rows() == [], "what row 1 made fire is not in the store"
            stores[0].away = False
            await leap(6)
            await written(running, [first])

    run_virtually(scenario())


def test_the_known_ids_are_those_of_its_rows(tmp_path: Path) -> None:
    """Ids of frames behind the cut may never reach the disk, and then their repetition must not be a duplicate."""

    async def scenario() -> None:
        async with pipeline(tmp_path, RULES, running=("recorder", "snapshotter"), interval=0) as running:
            running.snapshotter.resume(None)
            for name in ("a", "b", "c"):
                await running.send(line(id=name, n=1), line(n=1))
            item = await running.feed.take(1)
            assert item is not None
            running.machine.apply(item.frame)
            await running.snapshotter.offer()
            await written(running, [1])
            snapshot = running.snapshots.read(1)
            assert [event_id for _, (_, event_id) in snapshot.horizon] == ["a"]
            assert snapshot.next_event == 3
            assert len(running.horizon) == 3

    asyncio.run(scenario())


def test_two_are_kept_and_the_journal_and_generations_back_to_the_older(tmp_path: Path) -> None:
    generations = [deployment_of(rule(f"r{n}", "n > 0"), name=str(n)) for n in range(4)]

    async def scenario() -> None:
        async with pipeline(tmp_path, RULES, interval=HOUR, segment_size=600) as running:
            running.snapshotter.resume(None)
            rows = []
            for deployment in generations:
                await swap(running, deployment)
                for number in range(10):
                    await running.send(line(n=0, host=str(number)))
                await running.settled()
                await running.snapshotter.finish()
                rows.append(running.machine.seq)
                assert running.snapshots.rows() == rows[::-1][:2]
                if len(rows) == 1:
                    assert running.journal.first_seq == 1, "the only one may be damaged"
            assert rows[1] < running.journal.first_seq <= rows[2]
            kept = {path.name for path in (tmp_path / "generations").iterdir()}
            assert kept == {deployment.digest for deployment in generations[2:]}

    asyncio.run(scenario())


def test_what_is_retained_stays_with_its_generations(tmp_path: Path) -> None:
    first = deployment_of(rule("r0", "n > 0"), name="0")
    second = deployment_of(rule("r1", "n > 0"), name="1")

    async def scenario() -> None:
        clock = VirtualClock(START)
        async with pipeline(tmp_path, RULES, clock=clock, segment_size=600, retain=HOUR, interval=HOUR) as running:
            running.snapshotter.resume(None)
            await swap(running, first)
            for number in range(3):
                for _ in range(10):
                    await running.send(line(n=0, host=str(number)))
                await running.settled()
                await running.snapshotter.finish()
            assert running.journal.first_seq == 1
            await swap(running, second)
            await leap(3600)
            for number in range(2):
                for _ in range(10):
                    await running.send(line(n=0, host=str(number)))
                await running.settled()
                await running.snapshotter.finish()
            assert running.journal.first_seq > 20
            assert {path.name for path in (tmp_path / "generations").iterdir()} == {second.digest}

    run_virtually(scenario())


def test_the_share_of_the_time_is_small_whatever_the_interval(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing that takes a second is done every hundred seconds."""

    async def scenario() -> None:
        clock = VirtualClock(START)
        async with pipeline(tmp_path, RULES, clock=clock, interval=SECOND) as running:
            running.snapshotter.resume(None)
            saving = running.machine.engine.saving
            loop = asyncio.get_running_loop()

            def slow() -> Steps[bytes]:
                loop.leapt += 1
                return (yield from saving())

            monkeypatch.setattr(running.machine.engine, "saving", slow)
            taken: set[int] = set()
            for _ in range(300):
                await leap(1)
                await running.send(line(n=0))
                await running.settled()
                async with asyncio.timeout(60):
                    await running.snapshotter._idle.wait()
                taken |= set(running.snapshots.rows())
            assert 3 <= len(taken) <= 4
            assert running.snapshotter.stall >= SECOND

    run_virtually(scenario())


def test_a_disk_that_refuses_is_told_and_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise RetryLaterError("no space left on the device")

    async def scenario() -> None:
        async with pipeline(tmp_path, RULES, interval=0) as running:
            running.snapshotter.resume(None)
            with monkeypatch.context() as broken:
                broken.setattr(running.snapshots, "write", full)
                await running.send(line(n=1, host="a"))
                await running.settled()
                await running.snapshotter.finish()
                assert "cepd_snapshot_errors_total 0.0" not in running.metrics.render().decode()
                assert running.journal.first_seq == 1
            await running.snapshotter.finish()
            assert running.snapshots.rows() == [running.machine.seq]

    asyncio.run(scenario())
