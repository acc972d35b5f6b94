"""Windows made of panes: the state of tumbling and sliding windows.

A pane holds the events of one stretch of time, for all keys, and is dropped whole. A window is the panes between its
start and its end; it ends with one of them. Of a tumbling window there is one pane, so that nothing is merged; of a
sliding one the panes are merged, the oldest first, when the window is looked at. Nothing is ever subtracted.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeAlias

import msgspec

from cepd.engine.cells import AnyCells, Cells, ColumnsT, encode
from cepd.engine.column import Column
from cepd.engine.evaluation import Evaluation
from cepd.engine.reading import Sight, seen
from cepd.engine.running import Running
from cepd.engine.unit import UnitStatus
from cepd.engine.windowed import Fed, Windowed
from cepd.model.duration import Span
from cepd.model.event import Event
from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.rule import Rule

Bounds: TypeAlias = Callable[[Instant], tuple[Instant, Instant]]
"""`(start, end)` of the pane that holds a time. Panes follow each other without a gap."""


def every(size: Span) -> Bounds:
    """Stretches of equal size, counted from the epoch, before it too."""

    def bounds(time: Instant) -> tuple[Instant, Instant]:
        start = time - time % size
        return start, start + size

    return bounds


class Pane(msgspec.Struct, Generic[ColumnsT]):
    cells: Cells[ColumnsT]
    index: dict[str, int] = msgspec.field(default_factory=dict)
    """The slot of each key."""
    fired: dict[int, list[str]] = msgspec.field(default_factory=dict)
    """Of eager windows that end with the pane: the rules that have fired, by slot."""
    incomplete: bool = False
    """It refused a key."""


AnyPane: TypeAlias = Pane[tuple[Column, ...]]


class State(msgspec.Struct, Generic[ColumnsT]):
    panes: dict[Instant, Pane[ColumnsT]] = msgspec.field(default_factory=dict)
    """By their start."""
    ends: dict[Instant, Instant] = msgspec.field(default_factory=dict)
    """The start of each window whose end is scheduled, by its end."""
    order: int = 0
    """How many events were taken in."""


AnyState: TypeAlias = State[tuple[Column, ...]]


class View(msgspec.Struct, frozen=True):
    """A window that ended, for all its keys."""

    end: Instant
    keys: list[str]
    index: dict[str, int]
    cells: AnyCells


class PaneUnit(Windowed):
    """`reach`: how long before its last pane a window starts; a multiple of the panes' length, 0 for one pane."""

    def __init__(self, rule: Rule, bounds: Bounds, reach: Span) -> None:
        super().__init__(rule)
        self._bounds = bounds
        self._reach = reach
        self._state: AnyState = State()
        self._view: View | None = None

    def feed(self, event: Event, time: Instant, key: str, mark: Instant) -> None:
        self._heard(None)
        start, end = self._bounds(time)
        if mark >= end:
            self.counts.late += 1
            if mark >= end + self._reach:
                return
        pane = self._state.panes.get(start)
        if pane is None:
            pane = self._open(start, end, mark)
        slot = pane.index.get(key)
        if slot is None:
            if len(pane.index) >= self._max_keys:
                self.counts.refused_keys += 1
                pane.incomplete = True
                return
            slot = pane.index[key] = pane.cells.grow()
        self._add(pane.cells, slot, event, self._state.order)
        self._state.order += 1
        if self._eager and mark < end:
            self._heard(Fed(event, time, key, start - self._reach, end, slot, pane.fired))

    def due(self, member: Running, key: str, start: Instant, at: Instant) -> Iterator[Evaluation]:
        if at not in self._state.ends:
            return
        reading, followed = self._readings[member.rule.id], member.state.episodes
        for each, sight in self._ended(member, start, at):
            found = (
                reading.at_empty_end(each, start, at)
                if sight is None
                else reading.at_end(each, sight, followed=each in followed)
            )
            if found is not None:
                yield found

    def drop(self, key: str, start: Instant, at: Instant) -> None:
        """A pane goes with the last window that holds it: the one that starts with it."""
        self._view = None
        if self._state.ends.pop(at, None) is None:
            return
        self._state.panes.pop(start, None)
        if self._any_open():
            self._await(*self._bounds(at))

    def deadlines(self) -> Iterable[tuple[Instant, str, Instant]]:
        return [(end, "", start) for end, start in sorted(self._state.ends.items())]

    def open_ends(self) -> Iterable[tuple[Instant, str, Instant]]:
        panes = self._state.panes
        return [entry for entry in self.deadlines() if any(entry[2] <= at < entry[0] for at in panes)]

    def status(self) -> UnitStatus:
        panes = self._state.panes.values()
        keys: set[str] = set().union(*(pane.index for pane in panes))
        return UnitStatus(keys=len(keys), windows=len(panes), incomplete=sum(pane.incomplete for pane in panes))

    def describe(self, key: str) -> dict[str, Json]:
        found = [self._one(key, start, end) for end, _, start in self.deadlines()]
        windows = [seen(sight, self._readings) for sight in found if sight is not None]
        return {"windows": windows} if windows else {}

    def save(self) -> bytes:
        return encode(self._state)

    def load(self, data: bytes) -> None:
        self._state = self._layout.decode(data, State)
        if any(len(pane.index) != len(pane.cells) for pane in self._state.panes.values()):
            raise ValueError("a pane has other keys than cells")

    def _open(self, start: Instant, end: Instant, mark: Instant) -> AnyPane:
        pane = self._state.panes[start] = Pane(self._layout.empty())
        last = end + self._reach
        while end <= last:
            if end > mark:
                self._await(start, end)
            start, end = self._bounds(end)
        return pane

    def _await(self, start: Instant, end: Instant) -> None:
        """The window whose last pane this is ends with it."""
        if end not in self._state.ends:
            self._state.ends[end] = start - self._reach
            self._schedule(end, "", start - self._reach)

    def _ended(self, member: Running, start: Instant, end: Instant) -> Iterator[tuple[str, Sight | None]]:
        """The keys that a member is to be asked of at a window's end, sorted: of an eager one only those with an open
        episode. What was heard of a key after the window is newer than what the window says."""
        episodes = member.state.episodes
        asked = sorted(key for key in member.state.open_keys() if episodes[key].heard < end)
        if self._eager:
            for key in asked:
                yield key, self._one(key, start, end)
            return
        view = self._whole(start, end)
        silent = [key for key in asked if key not in view.index]
        for key in sorted(view.keys + silent) if silent else view.keys:
            slot = view.index.get(key)
            yield key, None if slot is None else Sight(start, end, view.cells, slot)

    def _look(self, fed: Fed) -> Sight:
        found = self._one(fed.key, fed.start, fed.end)
        assert found is not None
        return found

    def _between(self, start: Instant, end: Instant) -> list[AnyPane]:
        """The panes of a window, the oldest first."""
        return [pane for at, pane in sorted(self._state.panes.items()) if start <= at < end]

    def _one(self, key: str, start: Instant, end: Instant) -> Sight | None:
        """One key of a window; None where no event of it came."""
        holders = [pane for pane in self._between(start, end) if key in pane.index]
        if not holders:
            return None
        if len(holders) == 1:
            return Sight(start, end, holders[0].cells, holders[0].index[key])
        cells = self._layout.empty()
        slot = cells.grow()
        for pane in holders:
            cells.merge(slot, pane.cells, pane.index[key])
        return Sight(start, end, cells, slot)

    def _whole(self, start: Instant, end: Instant) -> View:
        """All keys of a window, merged once for all members."""
        if self._view is None or self._view.end != end:
            panes = self._between(start, end)
            index, cells = (panes[0].index, panes[0].cells) if len(panes) == 1 else self._merged(panes)
            self._view = View(end, sorted(index), index, cells)
        return self._view

    def _merged(self, panes: Iterable[AnyPane]) -> tuple[dict[str, int], AnyCells]:
        index: dict[str, int] = {}
        cells = self._layout.empty()
        for pane in panes:
            for key, its in pane.index.items():
                slot = index.get(key)
                if slot is None:
                    slot = index[key] = cells.grow()
                cells.merge(slot, pane.cells, its)
        return index, cells
