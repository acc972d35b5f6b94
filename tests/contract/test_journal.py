"""What the port Journal promises, over every implementation of it."""

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from cepd.model.errors import RetryLaterError, StartError
from cepd.model.frame import Frame
from cepd.ports import Journal
from cepd.stores.journal import open_journal
from tests.support.frames import batch, tick

OPENERS = {"file": open_journal, "small files": lambda directory: open_journal(directory, segment_size=500)}


@pytest.fixture(params=OPENERS.values(), ids=OPENERS.keys())
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Journal]:
    return lambda: request.param(tmp_path / "journal")


def run(opened: Callable[[], Journal], work: Callable[[Journal], object]) -> object:
    """Opens, works inside a loop, closes."""

    async def main() -> object:
        journal = opened()
        try:
            return await work(journal)
        finally:
            await journal.close()

    return asyncio.run(main())


async def read(journal: Journal) -> list[Frame]:
    return list(journal.read())


def test_an_empty_journal(opened: Callable[[], Journal]) -> None:
    async def look(journal: Journal) -> tuple[object, ...]:
        return journal.next_seq, journal.next_event, journal.last_clock, journal.damage, list(journal.read())

    assert run(opened, look) == (1, 1, 0, None, [])


def test_what_was_appended_is_read_back_in_order_and_numbering_goes_on(opened: Callable[[], Journal]) -> None:
    written: list[Frame] = []

    async def write(journal: Journal) -> str:
        for number in range(20):
            frames = [batch(journal, b'{"a":%d}' % number, b'{"b":"\\n"}', clock=100 + number)]
            waits = [journal.append(frames[0])]
            frames.append(tick(journal, clock=100 + number))
            waits.append(journal.append(frames[1]))
            await asyncio.gather(*waits)
            written.extend(frames)
        swap = Frame(seq=journal.next_seq, clock=300, kind="swap", digest="d" * 64)
        await journal.append(swap)
        target = Frame(
            seq=journal.next_seq,
            clock=301,
            kind="target",
            rule_id="r",
            first=journal.next_event,
            count=1,
            body=b"\x00\xff" * 400,
        )
        await journal.append(target)
        written.extend((swap, target))
        return journal.id

    first = run(opened, write)
    assert run(opened, read) == written

    async def goes_on(journal: Journal) -> tuple[object, ...]:
        assert journal.damage is None
        told = (journal.id, journal.next_seq, journal.next_event, journal.last_clock)
        written.append(batch(journal, b"{}"))
        await journal.append(written[-1])
        return told

    assert run(opened, goes_on) == (first, 43, 42, 301)
    assert run(opened, read) == written


def test_a_renewed_id_stays_and_the_frames_before_keep_theirs(opened: Callable[[], Journal]) -> None:
    async def write(journal: Journal) -> str:
        await journal.append(msgspec.structs.replace(batch(journal, b"{}"), origin=journal.id))
        return journal.id

    async def renew(journal: Journal) -> str:
        journal.renew()
        return await write(journal)

    first = run(opened, write)
    second = run(opened, renew)
    assert first != second
    assert run(opened, write) == second
    assert [frame.origin for frame in run(opened, read)] == [first, second, second]


def test_frames_wait_in_call_order_and_synced_waits_for_them(opened: Callable[[], Journal]) -> None:
    async def write(journal: Journal) -> list[int]:
        done: list[int] = []

        async def one(number: int) -> None:
            await journal.append(batch(journal, b"{}" * 20))
            done.append(number)

        tasks = [asyncio.create_task(one(number)) for number in range(50)]
        await asyncio.sleep(0)
        last = journal.append(batch(journal, b"last"))
        assert not last.done()
        await journal.synced()
        assert last.done()
        await asyncio.gather(*tasks)
        return done

    assert run(opened, write) == list(range(50))
    assert len(run(opened, read)) == 51


def test_a_frame_out_of_sequence_is_a_fault_of_the_caller(opened: Callable[[], Journal]) -> None:
    async def write(journal: Journal) -> None:
        await journal.append(Frame(seq=1, clock=1, kind="tick"))
        for seq in (1, 3):
            with pytest.raises(AssertionError):
                journal.append(Frame(seq=seq, clock=1, kind="tick"))
        with pytest.raises(AssertionError):
            journal.append(Frame(seq=2, clock=1, kind="batch", first=2, count=1, body=b"{}"))

    run(opened, write)
    assert len(run(opened, read)) == 1


def test_one_process_has_it(opened: Callable[[], Journal], tmp_path: Path) -> None:
    async def twice(journal: Journal) -> None:
        with pytest.raises(StartError, match=str(tmp_path / "journal")):
            opened()

    run(opened, twice)
    run(opened, read)


def test_after_close_it_asks_to_come_back(opened: Callable[[], Journal]) -> None:
    async def main() -> None:
        journal = opened()
        pending = journal.append(batch(journal, b"{}"))
        await journal.close()
        await journal.close()
        await pending
        with pytest.raises(RetryLaterError):
            await journal.append(batch(journal, b"{}"))

    asyncio.run(main())
    assert len(run(opened, read)) == 1


DIE = """
import asyncio, os, sys
from pathlib import Path
from cepd.stores.journal import open_journal
from tests.support.frames import batch

async def main():
    journal = open_journal(Path(sys.argv[1]), segment_size=int(sys.argv[2]))
    for number in range(30):
        await journal.append(batch(journal, b'{"n":%d}' % number))
        print(number, flush=True)
    os._exit(9)

asyncio.run(main())
"""


@pytest.mark.parametrize("size", [400, 1 << 20])
def test_what_was_confirmed_is_there_after_a_kill(tmp_path: Path, size: int) -> None:
    died = subprocess.run([sys.executable, "-c", DIE, str(tmp_path / "j"), str(size)], capture_output=True, check=False)
    assert died.returncode == 9, died.stderr
    frames = run(lambda: open_journal(tmp_path / "j"), read)
    assert [frame.body for frame in frames] == [b'{"n":%d}' % number for number in range(30)]
    assert len(died.stdout.split()) == 30


def filled(opened: Callable[[], Journal], count: int) -> list[Frame]:
    """So many rows with the clocks 1, 2, 3 …, each tenth of them a swap."""
    written: list[Frame] = []

    async def write(journal: Journal) -> None:
        for number in range(1, count + 1):
            frame = batch(journal, b'{"n":%d}' % number, b"{}", clock=number)
            if number % 10 == 0:
                frame = Frame(
                    seq=journal.next_seq, clock=number, kind="swap", digest=f"d{number}", first=journal.next_event
                )
            await journal.append(frame)
            written.append(frame)

    run(opened, write)
    return written


def test_reading_begins_behind_a_row(opened: Callable[[], Journal]) -> None:
    written = filled(opened, 40)

    async def read_behind(journal: Journal) -> None:
        for seq in range(41):
            assert list(journal.read(seq)) == written[seq:]

    run(opened, read_behind)


@pytest.mark.parametrize("below", [1, 2, 17, 39, 40])
def test_trimming_keeps_the_row_and_all_behind_it_and_the_numbering(opened: Callable[[], Journal], below: int) -> None:
    written = filled(opened, 40)

    async def trim(journal: Journal) -> tuple[int, int, int, frozenset[str]]:
        await journal.trim(below, 1_000)
        return journal.first_seq, journal.next_seq, journal.next_event, journal.generations

    before = run(opened, trim)
    first = before[0]
    assert 1 <= first <= below
    assert before == (first, 41, 73, frozenset(frame.digest for frame in written[first - 1 :] if frame.digest))

    async def again(journal: Journal) -> tuple[int, int, int, frozenset[str]]:
        assert list(journal.read()) == written[first - 1 :]
        assert journal.damage is None
        return journal.first_seq, journal.next_seq, journal.next_event, journal.generations

    assert run(opened, again) == before

    async def goes_on(journal: Journal) -> None:
        written.append(batch(journal, b"{}"))
        await journal.append(written[-1])

    run(opened, goes_on)
    assert run(opened, read) == written[first - 1 :]


def test_trimming_lets_files_go_at_last(tmp_path: Path) -> None:
    small = lambda: open_journal(tmp_path / "journal", segment_size=500)  # noqa: E731
    filled(small, 40)

    async def trim(journal: Journal) -> int:
        removed = await journal.trim(40, 1_000)
        assert removed > 3
        return journal.first_seq

    assert run(small, trim) > 30


def test_what_is_young_is_kept(opened: Callable[[], Journal]) -> None:
    written = filled(opened, 40)

    async def trim(journal: Journal) -> int:
        await journal.trim(40, 20)
        return journal.first_seq

    first = run(opened, trim)
    assert first <= 21
    assert run(opened, read) == written[first - 1 :]


def test_only_events_that_are_there_keep_the_running_number(opened: Callable[[], Journal]) -> None:
    """Where all that is left are rows without events, their frames still tell the number of the next event."""

    async def write(journal: Journal) -> None:
        for number in range(1, 30):
            await journal.append(batch(journal, b"{}" * 20, clock=number))
        for number in range(30, 60):
            tick = Frame(seq=journal.next_seq, clock=number, kind="tick", first=journal.next_event)
            await journal.append(tick)
        await journal.trim(59, 1_000)

    async def numbers(journal: Journal) -> tuple[int, int]:
        return journal.next_seq, journal.next_event

    run(opened, write)
    assert run(opened, numbers) == (60, 30)


def test_it_goes_on_with_given_numbers_under_a_new_id(opened: Callable[[], Journal], tmp_path: Path) -> None:
    filled(opened, 10)

    async def skip(journal: Journal) -> str:
        before = journal.id
        journal.skip_to(101, 501, 99)
        assert journal.id != before
        assert (journal.first_seq, journal.next_seq, journal.next_event, journal.last_clock) == (101, 101, 501, 99)
        assert journal.generations == frozenset()
        assert list(journal.read()) == []
        await journal.append(batch(journal, b"{}"))
        return journal.id

    async def look(journal: Journal) -> tuple[object, ...]:
        assert [frame.seq for frame in journal.read()] == [101]
        return journal.id, journal.first_seq, journal.next_seq, journal.next_event, journal.damage

    after = run(opened, skip)
    assert run(opened, look) == (after, 101, 102, 502, None)
    assert list((tmp_path / "journal").glob("*.damaged")), "what was set aside is kept"


def test_its_size_grows_with_what_it_holds_and_shrinks_with_what_it_lets_go(opened: Callable[[], Journal]) -> None:
    async def grow(journal: Journal) -> list[int]:
        found = [journal.size]
        for number in range(40):
            await journal.append(batch(journal, b'{"n":"%s"}' % (b"x" * 50), clock=number))
            found.append(journal.size)
        return found

    async def look(journal: Journal) -> int:
        return journal.size

    async def trim(journal: Journal) -> tuple[int, int, int]:
        before = journal.size
        removed = await journal.trim(30, 1_000)
        return before, removed, journal.size

    sizes = run(opened, grow)
    assert sizes[0] == 0
    assert all(50 < after - before < 1_000 for before, after in itertools.pairwise(sizes))
    assert run(opened, look) == sizes[-1]
    before, removed, after = run(opened, trim)
    assert before == sizes[-1]
    assert (after < before) is (removed > 0)
    assert run(opened, look) == after
