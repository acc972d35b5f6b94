"""Appends that share a sync, that wait, that fail with the disk."""

import asyncio
import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from cepd.model.errors import RetryLaterError
from cepd.model.frame import Frame
from cepd.stores.journal import FileJournal
from tests.support.frames import batch
from tests.support.journals import contents, files, with_journal


def test_appends_that_wait_together_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = 0
    busy, release = threading.Event(), threading.Event()
    real = os.fdatasync

    def slow(file: int) -> None:
        nonlocal syncs
        syncs += 1
        busy.set()
        assert release.wait(20)
        real(file)

    async def write(journal: FileJournal) -> None:
        first = journal.append(batch(journal, b"first"))
        await asyncio.to_thread(busy.wait, 20)
        rest = [journal.append(batch(journal, b"%d" % number)) for number in range(100)]
        assert not any(wait.done() for wait in [first, *rest])
        release.set()
        await asyncio.gather(first, *rest)

    monkeypatch.setattr(os, "fdatasync", slow)
    with_journal(tmp_path / "j", write, size=1 << 20)
    assert syncs == 2
    assert len(contents(tmp_path / "j")[0]) == 101


@pytest.mark.parametrize("call", ["fdatasync", "pwrite"])
@pytest.mark.parametrize("after", [0, 2])
def test_a_disk_that_fails_fails_those_appends_and_the_next_ones_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, after: int
) -> None:
    """The failing write leaves half of its bytes behind; nothing of it is read back."""
    real = getattr(os, call)
    failing = False

    def fails(file: int, *rest: Any) -> Any:
        if not failing:
            return real(file, *rest)
        if call == "pwrite":
            data, offset = rest
            real(file, bytes(data)[: len(data) // 2], offset)
        raise OSError(errno.EIO, "the disk is gone")

    async def write(journal: FileJournal) -> list[Frame]:
        nonlocal failing
        kept = []
        for number in range(after):
            kept.append(batch(journal, b"before %d" % number))
            await journal.append(kept[-1])
        failing = True
        for _ in range(2):
            lost = [journal.append(batch(journal, b"lost" * 20)) for _ in range(3)]
            results = await asyncio.gather(*lost, return_exceptions=True)
            assert [type(result) for result in results] == [RetryLaterError] * 3
            assert "the disk is gone" in str(results[0])
            assert (journal.next_seq, journal.next_event) == (after + 1, after + 1)
        failing = False
        await journal.synced()
        for number in range(3):
            kept.append(batch(journal, b"after %d" % number))
            await journal.append(kept[-1])
        return kept

    monkeypatch.setattr(os, call, fails)
    kept = with_journal(tmp_path / "j", write)
    assert contents(tmp_path / "j") == (kept, None)
    assert files(tmp_path / "j", "*.damaged") == []


def test_appends_queued_behind_a_failure_fail_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They were numbered behind frames that do not exist."""
    busy, release = threading.Event(), threading.Event()
    real = os.fdatasync

    def fails_late(file: int) -> None:
        busy.set()
        assert release.wait(20)
        raise OSError(errno.EIO, "late")

    async def write(journal: FileJournal) -> list[Frame]:
        first = journal.append(batch(journal, b"first"))
        await asyncio.to_thread(busy.wait, 20)
        second = journal.append(batch(journal, b"second"))
        synced = asyncio.create_task(journal.synced())
        await asyncio.sleep(0)
        monkeypatch.setattr(os, "fdatasync", real)
        release.set()
        results = await asyncio.gather(first, second, synced, return_exceptions=True)
        assert [type(result) for result in results] == [RetryLaterError] * 3
        frame = batch(journal, b"third")
        assert frame.seq == 1
        await journal.append(frame)
        return [frame]

    monkeypatch.setattr(os, "fdatasync", fails_late)
    assert contents(tmp_path / "j")[0] == []
    kept = with_journal(tmp_path / "j", write)
    assert contents(tmp_path / "j") == (kept, None)


def test_a_real_limit_of_the_system_on_file_size(tmp_path: Path) -> None:
    """RLIMIT_FSIZE in a child: a segment that may not be made fails its appends and is made when the limit is gone."""
    import subprocess
    import sys

    script = """
import asyncio, resource, sys
from pathlib import Path
from cepd.model.errors import RetryLaterError
from cepd.stores.journal import open_journal
from tests.support.frames import batch

async def main():
    journal = open_journal(Path(sys.argv[1]), segment_size=1 << 20)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        await journal.append(batch(journal, b"refused"))
    except RetryLaterError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    await journal.append(batch(journal, b"taken"))
    await journal.close()

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "j")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "File too large" in done.stdout
    assert [frame.body for frame in contents(tmp_path / "j")[0]] == [b"taken"]


def test_a_cancelled_wait_does_not_unwrite_the_frame(tmp_path: Path) -> None:
    async def write(journal: FileJournal) -> None:
        async def one() -> None:
            await journal.append(batch(journal, b"kept"))

        task = asyncio.create_task(one())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await journal.append(batch(journal, b"next"))

    with_journal(tmp_path / "j", write)
    assert [frame.body for frame in contents(tmp_path / "j")[0]] == [b"kept", b"next"]
