"""Windows made of panes: the state of tumbling and sliding windows.

A pane holds the events of one stretch of time, for all keys, and is dropped whole. A window is the panes between its
start and its end; it ends with one of them. Of a tumbling window there is one pane, so that nothing is merged; of a
sliding one the panes are merged, the oldest first, when the window is looked at. Nothing is ever subtracted.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeAlias

import msgspec

from cepd.engine.arrivals import Arrivals
from cepd.engine.asking import Reached
from cepd.engine.cells import Columns, ColumnsT
from cepd.engine.evaluation import Evaluation
from cepd.engine.ladders import rungs
from cepd.engine.marks import StartAll, Take, TakeAll
from cepd.engine.merging import AnyPane, Ended, Older, Pane, one_key
from cepd.engine.pieces import pieces_of
from cepd.engine.projection import View
from cepd.engine.reading import Fed, Marked, Reading, Sight, seen
from cepd.engine.running import Running
from cepd.engine.stepping import Steps, chunks
from cepd.engine.unit import Batch, Schedule, UnitStatus
from cepd.engine.windowed import Windowed
from cepd.model.duration import Span
from cepd.model.event import Happening
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


class State(msgspec.Struct, Generic[ColumnsT]):
    panes: dict[Instant, Pane[ColumnsT]] = msgspec.field(default_factory=dict)
    """By their start."""
    ends: dict[Instant, Instant] = msgspec.field(default_factory=dict)
    """The start of each window whose end is scheduled, by its end."""
    order: int = 0
    """How many events were taken in."""


AnyState: TypeAlias = State[Columns]


class Filling(msgspec.Struct, gc=False):
    """A pane that takes in events, with what that needs at hand. Made anew whenever it is not known."""

    start: Instant
    end: Instant
    slot_of: Callable[[str], int | None]
    take: Take
    take_all: TakeAll
    start_slot: Take
    start_all: StartAll
    index: dict[str, int]
    pane: AnyPane
    reached: Reached


class PaneUnit(Windowed):
    """`reach`: how long before its last pane a window starts; a multiple of the panes' length, 0 for one pane."""

    def __init__(self, rule: Rule, bounds: Bounds, reach: Span) -> None:
        super().__init__(rule)
        self._bounds = bounds
        self._reach = reach
        self._state: AnyState = State()
        self._order = 0
        self.batch = None if self._eager else Batch(self._feed_all)

    def bind(self, members: Sequence[Running], schedule: Schedule) -> None:
        super().bind(members, schedule)
        self._rungs = rungs(members)
        self._filling: dict[Instant, Filling] = {}
        self._look_at(self._nothing(), open_=False)
        self._older: dict[Instant, Older] = {}
        self._last_ended: Ended | None = None

    def feed(self, event: Happening, time: Instant, key: str, mark: Instant) -> Sequence[Running]:
        pane = self._latest
        if not pane.start <= time < pane.end or mark >= pane.end:
            self._fed = None
            found = self._turn(time, mark)
            if found is None:
                return ()
            pane = found
        given = event.given
        event_id = event.id if given is None else given
        slot = pane.slot_of(key)
        if slot is None:
            slot = self._begin(pane, key, event_id, event.view)
            if slot is None:
                return ()
        else:
            if not pane.take(slot, event_id, event.view, self._order):
                self.counts.unusable += 1
            self._order += 1
        return self._tell(event, time, key, pane, slot, mark) if self._eager else ()

    def due(self, member: Running, key: str, start: Instant, at: Instant) -> Iterator[Evaluation | None]:
        if at not in self._state.ends:
            return
        reading, followed = self._readings[member.rule.id], member.state.episodes
        if self._eager:
            yield from self._still_open(member, reading, start, at)
            return
        ended = yield from self._ended(start, at)
        asked = yield from self._asked(member, ended)
        for keys in chunks(asked):
            for each in keys:
                found = ended.says(reading, each, followed=each in followed)
                if found is not None:
                    yield found
            yield None

    def drop(self, key: str, start: Instant, at: Instant) -> None:
        """A pane goes with the last window that holds it: the one that starts with it."""
        self._last_ended = None
        self._older.pop(at, None)
        if self.batch is not None and at >= self.batch.end:
            self.batch.start = self.batch.end = 0
        if self._state.ends.pop(at, None) is None:
            return
        self._state.panes.pop(start, None)
        if self._filling.pop(start, None) is self._latest:
            self._look_at(self._nothing(), open_=False)
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

    def saving(self) -> Iterator[bytes]:
        self._state.order = self._order
        return pieces_of(self._state, large=Pane)

    def load(self, data: bytes) -> None:
        self._state = self._layout.decode(data, State)
        self._order = self._state.order
        if any(len(pane.index) != len(pane.cells) for pane in self._state.panes.values()):
            raise ValueError("a pane has other keys than cells")

    def _feed_all(self, row: Arrivals, places: Sequence[int], views: Sequence[View], keys: Sequence[str]) -> None:
        pane = self._latest
        ids = [
            given if (given := view.id).__class__ is str and given else row.id(place)
            for place, view in zip(places, views, strict=True)
        ]
        try:
            slots = list(map(pane.index.__getitem__, keys))
        except KeyError:
            slots, ids, views = self._begin_all(pane, keys, ids, views)
        self.counts.unusable += pane.take_all(slots, ids, views, self._order)
        self._order += len(slots)

    def _begin_all(
        self, pane: Filling, keys: Sequence[str], ids: Sequence[str], views: Sequence[View]
    ) -> tuple[list[int], list[str], list[View]]:
        """The first event of each new key takes the next slot; gives the slots, ids and views of the others."""
        index, first = pane.index, len(pane.index)
        new_ids, new_views, slots, other_ids, others = [], [], [], [], []
        for key, event_id, view in zip(keys, ids, views, strict=True):
            slot = index.get(key)
            if slot is not None:
                slots.append(slot)
                other_ids.append(event_id)
                others.append(view)
            elif len(index) < self._max_keys:
                index[key] = len(index)
                new_ids.append(event_id)
                new_views.append(view)
            else:
                self._refuse(pane.pane)
        self.counts.unusable += pane.start_all(first, new_ids, new_views, self._order)
        self._order += len(new_ids)
        return slots, other_ids, others

    def _turn(self, time: Instant, mark: Instant) -> Filling | None:
        """The pane that takes in an event of that time; None where all windows that would hold it are closed."""
        start, end = self._bounds(time)
        if mark >= end:
            self.counts.late += 1
            if mark >= end + self._reach:
                return None
        found = self._filling.get(start)
        if found is None:
            pane = self._state.panes.get(start) or self._open(start, end, mark)
            found = self._filling[start] = self._filler(start, end, pane)
        self._look_at(found, open_=mark < end)
        return found

    def _refuse(self, pane: AnyPane) -> None:
        """The key is one too many."""
        self.counts.refused_keys += 1
        pane.incomplete = True
        self._fed = None

    def _look_at(self, pane: Filling, *, open_: bool) -> None:
        """Events go to this pane from here on. Before it has ended they need not come one by one."""
        self._latest = pane
        if self.batch is not None:
            self.batch.start, self.batch.end = (pane.start, pane.end) if open_ else (0, 0)

    def _open(self, start: Instant, end: Instant, mark: Instant) -> AnyPane:
        pane = self._state.panes[start] = Pane(self._layout.empty())
        self._older.clear()
        last = end + self._reach
        while end <= last:
            if end > mark:
                self._await(start, end)
            start, end = self._bounds(end)
        return pane

    def _begin(self, pane: Filling, key: str, event_id: str, view: View) -> int | None:
        """A key's first event takes the next slot; None where the key is one too many."""
        slot = len(pane.index)
        if slot >= self._max_keys:
            self._refuse(pane.pane)
            return None
        if not pane.start_slot(slot, event_id, view, self._order):
            self.counts.unusable += 1
        self._order += 1
        pane.index[key] = slot
        return slot

    def _tell(
        self, event: Happening, time: Instant, key: str, pane: Filling, slot: int, mark: Instant
    ) -> Sequence[Running]:
        """Whom an eager window has something to say to."""
        for older in self._older.values():
            older.forget(key, pane.start)
        if mark >= pane.end:
            self._fed = None
            return ()
        start, end, held = pane.start - self._reach, pane.end, pane.pane
        if self._reach:
            older = self._older.get(end) or self._older.setdefault(end, self._before(start, pane.start, end))
            sight = older.sight(key, held.cells, slot)
        else:
            sight = Sight(start, end, held.cells.columns, slot, held.cells.marks.counts[slot])
        return self._heard(Fed(event, time, key, sight, slot, held.fired), pane.reached)

    def _before(self, start: Instant, last: Instant, end: Instant) -> Older:
        return Older(start, last, end, self._between(start, last), self._layout)

    def _await(self, start: Instant, end: Instant) -> None:
        """The window whose last pane this is ends with it."""
        if end not in self._state.ends:
            self._state.ends[end] = start - self._reach
            self._schedule(end, "", start - self._reach)

    def _between(self, start: Instant, end: Instant) -> list[AnyPane]:
        """The panes that begin in a stretch of time, the oldest first."""
        return [pane for at, pane in sorted(self._state.panes.items()) if start <= at < end]

    def _one(self, key: str, start: Instant, end: Instant) -> Marked | None:
        return one_key(key, start, end, self._between(start, end), self._layout)

    def _still_open(
        self, member: Running, reading: Reading, start: Instant, end: Instant
    ) -> Iterator[Evaluation | None]:
        """What an eager window says when it ends: to those that follow a key."""
        for keys in chunks(sorted(self._open_keys(member, end))):
            for key in keys:
                sight = self._one(key, start, end)
                if sight is None:
                    yield reading.at_empty_end(key, start, end)
                else:
                    yield reading.at_end(key, sight, followed=True)
            yield None

    def _asked(self, member: Running, ended: Ended) -> Steps[Sequence[str]]:
        """The keys that a member is to be asked of at the end of a window that is not eager, sorted: those that it
        follows and those that may be true."""
        rung = self._rungs.get(member.rule.id)
        may = ended.keys() if rung is None else sorted((yield from ended.beyond(*rung)))
        episodes = member.state.episodes
        if not episodes:
            return may
        followed = self._open_keys(member, ended.end)
        followed.update(key for key in episodes if key in ended.index)
        return sorted(followed.union(may))

    def _open_keys(self, member: Running, end: Instant) -> set[str]:
        """Those that are to hear of a window's end, events or not. What was heard of an open key after the window is
        newer than what the window says."""
        episodes = member.state.episodes
        return {key for key in member.state.open_keys() if episodes[key].heard < end}

    def _ended(self, start: Instant, end: Instant) -> Steps[Ended]:
        """All keys of a window, found once for all members."""
        if self._last_ended is None or self._last_ended.end != end:
            self._last_ended = yield from Ended.of(start, end, self._between(start, end), self._layout)
        return self._last_ended

    def _nothing(self) -> Filling:
        """A pane that no time belongs to."""
        return self._filler(0, 0, Pane(self._layout.empty()))

    def _filler(self, start: Instant, end: Instant, pane: AnyPane) -> Filling:
        layout, cells = self._layout, pane.cells
        takers = layout.taker(cells), layout.taker_of_all(cells), layout.starter(cells), layout.starter_of_all(cells)
        return Filling(start, end, pane.index.get, *takers, pane.index, pane, {})
