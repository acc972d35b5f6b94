"""Recovery from a snapshot: the same as from the whole journal, and a way on where something is damaged or gone."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cepd.engine.program import Program
from cepd.model.duration import HOUR
from cepd.model.errors import StartError
from cepd.model.rule import EventTrigger, Rule, Suppress, Window
from cepd.runtime.deployment import Deployment
from cepd.runtime.recovery import begin, lost
from tests.support.pipeline import Pipeline, deployment_of, pipeline, replayed
from tests.support.rows import START, line, rule
from tests.support.virtual import VirtualClock, run_virtually

RULES: list[Rule] = [
    rule("folding", "n > 0", group_by=("host",), suppress=Suppress(HOUR)),
    rule("counted", "n > 0", group_by=("host",), window=Window("tumbling", size=HOUR), trigger=EventTrigger()),
]
FIRST = deployment_of(*RULES, rule("each", "n > 2"))
SECOND = deployment_of(*RULES, rule("each", "n > 1"), name="two", previous=FIRST)
EMPTY = deployment_of()
BODIES = [[line(id=f"{body}-{n}", n=n % 4, host=f"h{n % 3}") for n in range(10)] for body in range(8)]


def restore(digest: str, before: Program | None) -> Deployment:
    return {FIRST.digest: FIRST, SECOND.digest: SECOND}[digest]


async def start(running: Pipeline) -> int | None:
    """As the daemon starts; the row of the snapshot that was used."""
    recorded = await running.store.recorded()
    used = begin(running.journal, running.snapshots, recorded, running.machine, running.horizon, restore)
    await lost(running.journal, running.store)
    await replayed(running, restore)
    running.snapshotter.resume(used)
    return used.seq if used else None


async def live(running: Pipeline, cuts: tuple[int, ...]) -> None:
    """The bodies, a swap in the middle, and snapshots behind the given ones."""
    running.snapshotter.resume(None)
    running.feed.swap(FIRST)
    for number, body in enumerate(BODIES):
        await running.send(*body)
        if number == 3:
            running.feed.swap(SECOND)
        if number in cuts:
            await running.settled()
            await running.snapshotter.finish()
    await running.settled()


def state(running: Pipeline) -> dict[str, Any]:
    return {
        "engine": running.machine.engine.snapshot(),
        "deployment": running.machine.deployment.digest,
        "row": (running.machine.seq, running.machine.clock),
        "horizon": list(running.horizon.entries()),
        "numbers": (running.journal.next_seq, running.journal.next_event),
    }


async def stored(running: Pipeline) -> list[object]:
    return sorted((one.event_id, one.count, one.last_at) for one in await running.settled())


def one_life(data: Path, work: Callable[[Pipeline], Any], **options: Any) -> Any:
    async def scenario() -> Any:
        async with pipeline(data, EMPTY, clock=VirtualClock(START), **options) as running:
            return await work(running)

    return run_virtually(scenario())


@pytest.fixture
def lived(tmp_path: Path) -> Path:
    """A data directory of a process that died, with a journal of 10 rows and snapshots at the rows 4 and 7."""

    async def work(running: Pipeline) -> list[int]:
        await live(running, (2, 4))
        return running.snapshots.rows()

    assert one_life(tmp_path / "data", work) == [7, 4]
    return tmp_path / "data"


async def restarted(running: Pipeline) -> tuple[int | None, dict[str, Any], list[object]]:
    used = await start(running)
    return used, state(running), await stored(running)


def from_the_whole(lived: Path) -> tuple[dict[str, Any], list[object]]:
    copy = lived.with_name("whole")
    shutil.copytree(lived, copy)
    shutil.rmtree(copy / "snapshots")
    used, found, alerts = one_life(copy, restarted, running=("recorder",))
    assert used is None
    return found, alerts


@pytest.mark.parametrize("removed", [(), (7,), (7, 4)])
def test_from_any_snapshot_as_from_the_whole_journal(lived: Path, removed: tuple[int, ...]) -> None:
    expected, alerts = from_the_whole(lived)
    assert len(alerts) > 5
    for seq in removed:
        (lived / f"snapshots/{seq:020d}.snapshot").unlink()
    used, found, after = one_life(lived, restarted, running=("recorder",))
    assert used == next((seq for seq in (7, 4) if seq not in removed), None)
    assert found == expected
    assert after == alerts


def test_what_comes_then_fires_as_if_there_had_been_no_restart(tmp_path: Path) -> None:
    later = [line(id=f"later-{n}", n=3, host=f"h{n % 4}") for n in range(20)]

    async def undisturbed(running: Pipeline) -> list[object]:
        await live(running, ())
        await running.send(*later)
        return await stored(running)

    async def dies(running: Pipeline) -> None:
        await live(running, (2, 4))

    async def goes_on(running: Pipeline) -> list[object]:
        assert await start(running) == 7
        working = asyncio.create_task(running.processor.run())
        receipt = await running.send(*later, *BODIES[0], *BODIES[7])
        assert (receipt.accepted, receipt.duplicates) == (20, 20), "the snapshot holds the known ids too"
        found = await stored(running)
        working.cancel()
        return found

    expected = one_life(tmp_path / "a", undisturbed)
    one_life(tmp_path / "b", dies)
    found = one_life(tmp_path / "b", goes_on, running=("recorder",))
    assert [(event_id, count) for event_id, count, _ in found if count > 1]
    assert sorted(count for _, count, _ in found) == sorted(count for _, count, _ in expected)


def test_a_damaged_one_is_told_and_set_aside_and_the_one_before_is_used(
    lived: Path, caplog: pytest.LogCaptureFixture
) -> None:
    expected, alerts = from_the_whole(lived)
    path = lived / f"snapshots/{7:020d}.snapshot"
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    assert one_life(lived, restarted, running=("recorder",)) == (4, expected, alerts)
    (told,) = [one for one in caplog.records if one.message == "snapshot not used"]
    assert "checksum" in told.reason
    assert not path.exists()
    assert one_life(lived, restarted, running=("recorder",))[0] == 4


def test_a_state_that_the_engine_does_not_read_is_told_and_the_one_before_is_used(
    lived: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def spoil(running: Pipeline) -> None:
        newest = running.snapshots.read(7)
        running.snapshots.write(msgspec.structs.replace(newest, engine=b'{"format": 999}'))

    one_life(lived, spoil)
    assert one_life(lived, restarted, running=("recorder",))[0] == 4
    assert "999" in next(one for one in caplog.records if one.message == "snapshot not used").reason


def test_one_whose_rules_are_gone_is_not_used(lived: Path) -> None:
    def gone(digest: str, before: Program | None) -> Deployment:
        if digest == SECOND.digest:
            raise StartError("its folder is not there")
        return FIRST

    async def work(running: Pipeline) -> int | None:
        used = begin(running.journal, running.snapshots, 7, running.machine, running.horizon, gone)
        return used.seq if used else None

    assert one_life(lived, work) == 4


def without_the_database(data: Path) -> Path:
    for path in data.glob("cepd.db*"):
        path.unlink()
    return data


def test_one_that_counts_on_alerts_which_the_store_has_lost_is_not_used(
    lived: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _, alerts = from_the_whole(lived)
    used, _, found = one_life(without_the_database(lived), restarted, running=("recorder",))
    assert used is None
    assert found == alerts, "the journal makes them again"
    reasons = [one.reason for one in caplog.records if one.message == "snapshot not used"]
    assert [reason.partition("the store")[2] for reason in reasons] == [" has them up to row 0"] * 2


def test_a_lost_database_behind_a_trimmed_journal_is_told_instead_of_alerts_that_nobody_sees(tmp_path: Path) -> None:
    async def dies(running: Pipeline) -> int:
        await live(running, (2, 4, 6))
        return running.journal.first_seq

    assert one_life(tmp_path / "data", dies, segment_size=700) > 1
    with pytest.raises(StartError, match="no snapshot can be used"):
        one_life(without_the_database(tmp_path / "data"), restarted, running=("recorder",))


def test_a_snapshot_is_no_further_than_the_store_knows_where_nothing_fired(tmp_path: Path) -> None:
    async def dies(running: Pipeline) -> int:
        running.snapshotter.resume(None)
        await running.feed.swap(FIRST).finished.wait()
        await running.send(line(n=0, host="a"))
        await running.settled()
        await running.snapshotter.finish()
        return running.machine.seq

    seq = one_life(tmp_path / "data", dies)
    assert one_life(tmp_path / "data", restarted, running=("recorder",))[0] == seq


def test_a_trimmed_journal_without_a_snapshot_does_not_start_and_harms_nothing(tmp_path: Path) -> None:
    async def dies(running: Pipeline) -> int:
        await live(running, (2, 4, 6))
        return running.journal.first_seq

    assert one_life(tmp_path / "data", dies, segment_size=700) > 1
    for path in (tmp_path / "data/snapshots").iterdir():
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(StartError, match="no snapshot can be used") as refused:
        one_life(tmp_path / "data", restarted, running=("recorder",))
    assert "backup" in refused.value.help
    assert len(list((tmp_path / "data/snapshots").glob("*.snapshot"))) == 2, "another version may read them"


def test_a_snapshot_that_the_journal_no_longer_reaches_back_to_is_not_used(tmp_path: Path) -> None:
    async def dies(running: Pipeline) -> None:
        await live(running, (0,))
        await running.journal.trim(9, START + HOUR)
        assert running.journal.first_seq > 3

    one_life(tmp_path / "data", dies, segment_size=700)
    with pytest.raises(StartError, match="no snapshot can be used"):
        one_life(tmp_path / "data", restarted, running=("recorder",))


@pytest.mark.parametrize("harm", ["emptied", "gone", "cut before the snapshot"])
def test_a_journal_that_ends_before_the_snapshot_goes_on_behind_it(
    lived: Path, harm: str, caplog: pytest.LogCaptureFixture
) -> None:
    (segment,) = (lived / "journal").glob("*.journal")
    if harm == "emptied":
        segment.write_bytes(b"")
    elif harm == "gone":
        shutil.rmtree(lived / "journal")
    else:
        data = bytearray(segment.read_bytes())
        data[data.index(b'"1-3"')] ^= 1
        segment.write_bytes(data)

    async def work(running: Pipeline) -> tuple[Any, ...]:
        used = await start(running)
        working = asyncio.create_task(running.processor.run())
        numbers = (running.journal.next_seq, running.journal.next_event)
        receipt = await running.send(*BODIES[1], line(n=3, host="h9"))
        assert receipt.duplicates == len(BODIES[1]), "the snapshot knows what came before it"
        alerts = await running.settled()
        working.cancel()
        return used, numbers, [one.source_event_ids[0] for one in alerts if one.key.get("host") == "h9"]

    used, numbers, fresh = one_life(lived, work, running=("recorder",))
    assert (used, numbers) == (7, (8, 51))
    assert len(fresh) == 1
    assert [one for one in caplog.records if one.message == "journal damaged"]
    again, found, _ = one_life(lived, restarted, running=("recorder",))
    assert again == 7
    assert found["numbers"][0] >= 9
