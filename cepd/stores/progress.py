"""The row in progress in a mapped page of a file: to note it is to write two numbers into memory, and the kernel keeps
them when the process is killed. One process has the file: the journal's lock, beside it, sees to that.
"""

import mmap
import os
import struct
from pathlib import Path

from cepd.model.errors import StartError
from cepd.ports import Suspect

NAME = "progress"
_SIZE = mmap.PAGESIZE
_NOW = struct.Struct("=QQ")
"""Row and event in progress; row 0: none."""
_LEFT = struct.Struct("=QQQ")
"""What earlier processes left: row, deaths, event."""


def open_progress(data_dir: Path) -> "MappedProgress":
    """StartError where the disk refuses."""
    path = data_dir / NAME
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, _SIZE)  # a page without a block of its own would kill who writes to it
            return MappedProgress(mmap.mmap(file, _SIZE))
        finally:
            os.close(file)
    except OSError as error:
        raise StartError(f"{path} cannot be had: {error}", help="see to the disk and its permissions") from error


class MappedProgress:
    """The port Progress."""

    def __init__(self, page: mmap.mmap) -> None:
        self._page: mmap.mmap | bytearray = page
        self._seq = 0
        self._suspect = self._left()

    @property
    def suspect(self) -> Suspect | None:
        return self._suspect

    def begin(self, seq: int, event: int = 0) -> None:
        self._seq = seq
        _NOW.pack_into(self._page, 0, seq, event)

    def end(self) -> None:
        _NOW.pack_into(self._page, 0, 0, 0)
        if self._suspect is not None and self._suspect.seq == self._seq:
            self._suspect = None
            _LEFT.pack_into(self._page, _NOW.size, 0, 0, 0)

    def blame(self, seq: int) -> None:
        if _NOW.unpack_from(self._page)[0] != seq:
            _NOW.pack_into(self._page, 0, seq, 0)
        self._page = bytearray(_SIZE)

    def _left(self) -> Suspect | None:
        """A row in progress when the page was last written to is one of a process that died."""
        seq, event = _NOW.unpack_from(self._page)
        suspect, deaths, place = _LEFT.unpack_from(self._page, _NOW.size)
        if seq:
            suspect, deaths, place = seq, (deaths + 1 if seq == suspect else 1), event
            _LEFT.pack_into(self._page, _NOW.size, suspect, deaths, place)
            _NOW.pack_into(self._page, 0, 0, 0)
        return Suspect(suspect, deaths, place) if suspect else None
