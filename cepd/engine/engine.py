"""The engine: (state, row) to firings, and nothing else. The same rows give the same firings, always."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter

import msgspec

from cepd.engine.arrivals import NO_ROW, Arrivals, Current, of_known, of_lines, of_recorded
from cepd.engine.course import Course
from cepd.engine.crew import Crew
from cepd.engine.episodes import end_all
from cepd.engine.folding import close, deadlines
from cepd.engine.program import Program
from cepd.engine.rows import Batch, Disable, Enable, Lines, Recorded, Reset, Resume, Row, Swap, Target
from cepd.engine.snapshot import EngineState, decode_state, encode_state
from cepd.engine.standing import Standing, standing
from cepd.engine.stats import Stats
from cepd.engine.stepping import Steps, finished
from cepd.engine.timers import Deadline, Kind
from cepd.engine.unit import Resettable, Telling, Unit, make_unit
from cepd.engine.watermarks import Watermark
from cepd.engine.why import Why, why
from cepd.model.errors import InputError
from cepd.model.event import Event
from cepd.model.firing import Firing
from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.stop import Stop

STEP = 64
"""Events after which others may have a turn: some hundred microseconds where few of them fire."""


class Engine:
    """Runs a program. Not safe for use by several threads at once."""

    def __init__(self, program: Program, state: EngineState | None = None) -> None:
        found = EngineState() if state is None else state
        self._watermark = found.watermark
        self._muting = found.muting
        units: dict[str, Unit] = {}
        rules = list(program.rules.values())
        for fingerprint, members in program.units:
            if fingerprint in found.units:
                units[fingerprint] = make_unit(rules[members[0]])
                units[fingerprint].load(bytes(found.units[fingerprint]))
        self._crew = Crew(program, Stats(program.counts), found.rules, units, {})
        self._current = Current(NO_ROW)

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
        return b"".join(finished(self.saving()))

    def saving(self) -> Steps[Sequence[bytes]]:
        """The pieces of `snapshot`, in steps between which others may have a turn; no row is to be applied meanwhile.
        Whoever joins them makes a copy of it all, which takes as long as a step must not."""
        crew, pieces = self._crew, list[bytes]()
        if self._watermark is not None:
            crew.tidy(self._watermark)
        self._muting.forget(self._held)
        rules = ((running.rule.id, running.state) for running in crew.rules)
        units = zip(crew.program.units, crew.units, strict=True)
        saved = ((compiled.fingerprint, unit.saving()) for compiled, unit in units)
        for piece in encode_state(self._watermark, rules, saved, self._muting):
            pieces.append(piece)
            yield
        return pieces

    @property
    def stats(self) -> Stats:
        """What was counted up to here."""
        self._crew.count_fed()
        return self._crew.stats

    def next_deadline(self) -> Instant | None:
        """The clock at which a tick is needed if no event comes before; None where nothing is pending."""
        return None if self._watermark is None else self._crew.timers.first_clock(self._watermark)

    def apply(self, row: Row) -> list[Firing]:
        """The firings of one row, in order. A row whose clock is behind the engine's is applied at the engine's."""
        return list(self.run(row))

    def run(self, row: Row) -> Iterator[Firing]:
        """As `apply`, one by one: when a window with a million keys closes, nobody has to hold what all of them fire.
        To be taken to the end; before that the row is not applied."""
        return (step for step in self.steps(row) if step is not None)

    def steps(self, row: Row) -> Iterator[Firing | None]:
        """As `run`, with a None now and then while nothing fires: whoever takes them may do something else meanwhile,
        but nothing with this engine that changes it or takes a snapshot."""
        steps = self._steps(row)
        return steps if self._muting.idle else self._told(steps)

    def _steps(self, row: Row) -> Iterator[Firing | None]:
        watermark = self._watermark
        if watermark is None:
            watermark = self._watermark = Watermark.begin(row.clock, self._crew.program.lateness)
        clock = max(row.clock, watermark.clock)
        if isinstance(row, Resume):
            self._crew.resume(clock - watermark.clock)
        yield from self._advance(watermark, clock)
        program = self._crew.program
        if isinstance(row, Lines):
            yield from self._hear(watermark, row.input, of_lines(row, program.projection, program.counts))
        elif isinstance(row, Batch):
            for event in row.events:
                yield from self._hear(watermark, row.input, of_known(event, row.clock, program.projection))
        elif isinstance(row, Recorded):
            yield from self._hear(watermark, row.input, of_recorded(row, program.projection))
        elif isinstance(row, Target):
            yield from self._crew.tell_one(row.rule_id, row.event, watermark)
        elif isinstance(row, Swap):
            yield from self._swap(watermark, row.program)
        elif isinstance(row, Reset):
            self._reset(row)
        elif isinstance(row, Disable):
            self._muting.stop(row.rule_id, Stop(clock, row.until, row.by, row.reason))
        elif isinstance(row, Enable):
            self._muting.stops.pop(row.rule_id, None)
        if self._crew.timers.crowded:
            self._crew.schedule_all()

    @property
    def stops(self) -> Mapping[str, Stop]:
        """The rules that are disabled at run time, by id; some may be over by now."""
        return self._muting.stops

    def standing(self, rule_id: str) -> Standing | None:
        """Where a rule stands; None for one that the program does not hold."""
        running = self._crew.rule(rule_id)
        self._crew.count_fed()
        if self._watermark is not None:
            self._crew.tidy(self._watermark)
        return None if running is None else standing(running, self._crew.unit_of(rule_id))

    def baselines(self, rule_id: str, limit: int) -> list[dict[str, Json]]:
        """How the baselines of an anomaly rule stand, for the first `limit` of its keys; empty for other rules."""
        unit: object = self._crew.unit_of(rule_id)
        running = self._crew.rule(rule_id)
        if running is None or not isinstance(unit, Telling):
            return []
        return unit.baseline_status(running, limit)

    def why(self, rule_id: str, event: Event, fired: Sequence[Firing]) -> Why | None:
        """Why an event made a rule fire or not; None for a rule that the program does not hold. To be asked right
        after the event was applied; `fired` is what that gave."""
        running = self._crew.rule(rule_id)
        if running is None or self._watermark is None:
            return None
        self._crew.tidy(self._watermark)
        own = [firing for firing in fired if firing.rule_id == rule_id]
        time = self._watermark.clock if running.by_clock else event.time
        return why(running, self._crew.unit_of(rule_id), event, time, own)

    def flush(self) -> Iterator[Firing]:
        """Closes every open window that holds events, in the order in which time would; time itself stands still. For
        the end of a recording: the engine is not to be used after it."""
        ends = [
            Deadline(at, Kind.UNIT, place, key, start)
            for place, unit in enumerate(self._crew.units)
            for at, key, start in unit.open_ends()
        ]
        for _, due in groupby(sorted(ends), key=attrgetter("at")):
            assert self._watermark is not None
            fired = self._told(self._crew.fall_due(list(due), self._watermark))
            yield from (step for step in fired if step is not None)

    def _advance(self, watermark: Watermark, clock: Instant) -> Iterator[Firing | None]:
        """Time passes up to `clock`; what falls due on the way fires in order, each at its own clock."""
        timers = self._crew.timers
        if not (watermark.stands_until(clock) and timers.quiet(watermark, clock)):
            while (found := timers.pop_due(watermark, clock)) is not None:
                watermark.advance(found[0])
                yield from self._crew.fall_due(found[1], watermark)
        watermark.advance(clock)

    def _hear(self, watermark: Watermark, name: str, arrivals: Arrivals) -> Iterator[Firing | None]:
        """Events that came through an input, in stretches in which nothing falls due."""
        crew, course = self._crew, Course(watermark, name, arrivals.times, arrivals.clocks)
        event = arrivals.current(self._current)
        place, count = 0, len(arrivals.views)
        while place < count:
            clock = arrivals.clocks[place]
            if clock > watermark.clock:
                crew.waiting.end(arrivals)
                yield from self._advance(watermark, clock)
            course.begin(place)
            if not crew.timers.quiet(watermark, watermark.clock):
                crew.waiting.end(arrivals)
                yield from self._advance(watermark, watermark.clock)
            end = min(count, place + STEP, course.stretch(place + 1, crew.timers))
            fired, place = crew.hear(arrivals, course, event, range(place, end), watermark)
            yield from fired
            yield None
        crew.waiting.end(arrivals)
        yield None
        crew.stats.events += count

    def _told(self, steps: Iterator[Firing | None]) -> Iterator[Firing | None]:
        """Steps without the firings that nobody is told of."""
        for firing in steps:
            if firing is None:
                yield None
                continue
            assert self._watermark is not None
            told = self._muting.told(firing, self._watermark.clock)
            if told is not None:
                yield told
            elif (running := self._crew.rule(firing.rule_id)) is not None and firing.kind != "storm":
                running.stats.muted += 1
        if self._watermark is not None:
            self._muting.tidy(self._watermark.clock, self._held)

    def _held(self, rule_id: str) -> Collection[str]:
        """The alerts of a rule that more may be fired into."""
        running = self._crew.rule(rule_id)
        return () if running is None else running.state.tallies

    def _reset(self, row: Reset) -> None:
        unit: object = self._crew.unit_of(row.rule_id)
        if isinstance(unit, Resettable):
            unit.reset(row.key)

    def _swap(self, watermark: Watermark, program: Program) -> Iterator[Firing | None]:
        crew = self._crew
        gone = [running for running in crew.rules if running.rule.id not in program.rules]
        owed = [(deadline.at, running.position, deadline) for running in gone for deadline in deadlines(running)]
        for _, position, deadline in sorted(owed):
            firing = close(crew.rules[position], deadline)
            if firing is not None:
                ended = min(firing.time, watermark.clock)
                yield msgspec.structs.replace(firing, time=ended, reason="rule_removed")
        for running in crew.rules:
            after = program.compiled.get(running.rule.id)
            if after is None:
                yield from end_all(running, watermark.clock, "rule_removed")
            elif (after.state, after.episode) != (running.state.fingerprint, running.state.episode):
                yield from end_all(running, watermark.clock, "rule_changed")
                running.state.episode = after.episode
        watermark.relate(program.lateness)
        self._crew = crew.followed_by(program)
        yield from self._advance(watermark, watermark.clock)


def _foreign(whose: str) -> InputError:
    return InputError(f"the snapshot was taken under another form of {whose}", help="replay the journal instead")
