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
    """An end of the log: the numbers of the next frame and the next event, and the newest clock."""

    seq: int = 1
    event: int = 1
    clock: Instant = 0

    def after(self, frame: Frame) -> "Position":
        event = frame.first + frame.count if frame.count else self.event
        return Position(frame.seq + 1, event, frame.clock)


class Damage(NamedTuple):
    """What ends the log before its files end. `later`: the segments behind `path`."""

    path: Path
    offset: int
    reason: str
    seq: int
    later: list[Path]


class Survey(NamedTuple):
    end: Position
    last: tuple[Path, int] | None
    """The newest segment and the offset behind its last record."""
    damage: Damage | None


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("[0-9]" * 20 + SUFFIX))


def read_log(directory: Path) -> Iterator[Frame]:
    """Every frame, oldest first, in constant memory. Raises DamageError, OSError."""
    for path, limit in _with_limits(segments(directory)):
        for stored in _frames(path, limit):
            yield stored.frame


def survey(directory: Path) -> Survey:
    """Reads the whole log, up to where it is damaged. Raises StartError for another version's frames, OSError."""
    found = segments(directory)
    position = Position(seq=first_seq(found[0])) if found else Position()
    last: tuple[Path, int] | None = None
    for path, limit in _with_limits(found):
        last = (path, 0)
        try:
            for stored in _frames(path, limit):
                if stored.frame.seq != position.seq:
                    raise DamageError(last[1], f"sequence {stored.frame.seq} stands where {position.seq} is next")
                position = position.after(stored.frame)
                last = (path, stored.end)
            if limit is not None and position.seq != limit:
                raise DamageError(last[1], f"it ends, and the next file begins with sequence {limit}")
        except DamageError as damage:
            later = [other for other in found if other > path]
            return Survey(position, last, Damage(path, damage.offset, damage.reason, position.seq, later))
    return Survey(position, last, None)


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
    aside = [other.rename(_free(other)).name for other in damage.later]
    sync_directory(path.parent)
    words = f"{path.name}, byte {offset}: {damage.reason}. The log ends before sequence {damage.seq}"
    words += f"; {len(rest)} bytes were cut off and are kept in {kept.name}"
    if aside:
        words += "; set aside as " + ", ".join(aside)
    return words


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
