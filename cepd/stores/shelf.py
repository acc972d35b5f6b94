"""The files of the action `store`: whole lines, on disk when they count as kept.

One process writes them (it holds the lock of the data directory). A line goes out in one write behind the last whole
line; what a crash, or a full disk, left of another one is cut off first, because its delivery comes again. A file that
is full is called NAME.1.ndjson, the next one NAME.2.ndjson and so on; after that it is never touched again, and nothing
is ever removed: that is for whoever collects them.
"""

import asyncio
import mmap
import os
import re
from pathlib import Path

from cepd.model.errors import RetryLaterError
from cepd.model.keeping import SUFFIX, checked_name
from cepd.stores.segment import sync_directory

FULL = 64 * 1024 * 1024
"""Bytes beyond which a file takes no further line."""
_CHUNK = 1024 * 1024


class FileShelf:
    """The port Shelf over a folder, which is made when it is first needed."""

    def __init__(self, directory: Path, full: int = FULL) -> None:
        self._directory = directory
        self._full = full
        self._turn = asyncio.Lock()

    async def keep(self, name: str, line_id: str, line: bytes, *, again: bool) -> bool:
        checked_name(name)
        async with self._turn:
            return await asyncio.to_thread(self._keep, self._directory / name, line_id, line, again)

    def _keep(self, path: Path, line_id: str, line: bytes, again: bool) -> bool:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            size = _mend(path)
            if again and self._is_kept(path, line_id):
                return False
            if size and size + len(line) >= self._full:
                self._set_aside(path)
                size = 0
            _append(path, size, line + b"\n")
            if not size:
                sync_directory(self._directory)
        except OSError as error:
            raise RetryLaterError(f"{path.name} takes no line: {error}", help="see to the disk") from error
        return True

    def _is_kept(self, path: Path, line_id: str) -> bool:
        """Looks in the file, and in the one before it."""
        before = [file for _, file in self._full_files(path)[-1:]]
        mark = f'{{"id":"{line_id}"'.encode()
        return any(file.exists() and _holds(file, mark) for file in (path, *before))

    def _set_aside(self, path: Path) -> None:
        number = max((number for number, _ in self._full_files(path)), default=0) + 1
        path.rename(path.with_name(f"{path.stem}.{number}{SUFFIX}"))
        sync_directory(self._directory)

    def _full_files(self, path: Path) -> list[tuple[int, Path]]:
        """(number, file), oldest first."""
        of_name = re.compile(rf"{re.escape(path.stem)}\.([1-9]\d*){re.escape(SUFFIX)}", re.ASCII)
        found = ((of_name.fullmatch(file.name), file) for file in self._directory.iterdir())
        return sorted((int(match[1]), file) for match, file in found if match)


_FLAGS = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW


def _mend(path: Path) -> int:
    """Cuts off what is not a whole line; the size of the file then, 0 where there is none."""
    try:
        descriptor = os.open(path, _FLAGS)
    except FileNotFoundError:
        return 0
    try:
        size = os.fstat(descriptor).st_size
        end = _end_of_lines(descriptor, size)
        if end < size:
            os.ftruncate(descriptor, end)
        return end
    finally:
        os.close(descriptor)


def _append(path: Path, size: int, line: bytes) -> None:
    """Behind `size` bytes; all of it, or nothing."""
    descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        try:
            written = os.write(descriptor, line)
            if written < len(line):
                raise OSError(f"only {written} of {len(line)} bytes were written")
            os.fdatasync(descriptor)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    finally:
        os.close(descriptor)


def _holds(path: Path, mark: bytes) -> bool:
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content[: len(mark)] == mark or content.find(b"\n" + mark) >= 0


def _end_of_lines(descriptor: int, end: int) -> int:
    """Where the last whole line of a file of `end` bytes ends."""
    length = 1
    while end > 0:
        start = max(0, end - length)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end, length = start, _CHUNK
    return 0
