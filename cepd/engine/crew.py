"""The rules, units and timers of a program at work: what an event, or a point in time, makes them fire.

A rule that fails harms nothing but itself: that is counted and shown, and the others go on. Whom an event is for is
found out before (`cepd.engine.audience`), and how time passes is the engine's.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from operator import attrgetter

from cepd.engine.arrivals import Arrivals, Current
from cepd.engine.audience import Turn, audiences
from cepd.engine.course import Course
from cepd.engine.episodes import fall_silent, resume, silence, take
from cepd.engine.evaluation import Evaluation, of_event
from cepd.engine.folding import close, deadlines, opening, opening_of, settle
from cepd.engine.program import CompiledRule, Program
from cepd.engine.projection import type_of
from cepd.engine.running import Running, failed
from cepd.engine.single import evaluate_single
from cepd.engine.state import RuleState
from cepd.engine.stats import Stats
from cepd.engine.timers import Deadline, Kind, Timers
from cepd.engine.unit import Forgetful, Unit, batch_of, make_unit
from cepd.engine.waiting import Waiting
from cepd.engine.watch import follow_anew, watch_all
from cepd.engine.watermarks import Watermark
from cepd.model.duration import Span
from cepd.model.event import Event, Happening
from cepd.model.firing import Firing
from cepd.model.instant import Instant

_POSITION = attrgetter("position")
AT_ONCE = 1_000
"""Firings after which no further event is heard before they are told."""

_NOTHING: list[Firing] = []
"""What most events make fire. Never changed."""


class Crew:
    """`rules` and `units` are the program's, by their places; `audiences` as `audience.audiences` gives them."""

    def __init__(
        self,
        program: Program,
        stats: Stats,
        states: Mapping[str, RuleState],
        units: Mapping[str, Unit],
        seen: Mapping[str, frozenset[str]],
    ) -> None:
        """`states` by rule id and `units` by fingerprint go on where they fit; `seen` are the fields that events had,
        by rule id. All three are those of the crew before."""
        self.program = program
        self.stats = stats
        stats.decode = program.counts
        stats.keep(program.compiled)
        stats.units = []
        self.rules = [
            Running(
                compiled,
                position,
                _kept(compiled, states.get(rule_id)),
                stats.rules[rule_id],
                set(compiled.named - seen.get(rule_id, frozenset())),
            )
            for position, (rule_id, compiled) in enumerate(program.compiled.items())
        ]
        self.units = [
            units.get(fingerprint) or make_unit(self.rules[members[0]].rule) for fingerprint, members in program.units
        ]
        for place, unit in enumerate(self.units):
            members = self.members(place)
            unit.bind(members, partial(self._schedule, place, members[0].by_clock))
            stats.units += [(member.rule.id, unit.counts) for member in members]
        self.waiting = Waiting(self._skip)
        watch_all(self.rules)
        self.audiences = audiences(program, self.rules, self.units)
        self._batching = any(batch_of(unit) is not None for unit in self.units)
        self.schedule_all()

    def followed_by(self, program: Program) -> "Crew":
        """Another program's crew, which goes on with what it may keep of this one's; this one is not to be used after
        that."""
        self.count_fed()
        states = {running.rule.id: running.state for running in self.rules}
        units = {found.fingerprint: unit for found, unit in zip(self.program.units, self.units, strict=True)}
        seen = {running.rule.id: running.compiled.named - running.unseen for running in self.rules}
        return Crew(program, self.stats, states, units, seen)

    def rule(self, rule_id: str) -> Running | None:
        """A rule of the program; None for another."""
        position = self.program.positions.get(rule_id)
        return None if position is None else self.rules[position]

    def unit_of(self, rule_id: str) -> Unit | None:
        compiled = self.program.compiled.get(rule_id)
        return None if compiled is None or compiled.unit is None else self.units[self.program.places[compiled.unit]]

    def tidy(self, watermark: Watermark) -> None:
        """Units forget what is over: before they are saved or shown."""
        for place, unit in enumerate(self.units):
            if isinstance(unit, Forgetful):
                unit.forget(_mark(self.members(place)[0], watermark))

    def members(self, place: int) -> list[Running]:
        """The rules that hang on a unit."""
        return [self.rules[position] for position in self.program.units[place].members]

    def hear(
        self, row: Arrivals, course: Course, event: Happening, places: range, watermark: Watermark
    ) -> tuple[list[Firing], int]:
        """What events at places of a row make fire, and the place at which there is to be gone on: before their end
        where a deadline was set that may fall due before it, or where much has fired. `event` stands for each of them.

        The hottest loop of all: what it does for an event that nobody hears is all that most events cost.
        """
        audiences, timers, source = self.audiences, self.timers, row.source
        everyone = [] if course.is_own else audiences[None]
        views, times = row.views[places.start : places.stop], row.times[places.start : places.stop]
        moving = event if isinstance(event, Current) else None
        mark, clock = timers.mark, timers.clock
        fired: list[Firing] = []
        met: list[Turn] = []
        found: list[int] = []
        add, extend = found.append, found.extend
        for place, view, time in zip(places, views, times, strict=True):
            event_type = view.type
            if event_type.__class__ is not str:
                event_type = type_of(view)
            for audience in audiences.get(event_type, everyone):
                if audience.match is None:
                    met += audience.turns
                else:
                    try:
                        audience.match(view, add, extend, source)
                    except Exception:  # noqa: BLE001  one rule's failure is its own: found, counted, the others go on
                        found[:] = audience.match_singly(view, source, failed)
                    if found:
                        met += [audience.turns[number] for number in found]
                        found.clear()
                if audience.alert:
                    audience.look(view, source, met)
            if not met:
                continue
            if self._batching:
                met = self.waiting.add(met, place, time, row)
            if met:
                course.reach(place)
                if moving is not None:
                    moving.place, moving.view, moving.type, moving.time = place, view, event_type, time
                fired += self.tell(met, event, watermark)
                met.clear()
                if timers.mark != mark or timers.clock != clock or len(fired) >= AT_ONCE:
                    return fired, place + 1
        course.reach(places.stop - 1)
        return fired, places.stop

    def tell(self, met: Sequence[Turn], event: Happening, watermark: Watermark) -> list[Firing]:
        """What rules that an event meets, or whose units it is for, fire of it, in rule order."""
        asked: list[Turn] = []
        for turn in met:
            if turn.feed is None:
                asked.append(turn)
                continue
            try:
                key = turn.key(event.view)
                if key is None:
                    self._skip(turn)
                    continue
                if turn.by_clock:
                    members = turn.feed(event, watermark.clock, key, watermark.clock)
                else:
                    members = turn.feed(event, event.time, key, watermark.at)
            except Exception as error:  # noqa: BLE001  one rule's failure is its own: counted, shown, the others go on
                failed(turn.running, error)
                continue
            turn.fed += 1
            if members:
                asked += [Turn(member.position, member, turn.unit) for member in members]
        return self._ask(asked, event, watermark) if asked else _NOTHING

    def _ask(self, asked: list[Turn], event: Happening, watermark: Watermark) -> list[Firing]:
        if len(asked) > 1:
            asked.sort(key=_POSITION)
        fired: list[Firing] = []
        for turn in asked:
            running = turn.running
            try:
                if turn.unit is not None:
                    for found in turn.unit.read(running):
                        fired += self._take(running, found, watermark)
                elif running.plain:
                    fired += self._fire(turn, event, watermark)
                else:
                    for found in _judge(turn, event, watermark):
                        fired += self._take(running, found, watermark)
            except Exception as error:  # noqa: BLE001  as above
                failed(running, error)
        return fired

    def _fire(self, turn: Turn, event: Happening, watermark: Watermark) -> Sequence[Firing]:
        """What comes of an event that a plain rule without a unit is met by."""
        running, stats = turn.running, turn.running.stats
        key = turn.key(event.view)
        stats.matched += 1
        if key is None:
            stats.skipped_keys += 1
            return ()
        time, mark = (watermark.clock,) * 2 if running.by_clock else (event.time, watermark.at)
        return settle(running, key, opening_of(running, event, key, time), mark, self.timers)

    def _skip(self, turn: Turn, events: int = 1) -> None:
        """A value of `group_by` was none that makes a key, of so many events."""
        for member in self._hung_on(turn):
            member.stats.skipped_keys += events

    def _hung_on(self, turn: Turn) -> list[Running]:
        """The rules that hang on the unit of the turn's."""
        fingerprint = turn.running.compiled.unit
        return [] if fingerprint is None else self.members(self.program.places[fingerprint])

    def tell_one(self, rule_id: str, event: Event, watermark: Watermark) -> list[Firing]:
        """What one rule fires of an event that stands for everything it would otherwise wait for."""
        running = self.rule(rule_id)
        if running is None:
            self.stats.unknown_targets += 1
            return []
        self.stats.targets += 1
        try:
            single = evaluate_single(running.rule, event)
            running.stats.matched += single.held
            if not single.held or single.key is None:
                running.stats.skipped_keys += single.held
                return []
            found = of_event(event, single.key, _time(running, event, watermark), single.values)
            return settle(running, found.key, opening(running, found, found.cause), watermark.at, self.timers)
        except Exception as error:  # noqa: BLE001  as above
            failed(running, error)
            return []

    def fall_due(self, due: Sequence[Deadline], watermark: Watermark) -> Iterator[Firing | None]:
        """Deals with deadlines of one time in rule order; every member of a unit sees it before the unit goes on. A
        None after each: see `Engine.steps`."""
        calls: list[tuple[int, Deadline]] = []
        for deadline in due:
            of_unit = deadline.kind is Kind.UNIT
            owners = self.program.units[deadline.owner].members if of_unit else (deadline.owner,)
            calls.extend((position, deadline) for position in owners)
        for position, deadline in sorted(calls, key=lambda call: (call[0], call[1].kind, call[1].key, call[1].start)):
            running = self.rules[position]
            try:
                yield from self._deal_with(running, deadline, watermark)
                yield None
            except Exception as error:  # noqa: BLE001  as above
                failed(running, error)
        for deadline in due:
            if deadline.kind is Kind.UNIT:
                try:
                    self.units[deadline.owner].drop(deadline.key, deadline.start, deadline.at)
                except Exception as error:  # noqa: BLE001  as above
                    failed(self.members(deadline.owner)[0], error)

    def resume(self, downtime: Span) -> None:
        """Nothing could be heard for so long."""
        for unit in self.units:
            unit.resume(downtime)
        for running in self.rules:
            resume(running, downtime)
        follow_anew(self.rules)
        self.schedule_all()

    def schedule_all(self) -> None:
        """Everything that is pending, anew."""
        self.timers = Timers(self._pending())

    def count_fed(self) -> None:
        """What a unit was fed matched each of its rules. Added up when somebody looks, so that an event costs the same
        for one rule and for a hundred."""
        for audience in {id(found): found for heard in self.audiences.values() for found in heard}.values():
            for turn in audience.turns:
                if turn.fed:
                    for member in self._hung_on(turn):
                        member.stats.matched += turn.fed
                    turn.fed = 0

    def _deal_with(self, running: Running, deadline: Deadline, watermark: Watermark) -> Iterator[Firing | None]:
        match deadline.kind:
            case Kind.UNIT:
                unit = self.units[deadline.owner]
                for found in unit.due(running, deadline.key, deadline.start, deadline.at):
                    yield from (None,) if found is None else self._take(running, found, watermark)
            case Kind.SILENCE:
                yield from fall_silent(running, deadline, self.timers)
                if running.watch is not None:
                    running.watch.look(running, deadline.key)
            case _:
                firing = close(running, deadline)
                if firing is not None:
                    yield firing

    def _take(self, running: Running, found: Evaluation, watermark: Watermark) -> list[Firing]:
        fired = take(running, found, _mark(running, watermark), self.timers)
        if running.watch is not None:
            running.watch.look(running, found.key)
        return fired

    def _schedule(self, place: int, by_clock: bool, at: Instant, key: str, start: Instant) -> None:
        self.timers.add(Deadline(at, Kind.UNIT, place, key, start), by_clock=by_clock)

    def _pending(self) -> Iterator[tuple[Deadline, bool]]:
        """All deadlines that hold, each with whether it goes by the clock."""
        for place, unit in enumerate(self.units):
            by_clock = self.members(place)[0].by_clock
            for at, key, start in unit.deadlines():
                yield Deadline(at, Kind.UNIT, place, key, start), by_clock
        for running in self.rules:
            silences = (silence(running, key, episode) for key, episode in running.state.episodes.items())
            for deadline in (*deadlines(running), *silences):
                if deadline is not None:
                    yield deadline, running.by_clock


def _judge(turn: Turn, event: Happening, watermark: Watermark) -> Sequence[Evaluation]:
    """What an event is to a rule without a unit."""
    running, truth = turn.running, turn.truth
    key = running.compiled.key(event.view)
    running.stats.matched += truth
    if key is None:
        running.stats.skipped_keys += truth
        return ()
    return (of_event(event, key, _time(running, event, watermark), truth=truth),)


def _mark(running: Running, watermark: Watermark) -> Instant:
    return watermark.clock if running.by_clock else watermark.at


def _time(running: Running, event: Happening, watermark: Watermark) -> Instant:
    return watermark.clock if running.by_clock else event.time


def _kept(compiled: CompiledRule, state: RuleState | None) -> RuleState:
    if state is not None and state.fingerprint == compiled.state:
        return state
    return RuleState(compiled.state, compiled.episode)
