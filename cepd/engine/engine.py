"""The engine: (state, row) to firings, and nothing else. The same rows give the same firings, always."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter

import msgspec

from cepd.engine.episodes import end_all, fall_silent, resume, silence, take
from cepd.engine.evaluation import Evaluation, of_event
from cepd.engine.folding import close, deadlines, opening, settle
from cepd.engine.program import CompiledRule, Program
from cepd.engine.rows import Batch, Reset, Resume, Row, Swap, Target
from cepd.engine.running import Running
from cepd.engine.single import evaluate_single
from cepd.engine.snapshot import EngineState, decode_state, encode_state
from cepd.engine.standing import Standing, standing
from cepd.engine.state import RuleState
from cepd.engine.stats import Stats
from cepd.engine.timers import Deadline, Kind, Timers
from cepd.engine.unit import Resettable, Telling, Unit, make_unit
from cepd.engine.watermarks import Watermark
from cepd.engine.why import Why, why
from cepd.model.errors import InputError
from cepd.model.event import Event
from cepd.model.firing import Firing
from cepd.model.instant import Instant
from cepd.model.json import Json


class Engine:
    """Runs a program. Not safe for use by several threads at once."""

    def __init__(self, program: Program, state: EngineState | None = None) -> None:
        found = EngineState() if state is None else state
        self.stats = Stats(program.counts)
        self._running: list[Running] = []
        self._watermark = found.watermark
        units: dict[str, Unit] = {}
        rules = list(program.rules.values())
        for fingerprint, members in program.units:
            if fingerprint in found.units:
                units[fingerprint] = make_unit(rules[members[0]])
                units[fingerprint].load(bytes(found.units[fingerprint]))
        self._install(program, found.rules, units)

    @classmethod
    def restore(cls, program: Program, data: bytes) -> "Engine":
        """The engine that gave `snapshot()`, with the program that it ran. Raises InputError where the bytes are no
        snapshot, or one of other rules."""
        state = decode_state(data)
        for rule_id, found in state.rules.items():
            compiled = program.compiled.get(rule_id)
            if compiled is None or (compiled.state, compiled.episode) != (found.fingerprint, found.episode):
                raise _foreign(f"rule {rule_id}")
        if not state.units.keys() <= {unit.fingerprint for unit in program.units}:
            raise _foreign("some rule")
        try:
            return cls(program, state)
        except ValueError as error:
            raise InputError(f"these bytes are no snapshot: {error}", help="replay the journal instead") from None

    def snapshot(self) -> bytes:
        """Everything that later firings depend on. A cut between two rows."""
        rules = {running.rule.id: running.state for running in self._running}
        units = {
            compiled.fingerprint: msgspec.Raw(unit.save())
            for compiled, unit in zip(self._program.units, self._units, strict=True)
        }
        return encode_state(EngineState(self._watermark, rules, units))

    def next_deadline(self) -> Instant | None:
        """The clock at which a tick is needed if no event comes before; None where nothing is pending."""
        return None if self._watermark is None else self._timers.first_clock(self._watermark)

    def apply(self, row: Row) -> list[Firing]:
        """The firings of one row, in order. A row whose clock is behind the engine's is applied at the engine's."""
        return list(self.run(row))

    def run(self, row: Row) -> Iterator[Firing]:
        """As `apply`, one by one: when a window with a million keys closes, nobody has to hold what all of them fire.
        To be taken to the end; before that the row is not applied."""
        watermark = self._watermark
        if watermark is None:
            watermark = self._watermark = Watermark.begin(row.clock, self._program.lateness)
        clock = max(row.clock, watermark.clock)
        if isinstance(row, Resume):
            self._resume(clock - watermark.clock)
        yield from self._advance(watermark, clock)
        if isinstance(row, Batch):
            yield from self._batch(watermark, row)
        elif isinstance(row, Target):
            yield from self._target(watermark, row)
        elif isinstance(row, Swap):
            yield from self._swap(watermark, row.program)
        elif isinstance(row, Reset):
            self._reset(row)
        if self._timers.crowded:
            self._schedule_all()

    def standing(self, rule_id: str) -> Standing | None:
        """Where a rule stands; None for one that the program does not hold."""
        position = self._positions.get(rule_id)
        return None if position is None else standing(self._running[position], self._unit_of(rule_id))

    def baselines(self, rule_id: str, limit: int) -> list[dict[str, Json]]:
        """How the baselines of an anomaly rule stand, for the first `limit` of its keys; empty for other rules."""
        unit: object = self._unit_of(rule_id)
        if not isinstance(unit, Telling):
            return []
        return unit.baseline_status(self._running[self._positions[rule_id]], limit)

    def why(self, rule_id: str, event: Event, fired: Sequence[Firing]) -> Why | None:
        """Why an event made a rule fire or not; None for a rule that the program does not hold. To be asked right
        after the event was applied; `fired` is what that gave."""
        position = self._positions.get(rule_id)
        if position is None:
            return None
        running = self._running[position]
        own = [firing for firing in fired if firing.rule_id == rule_id]
        return why(running, self._unit_of(rule_id), event, self._time(running, event), own)

    def flush(self) -> Iterator[Firing]:
        """Closes every open window that holds events, in the order in which time would; time itself stands still. For
        the end of a recording: the engine is not to be used after it."""
        ends = [
            Deadline(at, Kind.UNIT, place, key, start)
            for place, unit in enumerate(self._units)
            for at, key, start in unit.open_ends()
        ]
        for _, due in groupby(sorted(ends), key=attrgetter("at")):
            yield from self._fall_due(list(due))

    def _advance(self, watermark: Watermark, clock: Instant) -> Iterator[Firing]:
        """Time passes up to `clock`; what falls due on the way fires in order, each at its own clock."""
        if not (watermark.stands_until(clock) and self._timers.quiet(watermark, clock)):
            while (found := self._timers.pop_due(watermark, clock)) is not None:
                watermark.advance(found[0])
                yield from self._fall_due(found[1])
        watermark.advance(clock)

    def _fall_due(self, due: Iterable[Deadline]) -> Iterator[Firing]:
        """Deals with deadlines of one time in rule order; every member of a unit sees it before the unit goes on."""
        calls: list[tuple[int, Deadline]] = []
        for deadline in due:
            of_unit = deadline.kind is Kind.UNIT
            owners = self._program.units[deadline.owner].members if of_unit else (deadline.owner,)
            calls.extend((position, deadline) for position in owners)
        for position, deadline in sorted(calls, key=lambda call: (call[0], call[1].kind, call[1].key, call[1].start)):
            running = self._running[position]
            try:
                yield from self._deal_with(running, deadline)
            except Exception as error:  # noqa: BLE001  one rule's failure is its own: counted, shown, the others go on
                self._failed(running, error)
        for deadline in due:
            if deadline.kind is Kind.UNIT:
                try:
                    self._units[deadline.owner].drop(deadline.key, deadline.start, deadline.at)
                except Exception as error:  # noqa: BLE001  as above
                    self._failed(self._running[self._program.units[deadline.owner].members[0]], error)

    def _deal_with(self, running: Running, deadline: Deadline) -> Iterator[Firing]:
        match deadline.kind:
            case Kind.UNIT:
                unit = self._units[deadline.owner]
                yield from self._take(running, unit.due(running, deadline.key, deadline.start, deadline.at))
            case Kind.SILENCE:
                yield from fall_silent(running, deadline, self._timers)
            case _:
                firing = close(running, deadline)
                if firing is not None:
                    yield firing

    def _batch(self, watermark: Watermark, row: Batch) -> Iterator[Firing]:
        self.stats.events += len(row.events)
        listeners = self._program.listeners
        for event in row.events:
            event.view = self._program.projection.of(event.fields)
            watermark.observe(row.input, event.time)
            if not self._timers.quiet(watermark, watermark.clock):
                yield from self._advance(watermark, watermark.clock)
            for position, place, feeds in listeners(event.type):
                running = self._running[position]
                sources = running.compiled.sources
                if sources is not None and event.source not in sources:
                    continue
                try:
                    if running.unseen:
                        running.look_for_unseen(event.fields)
                    if place is None:
                        yield from self._match(running, event)
                    else:
                        if feeds:
                            self._fed[place] = self._feed(place, running, event)
                        if self._fed[place]:
                            running.stats.matched += 1
                            yield from self._take(running, self._units[place].read(running))
                except Exception as error:  # noqa: BLE001  as above
                    self._failed(running, error)

    def _match(self, running: Running, event: Event) -> Iterable[Firing]:
        """An event for a rule without a unit."""
        compiled, fields = running.compiled, event.fields
        matches = compiled.matches(fields)
        if not matches and not (compiled.episodic and running.state.episodes and compiled.hears(fields)):
            return ()
        running.stats.matched += matches
        key = compiled.key(fields)
        if key is None:
            running.stats.skipped_keys += matches
            return ()
        found = of_event(event, key, self._time(running, event))
        return self._take(running, (found if matches else msgspec.structs.replace(found, truth=False),))

    def _feed(self, place: int, running: Running, event: Event) -> bool:
        """An event for the unit of a rule; tells whether it took it in."""
        self._fed[place] = False
        if not running.compiled.hears(event.fields):
            return False
        key = running.compiled.key(event.fields)
        if key is None:
            for position in self._program.units[place].members:
                self._running[position].stats.skipped_keys += 1
            return False
        self._units[place].feed(event, self._time(running, event), key, self._mark(running))
        return True

    def _take(self, running: Running, evaluations: Iterable[Evaluation]) -> Iterator[Firing]:
        for found in evaluations:
            yield from take(running, found, self._mark(running), self._timers)

    def _clock(self) -> Watermark:
        assert self._watermark is not None
        return self._watermark

    def _mark(self, running: Running) -> Instant:
        return self._clock().clock if running.by_clock else self._clock().at

    def _time(self, running: Running, event: Event) -> Instant:
        return self._clock().clock if running.by_clock else event.time

    def _target(self, watermark: Watermark, row: Target) -> Iterator[Firing]:
        position = self._positions.get(row.rule_id)
        if position is None:
            self.stats.unknown_targets += 1
            return
        self.stats.targets += 1
        running = self._running[position]
        try:
            single = evaluate_single(running.rule, row.event)
            if not single.held:
                return
            running.stats.matched += 1
            if single.key is None:
                running.stats.skipped_keys += 1
                return
            found = of_event(row.event, single.key, self._time(running, row.event), single.values)
            yield from settle(running, found.key, opening(running, found, found.cause), watermark.at, self._timers)
        except Exception as error:  # noqa: BLE001  as above
            self._failed(running, error)

    def _failed(self, running: Running, error: Exception) -> None:
        running.stats.errors += 1
        running.stats.last_error = f"{type(error).__name__}: {error}"

    def _resume(self, downtime: int) -> None:
        for unit in self._units:
            unit.resume(downtime)
        for running in self._running:
            resume(running, downtime)
        self._schedule_all()

    def _reset(self, row: Reset) -> None:
        unit: object = self._unit_of(row.rule_id)
        if isinstance(unit, Resettable):
            unit.reset(row.key)

    def _unit_of(self, rule_id: str) -> Unit | None:
        compiled = self._program.compiled.get(rule_id)
        if compiled is None or compiled.unit is None:
            return None
        return self._units[self._program.places[compiled.unit]]

    def _swap(self, watermark: Watermark, program: Program) -> Iterator[Firing]:
        gone = {running.position for running in self._running if running.rule.id not in program.rules}
        owed = [
            (deadline.at, position, deadline) for position in gone for deadline in deadlines(self._running[position])
        ]
        for _, position, deadline in sorted(owed):
            firing = close(self._running[position], deadline)
            if firing is not None:
                ended = min(firing.time, watermark.clock)
                yield msgspec.structs.replace(firing, time=ended, reason="rule_removed")
        for running in self._running:
            after = program.compiled.get(running.rule.id)
            if after is None:
                yield from end_all(running, watermark.clock, "rule_removed")
            elif (after.state, after.episode) != (running.state.fingerprint, running.state.episode):
                yield from end_all(running, watermark.clock, "rule_changed")
                running.state.episode = after.episode
        watermark.relate(program.lateness)
        states = {running.rule.id: running.state for running in self._running}
        units = {found.fingerprint: unit for found, unit in zip(self._program.units, self._units, strict=True)}
        self._install(program, states, units)
        yield from self._advance(watermark, watermark.clock)

    def _install(self, program: Program, states: Mapping[str, RuleState], units: Mapping[str, Unit]) -> None:
        """Makes the program the one that runs, with what it may keep of the states and units."""
        self._program = program
        self._positions = {rule_id: position for position, rule_id in enumerate(program.compiled)}
        self.stats.decode = program.counts
        self.stats.keep(program.compiled)
        seen = {running.rule.id: running.compiled.named - running.unseen for running in self._running}
        self._running = [
            Running(
                compiled,
                self._positions[rule_id],
                _kept(compiled, states.get(rule_id)),
                self.stats.rules[rule_id],
                set(compiled.named - seen.get(rule_id, frozenset())),
            )
            for rule_id, compiled in program.compiled.items()
        ]
        self._units = [
            units.get(fingerprint) or make_unit(self._running[members[0]].rule)
            for fingerprint, members in program.units
        ]
        self._fed = [False] * len(self._units)
        for place, compiled_unit in enumerate(program.units):
            members = [self._running[position] for position in compiled_unit.members]
            schedule = partial(self._schedule, place, members[0].by_clock)
            self._units[place].bind(members, schedule)
        self.stats.units = [
            (self._running[position].rule.id, unit.counts)
            for unit, (_, positions) in zip(self._units, program.units, strict=True)
            for position in positions
        ]
        self._schedule_all()

    def _schedule(self, place: int, by_clock: bool, at: Instant, key: str, start: Instant) -> None:
        self._timers.add(Deadline(at, Kind.UNIT, place, key, start), by_clock=by_clock)

    def _schedule_all(self) -> None:
        """Everything that is pending, anew."""
        self._timers = Timers(self._pending())

    def _pending(self) -> Iterator[tuple[Deadline, bool]]:
        """All deadlines that hold, each with whether it goes by the clock."""
        for place, compiled_unit in enumerate(self._program.units):
            by_clock = self._running[compiled_unit.members[0]].by_clock
            for at, key, start in self._units[place].deadlines():
                yield Deadline(at, Kind.UNIT, place, key, start), by_clock
        for running in self._running:
            silences = (silence(running, key, episode) for key, episode in running.state.episodes.items())
            for deadline in (*deadlines(running), *silences):
                if deadline is not None:
                    yield deadline, running.by_clock


def _kept(compiled: CompiledRule, state: RuleState | None) -> RuleState:
    if state is not None and state.fingerprint == compiled.state:
        return state
    return RuleState(compiled.state, compiled.episode)


def _foreign(whose: str) -> InputError:
    return InputError(f"the snapshot was taken under another form of {whose}", help="replay the journal instead")
