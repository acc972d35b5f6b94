"""A program: the rules of one generation, compiled and ready to run. Immutable but for what decoding counts."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from cepd.engine.conditions import compile_condition
from cepd.engine.decode import DecodeCounts, arrival_time, decode_fields, read_event
from cepd.engine.fingerprint import episode_fingerprint, state_fingerprint
from cepd.engine.keys import KeyReader, compile_key
from cepd.engine.paths import fields_of, lookup
from cepd.engine.projection import Projection
from cepd.engine.single import condition_of, threshold_of
from cepd.engine.steps import read_by_steps
from cepd.engine.support import unsupported
from cepd.engine.swap import SwapReport, compare
from cepd.engine.unit import unit_kind
from cepd.model.condition import Condition
from cepd.model.duration import SECOND, Span
from cepd.model.event import Event
from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.rule import AnomalyTrigger, MetricTrigger, NewValueTrigger, Rule, ScheduleTrigger, SequenceTrigger

Matcher: TypeAlias = Callable[[Mapping[str, Json]], bool]


class CompiledRule(msgspec.Struct, frozen=True):
    """`hears`: whether an event of the rule's type and source concerns it at all; `matches`: whether it holds, for a
    rule without a unit. An event that is heard and does not match is a false evaluation of its key."""

    rule: Rule
    state: str
    """State fingerprint."""
    episode: str
    """Episode fingerprint."""
    unit: str | None
    """State fingerprint of the unit that remembers for it; None for a rule without one."""
    hears: Matcher
    matches: Matcher
    key: KeyReader
    sources: frozenset[str] | None
    """None: events of every source."""
    named: frozenset[str]
    """Every field of an event that decides over the rule's firings."""
    views: frozenset[str]
    """Every field that views have to hold for the rule: the named ones, and what its unit carries along."""

    @property
    def episodic(self) -> bool:
        """Whether false evaluations mean something to it."""
        return self.rule.hold is not None or self.rule.resolve is not None


class CompiledUnit(NamedTuple):
    """The rules, by their places in the program, that hang on one unit."""

    fingerprint: str
    members: tuple[int, ...]


class Listener(NamedTuple):
    """A rule, by its place in the program, that sees events of a type. `unit`: the place of its unit, None without
    one. `feeds`: it is the first of its unit to see them."""

    position: int
    unit: int | None
    feeds: bool


class Program:
    """Made by `compile_program`. `compiled` and `rules` are in rule order, `units` in that of their first rules;
    `places` says where they are, by State fingerprint."""

    def __init__(
        self, compiled: Mapping[str, CompiledRule], report: SwapReport, lateness: Span, counts: DecodeCounts
    ) -> None:
        self.compiled = compiled
        self.rules: Mapping[str, Rule] = {rule_id: found.rule for rule_id, found in compiled.items()}
        self.report = report
        self.lateness = lateness
        self.counts = counts
        self.units = _units(list(compiled.values()))
        self.places = {unit.fingerprint: place for place, unit in enumerate(self.units)}
        self.projection = Projection(name for found in compiled.values() for name in found.views)
        self._by_type, self._untyped = _dispatch(list(compiled.values()), self.units, self.places)

    def listeners(self, event_type: str | None) -> Sequence[Listener]:
        """The rules that see events of a type, in rule order."""
        if event_type is None:
            return self._untyped
        return self._by_type.get(event_type, self._untyped)

    def decode(self, lines: Sequence[bytes], clock: Instant, *, source: str, origin: str, first: int) -> list[Event]:
        """The events of accepted lines that arrived at `clock`.

        `source` is the source of events that name none; `origin` (the journal's id) and the running numbers from
        `first` on identify events without an id. A time that is unreadable, or more than 5 minutes after the clock,
        becomes the clock, counted.
        """
        events = []
        for number, line in enumerate(lines, first):
            fields = decode_fields(line, self.counts)
            time = arrival_time(fields, clock, self.counts)
            events.append(read_event(line, fields, time, source=source, origin=origin, number=number))
        return events


def compile_program(rules: Sequence[Rule], previous: Program | None = None, *, lateness: Span = 5 * SECOND) -> Program:
    """A program of the rules, in that order; their ids are unique.

    What `previous` compiled of equal rules is used again, its decode counts go on, and the report says what a swap
    from it does. Rules that the engine cannot run yet see no events but targeted ones.
    """
    known = {} if previous is None else previous.compiled
    compiled = {rule.id: _compile(rule, known.get(rule.id)) for rule in rules}
    counts = DecodeCounts() if previous is None else previous.counts
    return Program(compiled, compare(compiled, known), lateness, counts)


def _compile(rule: Rule, known: CompiledRule | None) -> CompiledRule:
    if known is not None and known.rule == rule:
        return known
    state = state_fingerprint(rule)
    sources = getattr(rule.trigger, "source", None)
    remembers = unit_kind(rule) is not None and not unsupported(rule)
    named = _named(rule)
    return CompiledRule(
        rule=rule,
        state=state,
        episode=episode_fingerprint(rule),
        unit=state if remembers else None,
        hears=_hears(rule),
        matches=_matcher(condition_of(rule)),
        key=compile_key(rule.group_by),
        sources=None if sources is None else frozenset(sources),
        named=named,
        views=named | _remembered(rule) if remembers else named,
    )


def _hears(rule: Rule) -> Matcher:
    """Without a unit and a threshold `when` is what the rule asks, so that it hears every event."""
    when = _matcher(rule.when)
    if unit_kind(rule) is not None:
        return when
    if threshold_of(rule) is None or not isinstance(rule.trigger, MetricTrigger):
        return _always
    metric = str(rule.trigger.metric)
    return lambda fields: lookup(fields, metric).__class__ in (int, float) and when(fields)


def _matcher(condition: Condition | None) -> Matcher:
    return _always if condition is None else compile_condition(condition)


def _always(fields: Mapping[str, Json]) -> bool:
    return True


def _units(compiled: Sequence[CompiledRule]) -> tuple[CompiledUnit, ...]:
    members: dict[str, list[int]] = {}
    for position, found in enumerate(compiled):
        if found.unit is not None:
            members.setdefault(found.unit, []).append(position)
    return tuple(CompiledUnit(fingerprint, tuple(found)) for fingerprint, found in members.items())


def _dispatch(
    compiled: Sequence[CompiledRule], units: Sequence[CompiledUnit], places: Mapping[str, int]
) -> tuple[dict[str, tuple[Listener, ...]], tuple[Listener, ...]]:
    """Per event type the rules that see it, and the rules that see every type; each in rule order."""
    wanted: list[tuple[Listener, frozenset[str] | None]] = []
    for position, found in enumerate(compiled):
        if not unsupported(found.rule):
            unit = None if found.unit is None else places[found.unit]
            feeds = unit is not None and units[unit].members[0] == position
            wanted.append((Listener(position, unit, feeds), _types(found.rule)))
    types = sorted({name for _, names in wanted for name in names or ()})
    by_type = {
        event_type: tuple(listener for listener, names in wanted if names is None or event_type in names)
        for event_type in types
    }
    return by_type, tuple(listener for listener, names in wanted if names is None)


def hears_type(rule: Rule, event_type: str | None) -> bool:
    """Whether a rule sees events of a type."""
    names = _types(rule)
    return names is None or event_type in names


def _types(rule: Rule) -> frozenset[str] | None:
    """The event types that a rule sees; None: every one."""
    trigger = rule.trigger
    if isinstance(trigger, ScheduleTrigger):
        return frozenset()
    given = (
        [step.event_type for step in trigger.steps] if isinstance(trigger, SequenceTrigger) else [trigger.event_type]
    )
    if any(names is None for names in given):
        return None
    return frozenset(name for names in given for name in names or ())


def _named(rule: Rule) -> frozenset[str]:
    """Every field of an event that decides over the rule's firings. Those of earlier steps are not the event's."""
    found = {aggregate.field for aggregate in rule.aggregate.values() if aggregate.field is not None}
    found |= {*rule.group_by, *_fields(condition_of(rule))}
    match rule.trigger:
        case AnomalyTrigger(value=field) | NewValueTrigger(field=field):
            found.add(field)
        case SequenceTrigger(steps=steps):
            earlier = {step.id for step in steps}
            named = {path for step in steps for path in _fields(step.when)}
            found |= {path for path in named if path.partition(".")[0] not in earlier}
    return frozenset(found)


def _remembered(rule: Rule) -> frozenset[str]:
    """Every field that the rule's unit keeps of events."""
    if isinstance(rule.trigger, SequenceTrigger):
        return read_by_steps(rule.trigger, rule.carries)
    return frozenset(rule.carries)


def _fields(condition: Condition | None) -> set[str]:
    return set() if condition is None else set(fields_of(condition))
