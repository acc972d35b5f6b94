"""Recovery: wherever the daemon died, the next start ends with what an undisturbed run has."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cepd.engine.program import Program
from cepd.model.alert import Alert
from cepd.model.duration import HOUR
from cepd.model.errors import StartError
from cepd.model.json import Json
from cepd.model.rule import Suppress
from cepd.ports import AlertQuery, Recording
from cepd.runtime.deployment import Deployment
from cepd.runtime.recovery import Recovered, lost
from cepd.stores.store import SqlStore
from tests.support.acknowledging import acknowledge
from tests.support.pipeline import Pipeline, deployment_of, pipeline, replayed
from tests.support.rows import line, rule

FOLDING = rule("folding", "n > 0", group_by=("host",), suppress=Suppress(HOUR))
EACH = rule("each", "n > 2")
FIRST = deployment_of(FOLDING, EACH)
SECOND = deployment_of(FOLDING, rule("each", "n > 1"), name="two", previous=FIRST)
EMPTY = deployment_of()

BODIES = [[line(id=f"{body}-{n}", n=n % 4, host=f"h{n % 3}") for n in range(10)] for body in range(6)]


async def feed(running: Pipeline, bodies: Sequence[list[bytes]] = BODIES) -> None:
    running.feed.swap(FIRST)
    for number, body in enumerate(bodies):
        await running.send(*body)
        if number == 2:
            running.feed.swap(SECOND)


def restore(digest: str, before: Program) -> Deployment:
    return {FIRST.digest: FIRST, SECOND.digest: SECOND}[digest]


async def recovered(running: Pipeline) -> Recovered:
    return await replayed(running, restore)


async def state(running: Pipeline) -> list[dict[str, Any]]:
    """Alerts and deliveries, without the moments at which they were stored."""
    found = []
    for alert in await running.settled():
        detail = await running.store.alert(alert.event_id)
        deliveries = sorted((one.id, one.kind, one.state) for one in detail.deliveries)
        found.append({"alert": msgspec.structs.replace(alert, recorded_at=0), "deliveries": deliveries})
    return sorted(found, key=lambda one: one["alert"].event_id)


def undisturbed(data: Path) -> list[dict[str, Any]]:
    async def scenario() -> list[dict[str, Any]]:
        async with pipeline(data, EMPTY) as running:
            await feed(running)
            return await state(running)

    return asyncio.run(scenario())


def alerts_of(states: list[dict[str, Any]]) -> list[tuple[str, tuple[str, ...], int]]:
    found: list[Alert] = [one["alert"] for one in states]
    return sorted((one.rule_id, one.source_event_ids, one.count) for one in found)


class Dying:
    """The real store of a process that dies after so many recordings: later ones never return."""

    def __init__(self, store: SqlStore, after: int) -> None:
        self._store = store
        self._left = after

    async def record(self, recording: Recording) -> None:
        if self._left == 0:
            await asyncio.Event().wait()
        self._left -= 1
        await self._store.record(recording)


@pytest.mark.parametrize(
    ("running_parts", "recordings"),
    [((), 0), (("processor",), 0), (("processor", "recorder"), 0), (("processor", "recorder"), 1)],
    ids=["journaled and not applied", "applied and not handed over", "not recorded", "half of it recorded"],
)
def test_a_death_on_the_way_changes_nothing_in_the_end(
    tmp_path: Path, running_parts: tuple[str, ...], recordings: int
) -> None:
    expected = undisturbed(tmp_path / "undisturbed")
    assert len(expected) > 5

    async def dies() -> None:
        async with pipeline(
            tmp_path / "data", EMPTY, running=running_parts, through=lambda store: Dying(store, recordings)
        ) as running:
            await feed(running)
            for _ in range(100):
                await asyncio.sleep(0)

    async def comes_back() -> list[dict[str, Any]]:
        async with pipeline(tmp_path / "data", EMPTY) as running:
            told = await recovered(running)
            assert (told.frames, told.events) == (len(BODIES) + 2, sum(map(len, BODIES)))
            return await state(running)

    asyncio.run(dies())
    back = asyncio.run(comes_back())
    assert alerts_of(back) == alerts_of(expected)
    assert [len(one["deliveries"]) for one in back] == [1] * len(back)
    assert asyncio.run(comes_back()) == back, "another start changes nothing"


def test_a_restart_between_two_bodies_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    expected = undisturbed(tmp_path / "undisturbed")

    async def before() -> None:
        async with pipeline(tmp_path / "data", EMPTY) as running:
            await feed(running, BODIES[:4])

    async def after() -> list[dict[str, Any]]:
        async with pipeline(tmp_path / "data", EMPTY, running=("recorder",)) as running:
            await recovered(running)
            assert running.machine.deployment is SECOND
            running.feed.resume()
            working = asyncio.create_task(running.processor.run())
            for body in BODIES[3:]:
                receipt = await running.send(*body)
                assert receipt.accepted in (0, len(body)), "the horizon knows what came before the restart"
            found = await state(running)
            working.cancel()
            return found

    asyncio.run(before())
    assert alerts_of(asyncio.run(after())) == alerts_of(expected)


def test_events_without_an_id_keep_their_identity(tmp_path: Path) -> None:
    async def scenario(replay: bool) -> list[dict[str, Any]]:
        async with pipeline(tmp_path, EMPTY) as running:
            if replay:
                await recovered(running)
            else:
                running.feed.swap(FIRST)
                await running.send(line(n=3, host="a"), line(n=3, host="a"))
                await running.send(line(n=3, host="a"))
            return await state(running)

    first = asyncio.run(scenario(False))
    assert len([one for one in first if one["alert"].rule_id == "each"]) == 3
    assert asyncio.run(scenario(True)) == first


def zeroed(segment: Path) -> None:
    segment.write_bytes(bytes(segment.stat().st_size))


def flipped(segment: Path) -> None:
    data = bytearray(segment.read_bytes())
    data[data.index(b"second")] ^= 1
    segment.write_bytes(data)


@pytest.mark.parametrize("harm", [zeroed, flipped, Path.unlink])
def test_events_after_a_loss_are_not_taken_for_those_before(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    """Every event has an alert of its own, whatever the journal lost, and later replays agree."""

    async def session(*names: str) -> tuple[str | None, list[Json]]:
        async with pipeline(tmp_path, EMPTY) as running:
            told = running.journal.damage or await lost(running.journal, running.store)
            await lost(running.journal, running.store)
            await recovered(running)
            if running.machine.deployment is EMPTY:
                running.feed.swap(FIRST)
            for name in names:
                await running.send(line(n=3, name=name))
            alerts = [alert for alert in await running.settled() if alert.rule_id == "each"]
            return told, [alert.payload["name"] for alert in alerts]

    before = ["first", "second", "third", "fourth"]
    assert asyncio.run(session(*before)) == (None, before)
    harm(next((tmp_path / "journal").glob("*.journal")))
    told, names = asyncio.run(session("fifth"))
    assert told
    assert names == [*before, "fifth"]
    assert asyncio.run(session("sixth")) == (None, [*before, "fifth", "sixth"])
    assert asyncio.run(session()) == (None, [*before, "fifth", "sixth"])


def test_a_journal_that_ends_before_the_store_is_told_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, EMPTY) as running:
            await running.store.record(Recording(seq=7))
            before = running.journal.id
            told = await lost(running.journal, running.store)
            assert told is not None
            assert "ends with row 0" in told
            assert "up to row 7" in told
            assert running.journal.id != before
            assert await lost(running.journal, running.store) is None
        async with pipeline(tmp_path, EMPTY) as running:
            assert await lost(running.journal, running.store) is None

    asyncio.run(scenario())


def test_an_acknowledgement_survives_the_replay(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, EMPTY) as running:
            await feed(running)
            alert = (await running.settled())[0]
            await acknowledge(running.store, alert.event_id, by="alice", at=1, note=None, steal=False)
        async with pipeline(tmp_path, EMPTY) as running:
            await recovered(running)
            detail = await running.store.alert(alert.event_id)
            assert detail.alert.acked_by == "alice"

    asyncio.run(scenario())


def test_a_generation_that_is_gone_stops_the_start(tmp_path: Path) -> None:
    def gone(digest: str, before: Program) -> Deployment:
        raise StartError(f"{digest} is not there")

    async def scenario() -> None:
        async with pipeline(tmp_path, EMPTY) as running:
            await feed(running)
            await running.settled()
        async with pipeline(tmp_path, EMPTY) as running:
            with pytest.raises(StartError, match=FIRST.digest):
                await replayed(running, gone)

    asyncio.run(scenario())


def test_recovery_ends_only_when_all_that_fired_is_in_the_store(tmp_path: Path) -> None:
    gate = asyncio.Event()

    class Slow(Dying):
        async def record(self, recording: Recording) -> None:
            await gate.wait()
            await self._store.record(recording)

    async def scenario() -> None:
        async with pipeline(tmp_path, EMPTY, running=()) as running:
            await feed(running)
        async with pipeline(tmp_path, EMPTY, running=("recorder",), through=lambda store: Slow(store, 0)) as running:
            recovering = asyncio.create_task(recovered(running))
            for _ in range(100):
                await asyncio.sleep(0)
            assert not recovering.done()
            gate.set()
            told = await recovering
            stored = (await running.store.alerts(AlertQuery(limit=1000))).alerts
            assert stored
            assert sum(one.count for one in stored) == told.firings

    asyncio.run(scenario())
