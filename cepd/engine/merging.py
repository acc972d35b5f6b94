"""Windows of several panes: what the panes hold together. The oldest pane is merged first, and nothing is ever
subtracted, so that the same events give the same bits whenever a window is looked at.

What is merged here is remembered only to be looked at again; it is never pane of the state.
"""

from collections.abc import Iterable, Sequence
from typing import Generic, TypeAlias

import msgspec

from cepd.engine.cells import AnyCells, Cells, Columns, ColumnsT, Layout
from cepd.engine.column import Column
from cepd.engine.evaluation import Evaluation
from cepd.engine.ladders import Crossing, Ladder
from cepd.engine.reading import Marked, Reading, Sight, Telling
from cepd.engine.stepping import MANY, Steps, chunks
from cepd.model.instant import Instant

_SCRATCH = 256
"""Slots that are thrown away together."""
_MOST_SAID = 4_096
"""Keys of which it is kept what an ended window said: few, so that one with a million keys does not keep them all."""


class Pane(msgspec.Struct, Generic[ColumnsT]):
    """The events of one stretch of time, for all keys."""

    cells: Cells[ColumnsT]
    index: dict[str, int] = msgspec.field(default_factory=dict)
    """The slot of each key, in the order of the slots."""
    fired: dict[int, list[str]] = msgspec.field(default_factory=dict)
    """Of eager windows that end with the pane: the rules that have fired, by slot."""
    incomplete: bool = False
    """It refused a key."""


AnyPane: TypeAlias = Pane[Columns]


class Ended:
    """A window that ended, for all its keys. Each key is merged once, when it is first looked at; columns by
    themselves where only they can tell which keys that has to be. What goes through all of them is done in steps: with
    a hundred thousand keys it would hold others up for half a second."""

    def __init__(self, start: Instant, end: Instant, panes: Sequence[AnyPane], layout: Layout) -> None:
        self.start, self.end = start, end
        self._panes, self._layout = panes, layout
        self._single = panes[0] if len(panes) == 1 else None
        self.index: dict[str, int] = {} if self._single is None else self._single.index
        """The keys of the window."""
        self._slots: list[list[int]] = []
        self._merged: dict[str, int] = {}
        self._cells = layout.empty()
        self._said: dict[Telling, dict[str, Evaluation]] = {}
        self._crossings: dict[int, list[tuple[Ladder, Crossing]]] = {}
        self._keys: list[str] = []

    @classmethod
    def of(cls, start: Instant, end: Instant, panes: Sequence[AnyPane], layout: Layout) -> Steps["Ended"]:
        """With its keys, which it has only then."""
        made = cls(start, end, panes, layout)
        if made._single is None:
            index, place = made.index, made.index.setdefault
            for pane in panes:
                slots: list[int] = []
                for keys in chunks(pane.index):
                    slots += [place(key, len(index)) for key in keys]
                    yield
                made._slots.append(slots)
        return made

    def keys(self) -> list[str]:
        """All of them, sorted once for all members."""
        if len(self._keys) < len(self.index):
            self._keys = sorted(self.index)
        return self._keys

    def says(self, reading: Reading, key: str, *, followed: bool) -> Evaluation | None:
        """What the window says to one rule of a key; None where it is false and the rule does not follow the key. What
        was true for one rule is kept for the others."""
        said = self._said.get(reading.telling)
        if said is None:
            said = self._said[reading.telling] = {}
        known = said.get(key)
        if known is not None and reading.agrees(known):
            return known
        if key not in self.index:
            return reading.at_empty_end(key, self.start, self.end)
        found = reading.at_end(key, self._sight(key), followed=followed)
        if found is not None and found.truth and len(said) < _MOST_SAID:
            said[key] = found
        return found

    def _sight(self, key: str) -> Marked:
        """One of its keys."""
        if self._single is not None:
            return Marked.of(self.start, self.end, self._single.cells, self._single.index[key])
        slot = self._merged.get(key)
        if slot is None:
            slot = self._merged[key] = merge_key(self._cells, key, self._panes)
        return Marked.of(self.start, self.end, self._cells, slot)

    def beyond(self, ladder: Ladder, limit: float) -> Steps[list[str]]:
        """The keys of which a ladder's aggregate crosses one of its limits. All members share what that takes."""
        place = self._layout.place(ladder.aggregate)
        known = self._crossings.setdefault(place, [])
        crossing = next((found for its, found in known if its is ladder), None)
        if crossing is None:
            column = yield from self._column(place)
            values = column.numbers(len(self.index), ladder.aggregate, self.end - self.start)
            crossing = yield from ladder.crossing(self.index, values)
            known.append((ladder, crossing))
        return crossing.beyond(limit)

    def _column(self, place: int) -> Steps[Column]:
        if self._single is not None:
            return self._single.cells.columns[place]
        column = self._layout.column(place)
        for keys in chunks(self.index):
            for _ in keys:
                column.grow()
            yield
        for slots, pane in zip(self._slots, self._panes, strict=True):
            for begin in range(0, len(slots), MANY):
                column.absorb(slots[begin : begin + MANY], pane.cells.columns[place], begin)
                yield
        return column


class Older:
    """Of a window that is still filling: its panes but the last one, merged for the keys that were looked at."""

    def __init__(self, start: Instant, last: Instant, end: Instant, panes: Sequence[AnyPane], layout: Layout) -> None:
        """`[start, end)` is the window; the last pane begins at `last`."""
        self._start, self._last, self._end = start, last, end
        self._layout = layout
        self._slots: dict[str, int] = {}
        self._columns, self._events = layout.columns(), [0]
        for column in self._columns:
            column.grow()
        self._held = [
            (pane.index.get, pane.cells.marks.counts, list(zip(self._columns, pane.cells.columns, strict=True)))
            for pane in panes
        ]
        self._scratch, self._used = layout.columns(), 0

    def forget(self, key: str, at: Instant) -> None:
        """An event of the key went into the pane that begins there."""
        if self._start <= at < self._last:
            self._slots.pop(key, None)

    def sight(self, key: str, cells: AnyCells, its: int) -> Sight:
        """The window with what a slot of the last pane's cells holds."""
        slot = self._slots.get(key)
        if slot is None:
            slot = self._slots[key] = self._merge(key)
        events = cells.marks.counts[its]
        if not slot:
            return Sight(self._start, self._end, cells.columns, its, events)
        if self._used == _SCRATCH:
            self._scratch, self._used = self._layout.columns(), 0
        scratch, place = self._scratch, self._used
        self._used += 1
        for joined, older, newer in zip(scratch, self._columns, cells.columns, strict=True):
            joined.grow()
            joined.merge(place, older, slot)
            joined.merge(place, newer, its)
        return Sight(self._start, self._end, scratch, place, self._events[slot] + events)

    def _merge(self, key: str) -> int:
        """The slot of the key; 0, which stays empty, where the older panes hold nothing of it."""
        slot, events = 0, 0
        for slot_of, counts, columns in self._held:
            its = slot_of(key)
            if its is not None:
                if not slot:
                    slot = len(self._events)
                    for column in self._columns:
                        column.grow()
                events += counts[its]
                for mine, other in columns:
                    mine.merge(slot, other, its)
        if slot:
            self._events.append(events)
        return slot


def merge_key(cells: AnyCells, key: str, panes: Iterable[AnyPane]) -> int:
    """A new slot of the cells with all that the panes hold of a key."""
    slot = cells.grow()
    for pane in panes:
        its = pane.index.get(key)
        if its is not None:
            cells.merge(slot, pane.cells, its)
    return slot


def one_key(key: str, start: Instant, end: Instant, panes: Iterable[AnyPane], layout: Layout) -> Marked | None:
    """One key of a window; None where no event of it came."""
    holders = [pane for pane in panes if key in pane.index]
    if not holders:
        return None
    if len(holders) == 1:
        return Marked.of(start, end, holders[0].cells, holders[0].index[key])
    cells = layout.empty()
    return Marked.of(start, end, cells, merge_key(cells, key, holders))
