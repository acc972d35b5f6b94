"""Keys by when they are over, for a unit to which nothing happens then but that it forgets them.

An entry of the engine's schedule for each of them would cost more than the events that brought them. So a unit has one
entry for all, its sweep, and looks for itself whether a key is over when an event asks for it, or for its room.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable

from cepd.model.instant import Instant

SPARE = 10_000
"""Entries that may always be kept in vain."""


class Expiries:
    """Entries are never taken back: whoever added one looks, when its time has come, whether it still holds. Events
    come nearly in order, so that an entry nearly always goes to the end of a sorted list."""

    def __init__(self, pending: Iterable[tuple[Instant, str]]) -> None:
        self._entries = sorted(pending)
        self._most = 2 * len(self._entries) + SPARE

    @property
    def crowded(self) -> bool:
        """Whether more than half may be entries that hold no more."""
        return len(self._entries) > self._most

    @property
    def first(self) -> Instant | None:
        return self._entries[0][0] if self._entries else None

    def add(self, at: Instant, key: str) -> None:
        entries = self._entries
        if entries and at < entries[-1][0]:
            insort(entries, (at, key))
        else:
            entries.append((at, key))

    def take(self, mark: Instant) -> list[tuple[Instant, str]]:
        """Takes off those whose time is not after `mark`."""
        end = bisect_left(self._entries, (mark + 1,))
        taken = self._entries[:end]
        del self._entries[:end]
        return taken
