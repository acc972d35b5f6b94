"""The engine: (state, row) to firings, and nothing else. The same rows give the same firings, always."""

import msgspec

from cepd.engine.folding import Running, close, deadlines, settle
from cepd.engine.ids import firing_id
from cepd.engine.keys import Key
from cepd.engine.program import CompiledRule, Program
from cepd.engine.rows import Batch, Row, Swap, Target
from cepd.engine.single import evaluate_single
from cepd.engine.snapshot import decode_state, encode_state
from cepd.engine.state import EngineState, RuleState
from cepd.engine.stats import Stats
from cepd.engine.timers import Timers
from cepd.engine.watermarks import Watermark
from cepd.model.errors import InputError
from cepd.model.event import Event
from cepd.model.firing import Firing
from cepd.model.instant import Instant
from cepd.model.json import Json


class Engine:
    """Runs a program. Not safe for use by several threads at once."""

    def __init__(self, program: Program, state: EngineState | None = None) -> None:
        self._state = EngineState() if state is None else state
        self.stats = Stats(program.counts)
        self._install(program)

    @classmethod
    def restore(cls, program: Program, data: bytes) -> "Engine":
        """The engine that gave `snapshot()`, with the program that it ran. Raises InputError where the bytes are no
        snapshot, or one of other rules."""
        state = decode_state(data)
        for rule_id, found in state.rules.items():
            compiled = program.compiled.get(rule_id)
            if compiled is None or compiled.state != found.fingerprint:
                raise InputError(
                    f"the snapshot was taken under another form of rule {rule_id}", help="replay the journal instead"
                )
        return cls(program, state)

    def snapshot(self) -> bytes:
        """Everything that later firings depend on. A cut between two rows."""
        return encode_state(self._state)

    def next_deadline(self) -> Instant | None:
        """The clock at which a tick is needed if no event comes before; None where nothing is pending."""
        watermark = self._state.watermark
        return None if watermark is None else self._timers.first_clock(watermark)

    def apply(self, row: Row) -> list[Firing]:
        """The firings of one row, in order. A row whose clock is behind the engine's is applied at the engine's."""
        watermark = self._state.watermark
        if watermark is None:
            watermark = self._state.watermark = Watermark.begin(row.clock, self._program.lateness)
        out: list[Firing] = []
        self._advance(watermark, max(row.clock, watermark.clock), out)
        if isinstance(row, Batch):
            self._batch(watermark, row, out)
        elif isinstance(row, Target):
            self._target(watermark, row, out)
        elif isinstance(row, Swap):
            self._swap(watermark, row.program, out)
        return out

    def _advance(self, watermark: Watermark, clock: Instant, out: list[Firing]) -> None:
        """Time passes up to `clock`; what falls due on the way fires in order, each at its own clock."""
        if not (watermark.stands_until(clock) and self._timers.quiet(watermark, clock)):
            while (found := self._timers.pop_due(watermark, clock)) is not None:
                due, deadline = found
                watermark.advance(due)
                firing = close(self._running[deadline.position], deadline)
                if firing is not None:
                    out.append(firing)
        watermark.advance(clock)

    def _batch(self, watermark: Watermark, row: Batch, out: list[Firing]) -> None:
        self.stats.events += len(row.events)
        listeners = self._program.listeners
        for event in row.events:
            if watermark.observe(row.input, event.time) and not self._timers.quiet(watermark, watermark.clock):
                self._advance(watermark, watermark.clock, out)
            for compiled in listeners(event.type):
                if compiled.sources is None or event.source in compiled.sources:
                    self._match(watermark, compiled, event, out)

    def _match(self, watermark: Watermark, compiled: CompiledRule, event: Event, out: list[Firing]) -> None:
        try:
            if not compiled.matches(event.fields):
                return
            key = compiled.key(event.fields)
        except Exception as error:  # noqa: BLE001  one rule's failure is its own: counted, shown, the others go on
            self._failed(compiled, error)
            return
        self._fire(watermark, compiled, event, key, {}, out)

    def _target(self, watermark: Watermark, row: Target, out: list[Firing]) -> None:
        compiled = self._program.compiled.get(row.rule_id)
        if compiled is None:
            self.stats.unknown_targets += 1
            return
        self.stats.targets += 1
        try:
            single = evaluate_single(compiled.rule, row.event)
        except Exception as error:  # noqa: BLE001  as above
            self._failed(compiled, error)
            return
        if single.held:
            self._fire(watermark, compiled, row.event, single.key, single.values, out)

    def _failed(self, compiled: CompiledRule, error: Exception) -> None:
        stats = self.stats.rules[compiled.rule.id]
        stats.errors += 1
        stats.last_error = f"{type(error).__name__}: {error}"

    def _fire(
        self,
        watermark: Watermark,
        compiled: CompiledRule,
        event: Event,
        key: Key | None,
        values: dict[str, Json],
        out: list[Firing],
    ) -> None:
        rule = compiled.rule
        running = self._running[self._positions[rule.id]]
        running.stats.matched += 1
        if key is None:
            running.stats.skipped_keys += 1
            return
        opening = firing_id(rule.id, compiled.state, key.text, "fired", event.identity)
        time = watermark.clock if running.by_clock else event.time
        firing = Firing(
            id=opening,
            kind="fired",
            rule_id=rule.id,
            key=key.values,
            time=time,
            alert_id=opening,
            count=1,
            last_at=time,
            values=values,
            event_ids=(event.id,),
            payload=event.line,
            event_type=event.type,
            event_source=event.source,
        )
        out.extend(settle(running, key, firing, watermark.at, self._timers))

    def _swap(self, watermark: Watermark, program: Program, out: list[Firing]) -> None:
        removed = [running for running in self._running if running.rule.id not in program.rules]
        for deadline in sorted(deadline for running in removed for deadline in deadlines(running)):
            firing = close(self._running[deadline.position], deadline)
            if firing is not None:
                ended = min(firing.time, watermark.clock)
                out.append(msgspec.structs.replace(firing, time=ended, reason="rule_removed"))
        watermark.relate(program.lateness)
        self._install(program)
        self._advance(watermark, watermark.clock, out)

    def _install(self, program: Program) -> None:
        """Makes the program the one that runs, with the state that its rules may keep."""
        self._program = program
        self._positions = {rule_id: position for position, rule_id in enumerate(program.compiled)}
        self._timers = Timers()
        self.stats.decode = program.counts
        self.stats.keep(program.compiled)
        self._running = [
            Running(compiled.rule, self._positions[rule_id], self._kept(compiled), self.stats.rules[rule_id])
            for rule_id, compiled in program.compiled.items()
        ]
        self._state.rules = {running.rule.id: running.state for running in self._running}
        for running in self._running:
            for deadline in deadlines(running):
                self._timers.add(deadline, by_clock=running.by_clock)

    def _kept(self, compiled: CompiledRule) -> RuleState:
        state = self._state.rules.get(compiled.rule.id)
        return state if state is not None and state.fingerprint == compiled.state else RuleState(compiled.state)
