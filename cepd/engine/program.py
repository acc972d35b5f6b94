"""A program: the rules of one generation, compiled and ready to run. Immutable but for what decoding counts."""

import operator
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from cepd.engine.arrivals import complete_views, read_views
from cepd.engine.decode import DecodeCounts, arrival_time, decode_fields, read_event
from cepd.engine.fingerprint import episode_fingerprint, state_fingerprint
from cepd.engine.hearing import asked_of, concerning, remembers, types_of
from cepd.engine.keys import KeyReader, compile_key
from cepd.engine.matching.node import Asked, Holds, Node, compile_holds, compile_node
from cepd.engine.paths import fields_of
from cepd.engine.projection import read_field, type_of
from cepd.engine.single import condition_of
from cepd.engine.steps import read_by_steps
from cepd.engine.support import unsupported
from cepd.engine.swap import SwapReport, compare
from cepd.engine.wide import project
from cepd.model.condition import Condition
from cepd.model.duration import SECOND, Span
from cepd.model.event import Event, said_time
from cepd.model.happenings import is_own
from cepd.model.instant import Instant
from cepd.model.rule import AnomalyTrigger, NewValueTrigger, Rule, SequenceTrigger


class CompiledRule(msgspec.Struct, frozen=True):
    """`asked`: what an event of the rule's types has to meet; of a rule with a unit, to be fed to it. `hears`: whether
    such an event concerns a rule without a unit at all: one that it hears and does not meet is a false evaluation of
    its key. Both, and `key`, read the event's view."""

    rule: Rule
    state: str
    """State fingerprint."""
    episode: str
    """Episode fingerprint."""
    unit: str | None
    """State fingerprint of the unit that remembers for it; None for a rule without one."""
    types: frozenset[str] | None
    """The event types that it sees; None: every one."""
    asked: Asked
    hears: Holds
    key: KeyReader
    named: frozenset[str]
    """Every field of an event that decides over the rule's firings."""
    views: frozenset[str]
    """Every field that views have to hold for the rule: the named ones, and what its unit carries along."""

    @property
    def episodic(self) -> bool:
        """Whether false evaluations mean something to it."""
        return self.rule.hold is not None or self.rule.resolve is not None

    def accepts(self, source: str) -> bool:
        """Whether it sees events of a source."""
        return self.asked.sources is None or source in self.asked.sources


class CompiledUnit(NamedTuple):
    """The rules, by their places in the program, that hang on one unit."""

    fingerprint: str
    members: tuple[int, ...]


class Bucket(NamedTuple):
    """The rules that see events of one type, or of every type, each by its place in the program, in that order; of
    rules with one unit the first stands for all. `node` matches `asked`, which goes with them."""

    positions: tuple[int, ...]
    asked: tuple[Asked, ...]
    node: Node


class Program:
    """Made by `compile_program`. `compiled` and `rules` are in rule order, `units` in that of their first rules;
    `places` says where they are, by State fingerprint. `buckets`: by event type; `everyone`: of rules that see every
    event."""

    def __init__(
        self,
        compiled: Mapping[str, CompiledRule],
        report: SwapReport,
        lateness: Span,
        counts: DecodeCounts,
        known: Mapping[str | None, Bucket],
    ) -> None:
        self.compiled = compiled
        self.rules: Mapping[str, Rule] = {rule_id: found.rule for rule_id, found in compiled.items()}
        self.report = report
        self.lateness = lateness
        self.counts = counts
        self.positions = {rule_id: position for position, rule_id in enumerate(compiled)}
        self.units = _units(list(compiled.values()))
        self.places = {unit.fingerprint: place for place, unit in enumerate(self.units)}
        self.projection = project(_named_by_type(compiled.values()))
        self.buckets = _buckets(list(compiled.values()), self.units, self.places, known)
        """By event type; under None the rules that see every event, where there are any."""
        everyone = [self.buckets[None]] if None in self.buckets else []
        self._heard: dict[str | None, list[Bucket]] = {None: everyone}
        for name, bucket in self.buckets.items():
            if name is not None:
                self._heard[name] = [bucket] if is_own(name) else [bucket, *everyone]

    def matches(self, body: bytes) -> list[tuple[int, list[int]]]:
        """Which rules the accepted lines of a body meet, as (line from 0, places of rules in the program), in order, of
        those that meet any; of rules with one unit the first stands for all. What no rule could be told by one event
        alone is not looked at: time, keys, what was before. The source of events that name none is empty."""
        found = []
        places: list[int] = []
        add, extend = places.append, places.extend
        heard, everyone = self._heard, self._heard[None]
        views = read_views(body, self.projection, self.counts)
        complete_views(views, "", self.projection)
        for line, view in enumerate(views):
            event_type = view.type
            if event_type.__class__ is not str:
                event_type = type_of(view)
            met: list[int] = []
            for bucket in heard.get(event_type, everyone):
                bucket.node.match(view, add, extend, "")
                if places:
                    met += [bucket.positions[place] for place in places]
                    places.clear()
            if met:
                met.sort()
                found.append((line, met))
        return found

    def decode(self, lines: Sequence[bytes], clock: Instant, *, source: str, origin: str, first: int) -> list[Event]:
        """The events of accepted lines that arrived at `clock`.

        `source` is the source of events that name none; `origin` (the journal's id) and the running numbers from
        `first` on identify events without an id. A time that is unreadable, or more than 5 minutes after the clock,
        becomes the clock, counted.
        """
        events = []
        for number, line in enumerate(lines, first):
            fields = decode_fields(line, self.counts)
            time = arrival_time(said_time(fields), clock, self.counts)
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
    buckets = {} if previous is None else previous.buckets
    return Program(compiled, compare(compiled, known), lateness, counts, buckets)


def _compile(rule: Rule, known: CompiledRule | None) -> CompiledRule:
    if known is not None and known.rule == rule:
        return known
    state = state_fingerprint(rule)
    named = _named(rule)
    return CompiledRule(
        rule=rule,
        state=state,
        episode=episode_fingerprint(rule),
        unit=state if remembers(rule) else None,
        types=frozenset() if unsupported(rule) else types_of(rule),
        asked=asked_of(rule),
        hears=compile_holds(concerning(rule)),
        key=compile_key(rule.group_by, read_field),
        named=named,
        views=named | _remembered(rule) if remembers(rule) else named,
    )


def _units(compiled: Sequence[CompiledRule]) -> tuple[CompiledUnit, ...]:
    members: dict[str, list[int]] = {}
    for position, found in enumerate(compiled):
        if found.unit is not None:
            members.setdefault(found.unit, []).append(position)
    return tuple(CompiledUnit(fingerprint, tuple(found)) for fingerprint, found in members.items())


def _named_by_type(compiled: Iterable[CompiledRule]) -> dict[str | None, set[str]]:
    named: dict[str | None, set[str]] = {}
    for found in compiled:
        for event_type in (None,) if found.types is None else found.types:
            named.setdefault(event_type, set()).update(found.views)
    return named


def _buckets(
    compiled: Sequence[CompiledRule],
    units: Sequence[CompiledUnit],
    places: Mapping[str, int],
    known: Mapping[str | None, Bucket],
) -> dict[str | None, Bucket]:
    """Nodes of which nothing changed are taken from the known buckets."""
    heard: dict[str | None, list[int]] = {}
    for position, found in enumerate(compiled):
        if found.unit is None or units[places[found.unit]].members[0] == position:
            for event_type in (None,) if found.types is None else sorted(found.types):
                heard.setdefault(event_type, []).append(position)
    return {event_type: _bucket(compiled, found, known.get(event_type)) for event_type, found in heard.items()}


def _bucket(compiled: Sequence[CompiledRule], positions: Sequence[int], known: Bucket | None) -> Bucket:
    asked = tuple(compiled[position].asked for position in positions)
    same = known is not None and len(asked) == len(known.asked) and all(map(operator.is_, asked, known.asked))
    node = known.node if known is not None and same else compile_node(asked)
    return Bucket(tuple(positions), asked, node)


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
    return frozenset(map(str, found))


def _remembered(rule: Rule) -> frozenset[str]:
    """Every field that the rule's unit keeps of events."""
    if isinstance(rule.trigger, SequenceTrigger):
        return read_by_steps(rule.trigger, rule.carries)
    return frozenset(rule.carries)


def _fields(condition: Condition | None) -> set[str]:
    return set() if condition is None else set(fields_of(condition))
