"""What rules would do: with one payload, or over recorded events with a virtual clock.

The very engine of the daemon, without anything that acts. Shared by the command line and the HTTP side; pure but for
the CPU time that it reports.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from time import process_time
from typing import TypedDict

import msgspec
from msgspec import UNSET, UnsetType

from cepd.engine.arrivals import Arrivals, of_lines, of_recorded
from cepd.engine.decode import DecodeCounts, decode_fields, read_event
from cepd.engine.engine import Engine
from cepd.engine.program import Program, compile_program
from cepd.engine.projection import type_of
from cepd.engine.rows import Lines, Row, Swap, Tick
from cepd.engine.single import evaluate_single
from cepd.engine.support import cannot_run, unsupported
from cepd.engine.verdict import without_baseline
from cepd.engine.why import Why, why_single
from cepd.model.duration import SECOND, Span
from cepd.model.event import Event, given_time, given_type
from cepd.model.firing import Firing
from cepd.model.generation import Definition
from cepd.model.instant import Instant, format_instant
from cepd.model.json import Json
from cepd.model.rule import ActionSpec, AnomalyTrigger, Rule
from cepd.runtime.recorded import RecordedLines, Rejection

SOURCE = "simulate"
"""The input's name, and the source of events that name none."""

_OF_ANOMALIES = ("is_anomaly", "score", "method", "details")


class PayloadVerdict(msgspec.Struct, frozen=True):
    """The documents' shape. `triggered_actions` holds types in order; a multi_action stands for its steps."""

    matched: bool
    condition_evaluated: bool
    triggered_actions: list[str]
    extracted_value: Json
    is_anomaly: bool | UnsetType = UNSET
    """This and the rest of anomaly rules alone: one value has no baseline to be judged against."""
    score: Json | UnsetType = UNSET
    method: str | UnsetType = UNSET
    details: Json | UnsetType = UNSET


def simulate_payload(definition: Definition, payload: Mapping[str, Json], clock: Instant = 0) -> PayloadVerdict:
    """What the rule says to one event, whether it is active or not: the daemon's targeted event, without the acting.

    A payload without type and source is an event of the rule's own; one without a time happens at `clock`.
    """
    rule = definition.rule
    single = evaluate_single(rule, payload_event(rule, payload, clock))
    actions = [kind for action in rule.actions for kind in _action_types(action)] if single.matched else []
    told = PayloadVerdict(single.matched, single.condition, actions, single.extracted)
    if not isinstance(rule.trigger, AnomalyTrigger):
        return told
    verdict = without_baseline(rule, single.extracted)
    return msgspec.structs.replace(told, **{name: verdict[name] for name in _OF_ANOMALIES})


def why_payload(definition: Definition, payload: Mapping[str, Json], clock: Instant = 0) -> Why:
    """Each condition of the rule with the values it saw in the payload."""
    rule = definition.rule
    return why_single(rule, payload_event(rule, payload, clock))


def payload_event(rule: Rule, payload: Mapping[str, Json], clock: Instant = 0) -> Event:
    """The payload as an event of the rule's own type and source, where it does not say otherwise."""
    line = msgspec.json.encode(payload)
    fields = decode_fields(line, DecodeCounts())
    types, sources = (getattr(rule.trigger, name, None) for name in ("event_type", "source"))
    if types and given_type(fields) is None:
        fields.setdefault("type", types[0])
    time, _ = given_time(fields)
    source = sources[0] if sources else SOURCE
    return read_event(line, fields, clock if time is None else time, source=source, origin="", number=1)


def _action_types(action: ActionSpec) -> Iterator[str]:
    steps = action.options.get("actions")
    if action.type != "multi_action" or not isinstance(steps, Sequence):
        yield action.type
        return
    for step in steps:
        yield from _action_types(ActionSpec(step.get("type", "webhook"), step))


class RuleCounts(TypedDict):
    firings: int
    alerts: int


Period = TypedDict("Period", {"from": str | None, "to": str | None})


class Report(TypedDict):
    """`firings` are those of kind fired, before suppress and storm guard; `alerts` what is left after both."""

    events: int
    rejected: int
    rejections: list[Rejection]
    duplicates: int
    firings: int
    alerts: int
    rules: dict[str, RuleCounts]
    period: Period
    cpu_seconds: float


class Simulation:
    """One replay. Each line is a row of its own, at the highest event time so far; events without a time take that
    clock. Memory does not grow with the recording."""

    def __init__(
        self,
        definitions: Sequence[Definition],
        *,
        lateness: Span = 5 * SECOND,
        start: Instant | None = None,
        until: Instant | None = None,
        flush: bool = True,
        rule_id: str | None = None,
        about: str | None = None,
    ) -> None:
        """With `rule_id` that rule alone runs, active or not; otherwise the active ones do. The clock begins at
        `start` (else the epoch) and goes on to `until` after the last line. `flush` closes the windows that are open
        at the end and hold events. `whys` collects why each rule fired or not at the events with the id `about`."""
        chosen = [found for found in definitions if rule_id is None or found.rule.id == rule_id]
        self.idle = {found.rule.id: why for found in chosen if (why := _idle(found, alone=rule_id is not None))}
        """Why a rule does not run, by its id."""
        running = [found.rule for found in chosen if found.rule.id not in self.idle]
        program = compile_program(running, lateness=lateness)
        self.program = program
        self._engine = Engine(program)
        self._lines = RecordedLines(program, SOURCE, 0 if start is None else start)
        self._until = until
        self._flush = flush
        self._about = about
        self.whys: list[Why] = []
        self._rules = {found.rule.id: RuleCounts(firings=0, alerts=0) for found in chosen}
        self._cpu_seconds = 0.0

    def run(self, lines: Iterable[bytes]) -> Iterator[Firing]:
        """The firings, in order, while the lines are read; an event without an id is known by its line's number.
        Call it once. Lines that are no events and duplicates are counted and skipped."""
        begun = process_time()
        try:
            if self._about is None:
                for row in self._lines.rows(lines):
                    yield from self._told(self._engine.run(row))
            else:
                for row in self._lines.rows(lines, at_once=1):
                    fired = self._engine.apply(row)
                    self._explain(of_recorded(row, self.program.projection), fired)
                    yield from self._told(fired)
            if self._until is not None:
                yield from self._told(self._engine.run(Tick(self._until)))
            if self._flush:
                yield from self._told(self._engine.flush())
        finally:
            self._cpu_seconds += process_time() - begun

    def begin_from(self, engine: bytes, clock: Instant, before: Program, then: Program) -> None:
        """Begins with an engine's state, as it was at `clock` under the program `before`, and goes on with `then`. What
        that change of rules closes is not told. InputError where the state is not of `before`."""
        self._engine = Engine.restore(before, engine)
        if then is not before:
            self._engine.apply(Swap(clock, then))
        self._run_on(then)

    def replay(self, rows: Iterable[Row]) -> Iterator[Firing]:
        """The firings of rows as they were recorded. What is open at the end stays open, as it was. Call it once."""
        begun = process_time()
        try:
            for row in rows:
                fired = self._engine.apply(row)
                self._see(row, fired)
                yield from self._told(fired)
            if self._until is not None:
                yield from self._told(self._engine.apply(Tick(self._until)))
        finally:
            self._cpu_seconds += process_time() - begun

    def report(self) -> Report:
        """What happened so far."""
        return Report(
            events=self._lines.events,
            rejected=self._lines.rejected,
            rejections=list(self._lines.rejections),
            duplicates=self._lines.duplicates,
            firings=sum(counts["firings"] for counts in self._rules.values()),
            alerts=sum(counts["alerts"] for counts in self._rules.values()),
            rules={rule_id: counts.copy() for rule_id, counts in self._rules.items()},
            period={"from": _text(self._lines.earliest), "to": _text(self._lines.latest)},
            cpu_seconds=self._cpu_seconds,
        )

    def _see(self, row: Row, fired: list[Firing]) -> None:
        if isinstance(row, Lines):
            arrivals = of_lines(row, self.program.projection, DecodeCounts())
            self._lines.events += len(arrivals.times)
            self._lines.span(min(arrivals.times), max(arrivals.times))
            self._explain(arrivals, fired)
        elif isinstance(row, Swap):
            self._run_on(row.program)

    def _run_on(self, program: Program) -> None:
        self.program = program
        for rule_id in program.rules:
            self._rules.setdefault(rule_id, RuleCounts(firings=0, alerts=0))

    def _explain(self, arrivals: Arrivals, fired: Sequence[Firing]) -> None:
        """Of the event that was asked about, why each rule fired or not."""
        seen = zip(arrivals.views, arrivals.times, strict=True) if self._about is not None else ()
        for place, (view, time) in enumerate(seen):
            event = arrivals.event(place, view, type_of(view), time)
            if event.id == self._about:
                found = (self._engine.why(rule_id, event, fired) for rule_id in self._rules)
                self.whys.extend(why for why in found if why is not None)

    def _told(self, firings: Iterable[Firing]) -> Iterator[Firing]:
        """Counts them, and leaves out what only raises the count of an open alert."""
        for firing in firings:
            if firing.kind == "continued":
                continue
            counts = self._rules[firing.rule_id]
            counts["firings"] += firing.kind == "fired"
            counts["alerts"] += firing.opens
            yield firing


def _idle(definition: Definition, *, alone: bool) -> str | None:
    """Why the rule sees no event of a recording; None where it does. One that runs alone need not be active."""
    lacking = [part.words for part in unsupported(definition.rule)]
    if lacking:
        return cannot_run(", ".join(lacking))
    return None if definition.active or alone else definition.reason or "inactive"


def firing_line(firing: Firing) -> dict[str, Json]:
    """One line of `--firings`."""
    window = firing.window
    return {
        "id": firing.id,
        "kind": firing.kind,
        "rule_id": firing.rule_id,
        "key": firing.key,
        "time": format_instant(firing.time),
        "window": None if window is None else {"start": _text(window[0]), "end": _text(window[1])},
        "values": firing.values,
        "event_ids": list(firing.event_ids),
    }


def _text(instant: Instant | None) -> str | None:
    return None if instant is None else format_instant(instant)
