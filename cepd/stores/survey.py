"""The log in a journal's directory: its segments in order, and where it ends.

A segment ends where the next one begins: what stands behind that sequence was never confirmed to anybody. In the last
one, zeros or the end of the file end the log; anything else that is no record is damage. A survey only looks; `cut`
ends the log where the damage is, and keeps what it cut in files with the ending `.damaged`.
"""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cepd.model.frame import Frame
from cepd.model.instant import Instant
from cepd.stores.segment import SUFFIX, DamageError, Stored, first_seq, read_segment, sync_directory

_DAMAGED = ".damaged"


class Position(NamedTuple):
    """A place in the log: the numbers of the next frame and the next event, and the newest clock before it."""

    seq: int = 1
    event: int = 1
    clock: Instant = 0

    def after(self, frame: Frame) -> "Position":
        return Position(frame.seq + 1, max(self.event, frame.first + frame.count), frame.clock)


class Damage(NamedTuple):
    """What ends the log before its files end. `later`: the segments behind `path`."""

    path: Path
    offset: int
    reason: str
    seq: int
    later: list[Path]


class Survey(NamedTuple):
    first: int
    """Row of the oldest frame."""
    end: Position
    swaps: list[tuple[int, str]]
    """Row and generation of each swap."""
    last: tuple[Path, int] | None
    """The newest segment and the offset behind its last record."""
    damage: Damage | None


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("[0-9]" * 20 + SUFFIX))


def read_log(directory: Path, after: int = 0) -> Iterator[Frame]:
    """The frames behind a row, oldest first, in constant memory. Raises DamageError, OSError."""
    for path, limit in _with_limits(segments(directory)):
        if limit is None or limit > after + 1:
            for stored in _frames(path, limit):
                if stored.frame.seq > after:
                    yield stored.frame


def survey(directory: Path) -> Survey:
    """Reads the whole log, up to where it is damaged. Raises StartError for another version's frames, OSError."""
    found = segments(directory)
    position = Position(seq=first_seq(found[0])) if found else Position()
    first = position.seq
    swaps: list[tuple[int, str]] = []
    last: tuple[Path, int] | None = None
    for path, limit in _with_limits(found):
        last = (path, 0)
        try:
            for stored in _frames(path, limit):
                if stored.frame.seq != position.seq:
                    raise DamageError(last[1], f"sequence {stored.frame.seq} stands where {position.seq} is next")
                position = position.after(stored.frame)
                if stored.frame.kind == "swap":
                    swaps.append((stored.frame.seq, stored.frame.digest))
                last = (path, stored.end)
            if limit is not None and position.seq != limit:
                raise DamageError(last[1], f"it ends, and the next file begins with sequence {limit}")
        except DamageError as damage:
            later = [other for other in found if other > path]
            reason = Damage(path, damage.offset, damage.reason, position.seq, later)
            return Survey(first, position, swaps, last, reason)
    return Survey(first, position, swaps, last, None)


def cut(damage: Damage) -> str:
    """Cuts a segment at its damage and sets the later ones aside; says what it did. Raises OSError."""
    path, offset = damage.path, damage.offset
    with path.open("r+b") as file:
        file.seek(offset)
        rest = file.read().rstrip(b"\0")
        kept = _free(path.with_name(f"{path.stem}-{offset}"))
        kept.write_bytes(rest)
        kept.chmod(0o600)
        file.truncate(offset)
        os.fsync(file.fileno())
    aside = set_aside(damage.later)
    sync_directory(path.parent)
    words = f"{path.name}, byte {offset}: {damage.reason}. The log ends before sequence {damage.seq}"
    words += f"; {len(rest)} bytes were cut off and are kept in {kept.name}"
    if aside:
        words += "; set aside as " + ", ".join(aside)
    return words


def set_aside(paths: list[Path]) -> list[str]:
    """Takes segments out of the log; they are kept under the names that are returned. Raises OSError."""
    return [path.rename(_free(path)).name for path in paths]


def sizes(directory: Path) -> list[int]:
    """Bytes of each segment, oldest first. Raises OSError."""
    return [path.stat().st_size for path in segments(directory)]


def trim(directory: Path, below: int, older_than: Instant) -> list[int]:
    """Unlinks the oldest segments, as far as all of their frames are before row `below` and have a clock no later than
    `older_than`; returns their sizes. What is left has no gap, wherever this is cut off. OSError, DamageError."""
    removed = []
    for path, following in itertools.pairwise(segments(directory)):
        begins = next(read_segment(following), None)
        if first_seq(following) > below or begins is None or begins.frame.clock > older_than:
            break
        size = path.stat().st_size
        path.unlink()
        removed.append(size)
    if removed:
        sync_directory(directory)
    return removed


def _with_limits(paths: list[Path]) -> Iterator[tuple[Path, int | None]]:
    """Each segment with the sequence at which the next one begins; None for the newest."""
    limits = [first_seq(path) for path in paths[1:]]
    return zip(paths, [*limits, None], strict=False)


def _frames(path: Path, limit: int | None) -> Iterator[Stored]:
    for stored in read_segment(path):
        yield stored
        if stored.frame.seq + 1 == limit:
            return


def _free(path: Path) -> Path:
    """The path with the ending, and before it a number where an earlier damage has that name."""
    numbers = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    names = (path.with_name(f"{path.name}{number}{_DAMAGED}") for number in numbers)
    return next(name for name in names if not name.exists())
