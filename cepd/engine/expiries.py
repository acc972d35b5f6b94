"""Keys by when they are over, for a unit to which nothing happens then but that it forgets them.

An entry of the engine's schedule for each of them would cost more than the events that brought them. So a unit has one
entry for all, its next sweep, and looks for itself whether a key is over when an event asks for it, or for its room.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable

from cepd.engine.unit import Schedule
from cepd.model.duration import Span
from cepd.model.instant import Instant

SPARE = 10_000
"""Entries that may always be kept in vain."""


class Expiries:
    """Entries are never taken back: whoever added one looks, when its time has come, whether it still holds. Those that
    hold no more go when there are too many of them. Events come nearly in order, so that an entry nearly always goes to
    the end of a sorted list."""

    def __init__(self, pending: Callable[[], Iterable[tuple[Instant, str]]], schedule: Schedule, rest: Span) -> None:
        """`pending` tells all that holds, and does so from the beginning; `rest` is the least time between sweeps."""
        self._pending = pending
        self._schedule = schedule
        self._rest = rest
        self._rested: Instant = 0
        self._collect()
        self.sweep: Instant | None = self._entries[0][0] if self._entries else None
        """When the next is due, as the schedule knows; the first one it has to be told."""

    def add(self, at: Instant, key: str) -> None:
        entries = self._entries
        if entries and at < entries[-1][0]:
            insort(entries, (at, key))
        else:
            entries.append((at, key))
        if self.sweep is None or at < self.sweep:
            self._plan()
        if len(entries) > self._most:
            self._collect()

    def take(self, mark: Instant) -> list[tuple[Instant, str]]:
        """Takes off those whose time is not after `mark`."""
        end = bisect_left(self._entries, (mark + 1,))
        taken = self._entries[:end]
        del self._entries[:end]
        return taken

    def swept(self, at: Instant) -> None:
        """The sweep that was due is done: plans the next."""
        self.sweep, self._rested = None, at + self._rest
        self._plan()

    def _plan(self) -> None:
        if not self._entries:
            return
        at = max(self._entries[0][0], self._rested)
        if self.sweep is None or at < self.sweep:
            self.sweep = at
            self._schedule(at, "", 0)

    def _collect(self) -> None:
        self._entries = sorted(self._pending())
        self._most = 2 * len(self._entries) + SPARE
