"""Session windows: the events of a key with no more than `timeout` between one and the next, first to last inclusive.

A session closes when the watermark is above its last event's time by more than `timeout`. Until then an event that
comes out of order joins it, or joins two into one. Sessions come and go one by one, so their slots are never used
again: once most are unused, the open sessions move into fresh cells.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeAlias

import msgspec

from cepd.engine.asking import Reached
from cepd.engine.cells import Cells, Columns, ColumnsT
from cepd.engine.evaluation import Evaluation
from cepd.engine.ladders import rungs
from cepd.engine.pieces import pieces_of
from cepd.engine.reading import Fed, Marked, Sight, seen
from cepd.engine.running import Running
from cepd.engine.state import Episode
from cepd.engine.unit import Schedule, UnitStatus
from cepd.engine.windowed import Windowed
from cepd.model.event import Happening
from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.rule import Rule

_FEW = 64
"""Slots that are not worth to be moved."""


class Session(msgspec.Struct):
    """`[first, last]`. `awaited`: when its end is looked at; never after it is due."""

    first: Instant
    last: Instant
    slot: int
    awaited: Instant


class State(msgspec.Struct, Generic[ColumnsT]):
    cells: Cells[ColumnsT]
    sessions: dict[str, list[Session]] = msgspec.field(default_factory=dict)
    """The open sessions of each key that has one, in order of time."""
    fired: dict[int, list[str]] = msgspec.field(default_factory=dict)
    """Of eager sessions: the rules that have fired, by slot; those of unused slots go with them."""
    order: int = 0
    """How many events were taken in."""
    open: int = 0


AnyState: TypeAlias = State[Columns]


class Unit(Windowed):
    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        assert self._window.timeout is not None
        self._timeout = self._window.timeout
        self._state: AnyState = State(self._layout.empty())

    def bind(self, members: Sequence[Running], schedule: Schedule) -> None:
        super().bind(members, schedule)
        self._rungs = rungs(members)
        self._begin_cells()

    def feed(self, event: Happening, time: Instant, key: str, mark: Instant) -> Sequence[Running]:
        session = self._join(key, time) or self._begin(key, time, mark)
        if session is None:
            self._fed = None
            return ()
        state = self._state
        if time > session.last:
            session.last = time
        elif time < session.first:
            session.first = time
        given, slot = event.given, session.slot
        if not self._take(slot, event.id if given is None else given, event.view, state.order):
            self.counts.unusable += 1
        state.order += 1
        if not self._eager:
            return ()
        sight = Sight(session.first, session.last, state.cells.columns, slot, state.cells.marks.counts[slot])
        return self._heard(Fed(event, time, key, sight, slot, state.fired), self._reached)

    def due(self, member: Running, key: str, start: Instant, at: Instant) -> Iterable[Evaluation]:
        reading, episode = self._readings[member.rule.id], member.state.episodes.get(key)
        wanted = [
            session
            for session in self._state.sessions.get(key, ())
            if self._due_at(session) <= at and self._wants(member, episode, session)
        ]
        found = [reading.at_end(key, self._of(session), followed=episode is not None) for session in wanted]
        return [evaluation for evaluation in found if evaluation is not None]

    def drop(self, key: str, start: Instant, at: Instant) -> None:
        sessions = self._state.sessions.get(key, [])
        for session in sessions[:]:
            if self._due_at(session) <= at:
                self._forget(key, session)
            elif session.awaited <= at:
                session.awaited = self._due_at(session)
                self._schedule(session.awaited, key, session.awaited)
        self._tidy()

    def deadlines(self) -> Iterable[tuple[Instant, str, Instant]]:
        return [(session.awaited, key, session.awaited) for key, session in self._all()]

    def open_ends(self) -> Iterable[tuple[Instant, str, Instant]]:
        return [(self._due_at(session), key, session.first) for key, session in self._all()]

    def status(self) -> UnitStatus:
        return UnitStatus(keys=len(self._state.sessions), windows=self._state.open)

    def describe(self, key: str) -> dict[str, Json]:
        sessions = self._state.sessions.get(key, ())
        return {"windows": [seen(self._of(session), self._readings) for session in sessions]} if sessions else {}

    def saving(self) -> Iterator[bytes]:
        return pieces_of(self._state)

    def load(self, data: bytes) -> None:
        self._state = self._layout.decode(data, State)
        slots = [session.slot for _, session in self._all()]
        if len(slots) != self._state.open or not all(0 <= slot < len(self._state.cells) for slot in slots):
            raise ValueError("there are other sessions than cells")

    def _join(self, key: str, time: Instant) -> Session | None:
        """The session that an event belongs to; of two, the older one with all that the younger one held."""
        sessions = self._state.sessions.get(key)
        if sessions is None:
            return None
        if len(sessions) == 1:
            (alone,) = sessions
            return alone if alone.first - self._timeout <= time <= alone.last + self._timeout else None
        near = [found for found in sessions if found.first - self._timeout <= time <= found.last + self._timeout]
        if not near:
            return None
        older, *younger = near
        for other in younger:
            older.last = other.last
            older.awaited = other.awaited
            self._state.cells.merge(older.slot, self._state.cells, other.slot)
            for rule_id in self._state.fired.get(other.slot, ()):
                fired = self._state.fired.setdefault(older.slot, [])
                if rule_id not in fired:
                    fired.append(rule_id)
            self._forget(key, other)
        return older

    def _begin(self, key: str, time: Instant, mark: Instant) -> Session | None:
        state, due_at = self._state, time + self._timeout + 1
        if mark >= due_at:
            self.counts.late += 1
            return None
        if state.open >= self._max_keys:
            self.counts.refused_keys += 1
            return None
        session = Session(time, time, state.cells.grow(), due_at)
        sessions = state.sessions.setdefault(key, [])
        sessions.append(session)
        sessions.sort(key=lambda found: found.first)
        state.open += 1
        self._schedule(due_at, key, due_at)
        return session

    def _wants(self, member: Running, episode: Episode | None, session: Session) -> bool:
        """Whether the end of a session may mean something to a member: it follows the key, and of a session that is
        not eager also where its threshold is crossed."""
        if self._eager:
            return episode is not None and bool(episode.first_id) and episode.heard <= session.last
        rung = self._rungs.get(member.rule.id)
        if episode is not None or rung is None:
            return True
        ladder, limit = rung
        column = self._state.cells.columns[self._layout.place(ladder.aggregate)]
        return ladder.crosses(column.value(session.slot, ladder.aggregate, session.last - session.first), limit)

    def _forget(self, key: str, session: Session) -> None:
        sessions = self._state.sessions[key]
        sessions.remove(session)
        if not sessions:
            del self._state.sessions[key]
        self._state.open -= 1

    def _tidy(self) -> None:
        """Moves the open sessions into fresh cells once more than half of the slots are unused."""
        state = self._state
        if len(state.cells) <= max(_FEW, 2 * state.open):
            return
        cells, fired = self._layout.empty(), {}
        for _, session in self._all():
            slot = cells.grow()
            cells.merge(slot, state.cells, session.slot)
            if session.slot in state.fired:
                fired[slot] = state.fired[session.slot]
            session.slot = slot
        state.cells, state.fired = cells, fired
        self._begin_cells()

    def _begin_cells(self) -> None:
        """Events go into other cells from here on."""
        self._take = self._layout.taker(self._state.cells)
        self._reached: Reached = {}

    def _all(self) -> Iterator[tuple[str, Session]]:
        for key, sessions in self._state.sessions.items():
            for session in sessions:
                yield key, session

    def _due_at(self, session: Session) -> Instant:
        return session.last + self._timeout + 1

    def _of(self, session: Session) -> Marked:
        return Marked.of(session.first, session.last, self._state.cells, session.slot)
