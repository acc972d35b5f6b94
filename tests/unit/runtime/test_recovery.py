"""Recovery: wherever the daemon died, the next start ends with what an undisturbed run has."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cepd.engine.program import Program
from cepd.model.alert import Alert
from cepd.model.duration import HOUR
from cepd.model.errors import StartError
from cepd.model.rule import Suppress
from cepd.ports import Recording
from cepd.runtime.deployment import Deployment
from cepd.runtime.recovery import Recovered, recover
from cepd.stores.sqlite import SqliteStore
from tests.support.pipeline import Pipeline, deployment_of, pipeline
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
    return await recover(running.journal, running.machine, running.recorder, running.horizon, restore)


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

    def __init__(self, store: SqliteStore, after: int) -> None:
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


def test_an_acknowledgement_survives_the_replay(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, EMPTY) as running:
            await feed(running)
            alert = (await running.settled())[0]
            await running.store.acknowledge(alert.event_id, by="alice", at=1, note=None, steal=False)
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
                await recover(running.journal, running.machine, running.recorder, running.horizon, gone)

    asyncio.run(scenario())
