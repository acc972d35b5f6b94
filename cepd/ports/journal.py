"""Ports of the log in front of the engine, of the snapshots behind it, and of time."""

from collections.abc import Awaitable, Iterator, Sequence
from typing import Protocol

import msgspec

from cepd.model.frame import Frame
from cepd.model.instant import Instant


class Clock(Protocol):
    """Wall time at start plus monotonic time elapsed: it never goes back, restarts included."""

    def now(self) -> Instant: ...


class Journal(Protocol):
    """The log in front of the engine. One process writes it."""

    @property
    def id(self) -> str:
        """Part of the identity of events without an id: what was numbered under one id is never numbered again
        under it. Frames carry the one that held when they were written."""

    @property
    def last_clock(self) -> Instant:
        """Clock of the newest frame; 0 in an empty journal."""

    @property
    def next_seq(self) -> int: ...

    @property
    def next_event(self) -> int:
        """Running number that the next event gets."""

    @property
    def damage(self) -> str | None:
        """What was cut off at the end when it was opened, in words; None where nothing was."""

    @property
    def first_seq(self) -> int:
        """Row of its oldest frame; `next_seq` where it holds none."""

    @property
    def size(self) -> int:
        """Bytes that it holds."""

    @property
    def limit(self) -> int:
        """Bytes from which on it should take no events. Whoever appends looks at it; all else goes in still."""

    @property
    def generations(self) -> frozenset[str]:
        """Digests that the swaps in it name."""

    def renew(self) -> None:
        """Takes a new id, on disk when it returns: what the log has lost shares no identity with what comes. Only
        before the first append. StartError where the disk refuses."""

    def skip_to(self, seq: int, event: int, clock: Instant) -> None:
        """Sets aside all that it holds, takes a new id, and goes on with these numbers. Only before the first append.
        StartError where the disk refuses."""

    def read(self, after: int = 0) -> Iterator[Frame]:
        """The frames behind a row, oldest first. Only before the first append."""

    def append(self, frame: Frame) -> Awaitable[None]:
        """Queue one frame, in call order; the awaitable ends when it is on disk. Raises RetryLaterError from the
        awaitable where the disk does not take it."""

    def synced(self) -> Awaitable[None]:
        """Ends when everything appended so far is on disk."""

    async def trim(self, below: int, older_than: Instant) -> int:
        """Lets go of frames before row `below` whose clock is before `older_than`, as far as whole files hold nothing
        else; returns how many files went. RetryLaterError where the disk refuses."""

    async def close(self) -> None: ...


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """The engine between two rows, and what else a start needs that no longer reads the rows before."""

    seq: int
    """The last row that is in it."""
    clock: Instant
    """Of that row."""
    next_event: int
    """Running number of the first event behind it."""
    digest: str
    """Of the generation that ran; empty before the first one."""
    engine: bytes
    horizon: Sequence[tuple[str, tuple[str, str]]]
    """(identity, (source, id)) of the known events, oldest first."""


class Snapshots(Protocol):
    """Snapshots on disk. Blocking: call it in a thread where a loop waits."""

    def rows(self) -> list[int]:
        """Of each one the row at which it was taken, newest first."""

    def read(self, seq: int) -> Snapshot:
        """StartError where it is damaged, of another format, or gone."""

    def write(self, snapshot: Snapshot) -> int:
        """Whole on disk when it returns; its bytes. RetryLaterError where the disk refuses."""

    def keep(self, number: int) -> list[int]:
        """Removes all but the newest `number`; the rows of those, newest first. RetryLaterError where the disk
        refuses."""

    def set_aside(self, seq: int) -> None:
        """Keeps one that cannot be used under another name, where it is in nobody's way."""
