"""A journal in files: written, closed, opened again and read."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from cepd.model.frame import Frame
from cepd.stores.journal import FileJournal, open_journal
from tests.support.frames import batch

SIZE = 4096


def with_journal(directory: Path, work: Callable[[FileJournal], Coroutine[Any, Any, Any]], size: int = SIZE) -> Any:
    async def main() -> Any:
        journal = open_journal(directory, segment_size=size)
        try:
            return await work(journal)
        finally:
            await journal.close()

    return asyncio.run(main())


def fill(directory: Path, count: int, size: int = SIZE) -> list[Frame]:
    async def write(journal: FileJournal) -> list[Frame]:
        frames = []
        for number in range(count):
            frames.append(batch(journal, b'{"n":%d}' % number))
            await journal.append(frames[-1])
        return frames

    return with_journal(directory, write, size)


def contents(directory: Path, size: int = SIZE) -> tuple[list[Frame], str | None]:
    async def read(journal: FileJournal) -> tuple[list[Frame], str | None]:
        return list(journal.read()), journal.damage

    return with_journal(directory, read, size)


def files(directory: Path, pattern: str = "*.journal") -> list[Path]:
    return sorted(directory.glob(pattern))
