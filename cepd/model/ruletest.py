"""A rule test: events with a virtual clock, and the firings that must come of them. Times are absolute in here."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from cepd.model.duration import Span
from cepd.model.instant import Instant
from cepd.model.json import Json


class EventStep(msgspec.Struct, frozen=True, kw_only=True):
    """Equal events but for `each`, `every` apart, the first one at `clock`."""

    clock: Instant
    fields: Mapping[str, Json]
    each: Mapping[str, tuple[Json, ...]]
    """Fields whose values go round, one for each event."""
    count: int = 1
    every: Span = 0
    lag: Span | None = None
    """How far each event's own time lies before its arrival; negative where its sender's clock is fast. None: it says
    none."""
    input: str


class TickStep(msgspec.Struct, frozen=True, kw_only=True):
    clock: Instant


class RestartStep(msgspec.Struct, frozen=True, kw_only=True):
    clock: Instant
    downtime: Span = 0


class ReloadStep(msgspec.Struct, frozen=True, kw_only=True):
    """`file` is a path in the tree, of packs that replace the rules of the same ids."""

    clock: Instant
    file: str


Step: TypeAlias = EventStep | TickStep | RestartStep | ReloadStep


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """None: anything will do."""

    rule: str
    kind: Literal["fired", "resolved", "summary", "storm"] = "fired"
    times: int = 1
    time: tuple[Instant, Instant] | None = None
    """The first and the last that it may be."""
    clock: Instant | None = None
    key: Mapping[str, Json] | None = None
    values: Mapping[str, Json] | None = None
    window: tuple[Instant, Instant] | None = None
    event_ids: tuple[str, ...] | None = None
    reason: str | None = None
    actions: tuple[str, ...] | None = None
    """`<type>`, or `<type> <where it goes>`."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    line: int
    steps: tuple[Step, ...]
    until: Instant | None
    expect: tuple[Expectation, ...]
    exact: bool
    """Whether a firing that nothing expects fails the case."""


class RuleTest(msgspec.Struct, frozen=True, kw_only=True):
    """One document. `file` is its path in the tree."""

    file: str
    rules: tuple[str, ...]
    start: Instant
    cases: tuple[Case, ...]
