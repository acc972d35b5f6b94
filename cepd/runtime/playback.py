"""Plays the steps of a test's case into the engine, as rows that a daemon would journal.

A tick at each deadline, events at their arrival, swaps, resumes. Nothing acts, and no time but that of the rows counts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set

import msgspec

from cepd.engine.engine import Engine
from cepd.engine.program import compile_program
from cepd.engine.rows import Batch, Resume, Row, Swap, Tick
from cepd.engine.standing import Standing
from cepd.engine.swap import RuleChange
from cepd.engine.why import Why
from cepd.intake.horizon import Horizon
from cepd.intake.limits import DEFAULT_LIMITS
from cepd.intake.lines import reason_against
from cepd.model.duration import format_duration
from cepd.model.event import Event, given_id, given_source
from cepd.model.firing import Firing
from cepd.model.generation import Definition, Generation
from cepd.model.happenings import OWN, is_own
from cepd.model.instant import Instant, format_instant
from cepd.model.json import Json
from cepd.model.rule import Rule
from cepd.model.ruletest import Case, EventStep, ReloadStep, RestartStep, RuleTest, Step, TickStep
from cepd.runtime.expectations import Fact
from cepd.runtime.planned import planned_actions

SOURCE = "test"
"""The source of events that name none."""


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """One row, and what came of it."""

    clock: Instant
    step: int | None
    """The step's place in its case; None where only time passed."""
    said: str
    """What it was, in words: the event's line, `tick`."""
    event: Event | None
    rules: Mapping[str, Rule]
    """The rules that ran."""
    facts: tuple[Fact, ...]
    """Firings of all kinds, also those that expectations do not see."""
    whys: tuple[Why, ...]
    """Of an event: what the rules that were asked made of it."""


class Playback:
    """One case: the engine, the rules that run, and what happened. The `asked` rules say of each event what they made
    of it."""

    def __init__(self, test: RuleTest, case: Case, generation: Generation, asked: Set[str]) -> None:
        definitions = [found for found in generation.definitions if found.rule.id in test.rules]
        self.happenings: list[Happening] = []
        self._test = test
        self._asked = asked
        self._generation = generation
        self._program = compile_program([found.rule for found in definitions], lateness=generation.settings.lateness)
        self._engine = Engine(self._program)
        self._clock = test.start
        self._horizon = Horizon()
        self._number = 0
        self._errors: dict[str, str] = {}
        self.standings: list[Mapping[str, Standing]] = []
        self._play(case)

    def _play(self, case: Case) -> None:
        self._row(Tick(self._test.start), None, "start")
        for place, step in sorted(_single_steps(case.steps), key=lambda found: found[1].clock):
            self._until(step.clock)
            self._take(place, step)
        if case.until is not None:
            self._until(case.until)
            self._row(Tick(case.until), None, "until")

    def facts(self) -> list[Fact]:
        return [fact for happening in self.happenings for fact in happening.facts]

    def faults(self) -> Iterator[str]:
        """What failed within the engine."""
        self._keep_errors()
        for rule_id, error in self._errors.items():
            yield f"{rule_id} failed within cepd: {error}"

    def standing(self) -> dict[str, Standing]:
        found = ((rule_id, self._engine.standing(rule_id)) for rule_id in self._program.rules)
        return {rule_id: standing for rule_id, standing in found if standing is not None}

    def _until(self, clock: Instant) -> None:
        """Ticks at every deadline up to a clock, as the daemon's clock gives them."""
        while (due := self._engine.next_deadline()) is not None and self._clock < due <= clock:
            self._row(Tick(due), None, "time passes")

    def _take(self, place: int, step: Step) -> None:
        match step:
            case EventStep():
                self._event(place, step)
            case TickStep():
                self._row(Tick(step.clock), place, "tick")
            case RestartStep():
                self._restart(place, step)
            case ReloadStep():
                self._reload(place, step)

    def _row(self, row: Row, place: int | None, said: str, event: Event | None = None) -> None:
        self._clock = max(self._clock, row.clock)
        rules = dict(self._program.rules)
        if isinstance(row, Swap):
            self._program = row.program
            rules |= row.program.rules
        facts = [self._fact(firing, rules) for firing in self._engine.apply(row)]
        self.happenings.append(
            Happening(
                clock=self._clock,
                step=place,
                said=said,
                event=event,
                rules=rules,
                facts=tuple(facts),
                whys=() if event is None else tuple(self._whys(event, facts)),
            )
        )

    def _whys(self, event: Event, facts: Iterable[Fact]) -> Iterator[Why]:
        fired = [fact.firing for fact in facts if event.id in fact.firing.event_ids]
        for rule_id in self._program.rules:
            if rule_id in self._asked and (found := self._engine.why(rule_id, event, fired)) is not None:
                yield found

    def _fact(self, firing: Firing, rules: Mapping[str, Rule]) -> Fact:
        return Fact(self._clock, firing, planned_actions(rules[firing.rule_id], firing, self._generation.channels))

    def _event(self, place: int, step: EventStep) -> None:
        line = msgspec.json.encode(_fields(step))
        said = line.decode()
        reason = reason_against(line, DEFAULT_LIMITS)
        self._number += 1
        (event,) = self._program.decode(
            [line], max(self._clock, step.clock), source=SOURCE, origin="", first=self._number
        )
        source = given_source(event.fields, SOURCE)
        if reason is not None:
            self._row(Tick(step.clock), place, f"{said}: rejected: {reason}")
        elif self._horizon.admit(source, given_id(event.fields.get("id")), line) == "duplicate":
            self._row(Tick(step.clock), place, f"{said}: a duplicate")
        else:
            name = OWN if is_own(event.type) else step.input
            self._row(Batch(step.clock, name, (event,)), place, said, event)

    def _restart(self, place: int, step: RestartStep) -> None:
        self._row(Tick(step.clock), place, "stop")
        self._keep_errors()
        self.standings.append(self.standing())
        self._engine = Engine.restore(self._program, self._engine.snapshot())
        down = f"start after {format_duration(step.downtime)}" if step.downtime else "start"
        self._row(Resume(step.clock + step.downtime), place, down)

    def _reload(self, place: int, step: ReloadStep) -> None:
        found = _reloaded(self._program.rules, self._generation.versions[step.file], self._test.rules)
        program = compile_program(found, self._program, lateness=self._generation.settings.lateness)
        said = ", ".join(f"{change.rule_id} {_change(change)}" for change in program.report.changes)
        self._row(Swap(step.clock, program), place, f"reload {step.file}: {said}")

    def _keep_errors(self) -> None:
        for rule_id, stats in self._engine.stats.rules.items():
            if stats.errors:
                self._errors[rule_id] = stats.last_error


def _single_steps(steps: Iterable[Step]) -> Iterator[tuple[int, Step]]:
    """The steps with their places; each event by itself."""
    for place, step in enumerate(steps):
        if not isinstance(step, EventStep):
            yield place, step
            continue
        for number in range(step.count):
            fields = {**step.fields, **{name: values[number % len(values)] for name, values in step.each.items()}}
            yield place, msgspec.structs.replace(step, clock=step.clock + number * step.every, fields=fields, count=1)


def _change(change: RuleChange) -> str:
    causes = ", ".join(change.fields + change.episodes)
    return f"{change.outcome} ({causes})" if causes else change.outcome


def _fields(step: EventStep) -> dict[str, Json]:
    own = {} if step.lag is None else {"time": format_instant(step.clock - step.lag)}
    return {**step.fields, **own}


def _reloaded(rules: Mapping[str, Rule], version: Iterable[Definition], named: Sequence[str]) -> list[Rule]:
    """The rules with those of a version in place of their namesakes, new ones at the end; what it disables is gone."""
    found = {**rules, **{one.rule.id: one.rule for one in version if one.rule.id in named}}
    disabled = {one.rule.id for one in version if not one.rule.enabled}
    return [rule for rule_id, rule in found.items() if rule_id not in disabled]
