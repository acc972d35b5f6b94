"""A program: the rules of one generation, compiled and ready to run. Immutable but for what decoding counts."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from cepd.engine.conditions import compile_condition
from cepd.engine.decode import DecodeCounts, arrival_time, decode_fields, read_event
from cepd.engine.fingerprint import state_fingerprint
from cepd.engine.keys import KeyReader, compile_key
from cepd.engine.single import condition_of
from cepd.engine.support import unsupported
from cepd.engine.swap import SwapReport, compare
from cepd.model.duration import SECOND, Span
from cepd.model.event import Event
from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.rule import EventTrigger, MetricTrigger, Rule

Matcher: TypeAlias = Callable[[Mapping[str, Json]], bool]


class CompiledRule(msgspec.Struct, frozen=True):
    rule: Rule
    state: str
    """State fingerprint."""
    matches: Matcher
    key: KeyReader
    sources: frozenset[str] | None
    """None: events of every source."""


class Program:
    """Made by `compile_program`. `compiled` and `rules` are in rule order."""

    def __init__(
        self, compiled: Mapping[str, CompiledRule], report: SwapReport, lateness: Span, counts: DecodeCounts
    ) -> None:
        self.compiled = compiled
        self.rules: Mapping[str, Rule] = {rule_id: found.rule for rule_id, found in compiled.items()}
        self.report = report
        self.lateness = lateness
        self.counts = counts
        self._by_type, self._untyped = _dispatch(compiled)

    def listeners(self, event_type: str | None) -> Sequence[CompiledRule]:
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
    before = {} if previous is None else previous.rules
    report = compare({rule.id: rule for rule in rules}, before)
    return Program(compiled, report, lateness, DecodeCounts() if previous is None else previous.counts)


def _compile(rule: Rule, known: CompiledRule | None) -> CompiledRule:
    if known is not None and known.rule == rule:
        return known
    condition = condition_of(rule)
    sources = getattr(rule.trigger, "source", None)
    return CompiledRule(
        rule=rule,
        state=state_fingerprint(rule),
        matches=_always if condition is None else compile_condition(condition),
        key=compile_key(rule.group_by),
        sources=None if sources is None else frozenset(sources),
    )


def _always(fields: Mapping[str, Json]) -> bool:
    return True


def _dispatch(
    compiled: Mapping[str, CompiledRule],
) -> tuple[dict[str, tuple[CompiledRule, ...]], tuple[CompiledRule, ...]]:
    """Per event type the rules that see it, and the rules that see every type; each in rule order."""
    running = [(found, found.rule.trigger) for found in compiled.values() if unsupported(found.rule) is None]
    wanted = [
        (found, trigger.event_type) for found, trigger in running if isinstance(trigger, EventTrigger | MetricTrigger)
    ]
    types = {name for _, names in wanted for name in names or ()}
    by_type = {
        event_type: tuple(found for found, names in wanted if names is None or event_type in names)
        for event_type in types
    }
    return by_type, tuple(found for found, names in wanted if names is None)
