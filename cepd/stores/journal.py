"""The journal in files: preallocated segments, one committer thread, an append is done when it is on disk.

A failed write or sync ends its segment, since what the disk then holds is unknown: the frames of that group and those
behind it fail with RetryLaterError, `next_seq` goes back to the first of them, and the next append begins a new segment
under that sequence. `survey` holds how the files are read, and what ends the log.
"""

import asyncio
import fcntl
import itertools
import os
import re
import threading
import uuid
from collections.abc import Awaitable, Iterator
from pathlib import Path
from typing import NamedTuple

from cepd.model.errors import RetryLaterError, StartError
from cepd.model.frame import Frame
from cepd.model.instant import Instant
from cepd.model.size import GIB, MIB, format_size
from cepd.stores.committer import Committer
from cepd.stores.segment import DamageError, Segment, encode_frame, first_seq, segment_path, sync_directory
from cepd.stores.survey import Position, Survey, cut, read_log, segments, set_aside, sizes, survey, trim

SEGMENT_SIZE = 64 * MIB
LIMIT = 16 * GIB

_ID = re.compile(r"[0-9a-f]{32}")


class _Entry(NamedTuple):
    frame: Frame
    data: bytes
    done: "asyncio.Future[None]"


def open_journal(directory: Path, *, segment_size: int = SEGMENT_SIZE, limit: int = LIMIT) -> "FileJournal":
    """Opens or makes the journal, locks it and cuts off a damaged end.

    Raises StartError where another process has it, where its id is lost, where the disk refuses, and for a limit below
    two segments: the newest is never trimmed, so the journal must stay below its limit with that one alone.
    """
    if limit < 2 * segment_size:
        message = f"the journal cannot be kept below {format_size(limit)}: its files are of {format_size(segment_size)}"
        raise StartError(message, help=f"give --journal-limit {format_size(2 * segment_size)} at least")
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _lock(directory)
        try:
            journal_id = _journal_id(directory)
            found = survey(directory)
            damage = None
            if found.damage is not None:
                journal_id = _new_id(directory)  # before the cut: a death in between must not leave the old one
                damage = cut(found.damage)
        except BaseException:
            os.close(lock)
            raise
    except OSError as error:
        raise StartError(f"the journal in {directory} cannot be opened: {error}") from error
    return FileJournal(directory, lock, journal_id, found, damage, segment_size, limit)


def read_journal(directory: Path) -> Iterator[Frame]:
    """Every frame of a journal that another process may be writing, oldest first: it is neither locked nor changed, and
    ends with the last whole frame. StartError where there is none, or where it was trimmed meanwhile."""
    if not segments(directory):
        raise StartError(f"there is no journal in {directory}", help="name the data directory of a daemon")
    try:
        yield from read_log(directory)
    except DamageError:
        return
    except FileNotFoundError as error:
        message = f"{error.filename} was trimmed by the daemon while it was to be read"
        raise StartError(message, help="try again; a daemon with a longer --retain keeps more") from error
    except OSError as error:
        raise StartError(f"the journal in {directory} cannot be read: {error}") from error


class FileJournal:
    """The port Journal. All but the committing runs on the event loop's thread; read `next_seq` and append in one turn
    of the loop, as a failure moves it back between turns."""

    def __init__(
        self,
        directory: Path,
        lock: int,
        journal_id: str,
        found: Survey,
        damage: str | None,
        segment_size: int,
        limit: int,
    ) -> None:
        self.id = journal_id
        self.damage = damage
        self.limit = limit
        self._directory = directory
        self._lock = lock
        self._segment_size = segment_size
        self._resume = found.last
        self._newest = found.last[1] if found.last else 0
        self._before = sum(sizes(directory)[:-1])
        self._left = self._trimmed = 0
        self._segment: Segment | None = None
        self._first = found.first
        self._swaps = found.swaps
        self._durable = found.end
        self._end = found.end
        self._last: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._committer: Committer[_Entry] | None = None
        self._closed = False

    @property
    def first_seq(self) -> int:
        return self._first

    @property
    def size(self) -> int:
        """The newest file counts as far as it is written, those before it as a whole."""
        segment = self._segment
        newest = self._newest if segment is None else segment.position
        return self._before + self._left - self._trimmed + newest

    @property
    def generations(self) -> frozenset[str]:
        return frozenset(digest for _, digest in self._swaps)

    @property
    def next_seq(self) -> int:
        return self._end.seq

    @property
    def next_event(self) -> int:
        return self._end.event

    @property
    def last_clock(self) -> Instant:
        return self._end.clock

    def renew(self) -> None:
        assert self._committer is None, "an id holds from the first append on"
        try:
            self.id = _new_id(self._directory)
        except OSError as error:
            message = f"the journal in {self._directory} lost events and cannot get a new id: {error}"
            raise StartError(message, help="see to the disk; no number may be given twice under one id") from error

    def skip_to(self, seq: int, event: int, clock: Instant) -> None:
        self.renew()
        try:
            set_aside(segments(self._directory))
            sync_directory(self._directory)
        except OSError as error:
            message = f"the journal in {self._directory} cannot be set aside: {error}"
            raise StartError(message, help="see to the disk, then start again") from error
        self._resume = None
        self._before = self._newest = 0
        self._swaps = []
        self._first = seq
        self._durable = self._end = Position(seq, event, clock)

    def read(self, after: int = 0) -> Iterator[Frame]:
        """The frames behind a row, oldest first, in constant memory."""
        assert self._committer is None, "a journal is read before the first append"
        try:
            yield from read_log(self._directory, after)
        except (OSError, DamageError) as error:
            raise StartError(f"the journal in {self._directory} cannot be read: {error}") from error

    def append(self, frame: Frame) -> Awaitable[None]:
        """Queues the frame. Its `seq` is `next_seq`; `first` of a frame with events is `next_event`."""
        assert frame.seq == self.next_seq, f"frame {frame.seq} where {self.next_seq} is next"
        assert not frame.count or frame.first == self.next_event, f"event {frame.first} where {self.next_event} is next"
        self._loop = asyncio.get_running_loop()
        done = self._last = self._loop.create_future()
        if self._closed:
            done.set_exception(RetryLaterError("the journal is closed", help="cepd is stopping; try again"))
            return done
        if self._committer is None:
            self._committer = Committer("cepd-journal", self._commit)
        self._end = self._end.after(frame)
        if frame.kind == "swap":
            self._swaps.append((frame.seq, frame.digest))
        self._committer.put(_Entry(frame, encode_frame(frame), done))
        return done

    async def synced(self) -> None:
        """Ends when everything appended so far is on disk; RetryLaterError where the newest of it failed meanwhile.

        It gives way to the loop once at least, so that whoever waited for a failed append has seen it.
        """
        if self._last is None or self._last.done():
            await asyncio.sleep(0)
        else:
            await asyncio.shield(self._last)

    async def trim(self, below: int, older_than: Instant) -> int:
        """Unlinks whole segments, oldest first."""
        try:
            removed = await asyncio.to_thread(trim, self._directory, below, older_than)
        except (OSError, DamageError) as error:
            message = f"the journal in {self._directory} cannot be trimmed: {error}"
            raise RetryLaterError(message, help="see to the disk; it is tried again") from error
        if removed:
            self._trimmed += sum(removed)
            self._first = first_seq(segments(self._directory)[0])
            self._swaps = [swap for swap in self._swaps if swap[0] >= self._first]
        return len(removed)

    async def close(self) -> None:
        """Commits what is queued, then lets go of the files and the lock. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        if self._committer is not None:
            await asyncio.to_thread(self._committer.close)
        if self._segment is not None:
            self._segment.close()
        os.close(self._lock)

    def _commit(self, entries: list[_Entry]) -> None:
        """In the committer's thread: one write and one sync for the entries that fit into a segment together."""
        assert self._loop is not None
        while entries:
            try:
                segment = self._segment_for(entries[0])
                room = segment.size - segment.position
                ends = itertools.accumulate(len(entry.data) for entry in entries)
                fitting = sum(1 for end in ends if end <= room)
                segment.write(b"".join(entry.data for entry in entries[:fitting]))
            except OSError as error:
                self._leave_segment()
                told = threading.Event()
                self._loop.call_soon_threadsafe(self._fail, entries, error, told)
                told.wait()
                return
            self._loop.call_soon_threadsafe(self._confirm, entries[:fitting])
            entries = entries[fitting:]

    def _segment_for(self, entry: _Entry) -> Segment:
        length = len(entry.data)
        if self._resume is not None:
            (path, offset), self._resume = self._resume, None
            self._segment = Segment(path, offset, max(self._segment_size, offset))
        if self._segment is not None and not self._segment.has_room(length):
            self._leave_segment()
        if self._segment is None:
            path = segment_path(self._directory, entry.frame.seq)
            self._segment = Segment(path, 0, max(self._segment_size, length))
        return self._segment

    def _leave_segment(self) -> None:
        segment, self._segment = self._segment, None
        if segment is not None:
            self._left += segment.size
            self._newest = 0
            segment.close()

    def _confirm(self, entries: list[_Entry]) -> None:
        for entry in entries:
            self._durable = self._durable.after(entry.frame)
            if not entry.done.done():
                entry.done.set_result(None)

    def _fail(self, entries: list[_Entry], error: OSError, told: threading.Event) -> None:
        """On the loop's thread, while the committer waits: nothing can be queued between the failure and this."""
        assert self._committer is not None
        failed = entries + self._committer.take()
        self._end = self._durable
        told.set()
        for entry in failed:
            if not entry.done.done():
                reason = RetryLaterError(f"the journal cannot be written: {error}", help="see to the disk; try again")
                entry.done.set_exception(reason)


def _lock(directory: Path) -> int:
    """The lock is held until its file is closed, or the process ends."""
    lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        message = f"another process has the journal in {directory}"
        raise StartError(message, help="stop that process, or give this one a data directory of its own") from error
    return lock


def _journal_id(directory: Path) -> str:
    path = directory / "id"
    if path.exists():
        journal_id = path.read_text("ascii", errors="replace").strip()
        if not _ID.fullmatch(journal_id):
            raise StartError(f"{path} does not hold a journal's id", help="restore it: 32 digits of 0-9a-f")
        return journal_id
    if segments(directory):
        message = f"{path} is missing, and the journal beside it is not empty"
        raise StartError(message, help="restore the file: events without an id are known by it")
    return _new_id(directory)


def _new_id(directory: Path) -> str:
    """Puts a new id in the place of any old one, on disk."""
    fresh = directory / "id.new"
    fresh.touch(0o600)
    with fresh.open("w", encoding="ascii") as file:
        journal_id = uuid.uuid4().hex
        file.write(journal_id)
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(directory / "id")
    sync_directory(directory)
    return journal_id
