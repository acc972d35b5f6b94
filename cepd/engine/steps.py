"""The steps of a sequence, compiled: which events each takes, what ends a run while it waits for one, and which values
of earlier events later ones are compared with.

A step takes an event of its type for which its condition holds. The condition sees the event's fields and, over them,
each step that is done by its id: the values of the event that filled that step. A step that is not done yet is not
there, and no step sees itself.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from cepd.engine.conditions import compile_condition
from cepd.engine.paths import MISSING, fields_of, lookup
from cepd.model.duration import Span
from cepd.model.event import Event
from cepd.model.json import Json
from cepd.model.rule import SequenceTrigger, Step

Captured: TypeAlias = Mapping[str, dict[str, Json]]
"""By id of a step that is done, the values that are kept of the event that filled it."""

Takes: TypeAlias = Callable[[Event, Captured], bool]

Paths: TypeAlias = dict[str, tuple[str, ...]]
"""By id of a step, the paths below it that somebody names, none of which begins with another."""


class Kept(msgspec.Struct, frozen=True):
    """What is kept of events: the values of `paths` of the one that fills a step; those of the fields `names` of the
    last one, for a run that waits for its end."""

    paths: Paths
    names: tuple[str, ...]


class Stage(msgspec.Struct, frozen=True):
    """A step that must come. `name`: its id, else its place among the steps as written, from 1. `dependents`: places
    of the stages whose events mean nothing without those of this one."""

    name: str
    id: str | None
    count: int
    takes: Takes
    dependents: tuple[int, ...]


class Pattern(msgspec.Struct, frozen=True):
    """`guards[i]` ends a run that waits for stage i; the last of them, a run that has all: the trailing `absent`.
    `one`: a key follows one run at a time. `ids`: of the stages; `named`: the paths that conditions name."""

    stages: tuple[Stage, ...]
    guards: tuple[tuple[Takes, ...], ...]
    within: Span
    strict: bool
    one: bool
    ids: frozenset[str]
    named: tuple[str, ...]

    @property
    def waits(self) -> bool:
        """Whether a run that has all steps still has to wait for what must stay absent."""
        return bool(self.guards[-1])


def compile_steps(trigger: SequenceTrigger) -> Pattern:
    """The pattern of a checked trigger: at least one step that must come, first of all; `absent` at the end only.
    With `order: any` there is no place between steps, so that `not` has no meaning there and config refuses it."""
    written = [(str(place), step) for place, step in enumerate(trigger.steps, 1)]
    positive = [(place, step) for place, step in written if step.role == "event"]
    ids = frozenset(step.id for _, step in positive if step.id is not None)
    strict = trigger.order == "strict"
    guards: list[list[Takes]] = [[]]
    for step in trigger.steps:
        if step.role == "event":
            guards.append([])
        else:
            guards[-1].append(_takes(step, ids))
    stages = tuple(
        Stage(
            name=place if step.id is None else step.id,
            id=step.id,
            count=step.count,
            takes=_takes(step, ids),
            dependents=_dependents([found for _, found in positive], index, strict),
        )
        for index, (place, step) in enumerate(positive)
    )
    return Pattern(
        stages=stages,
        guards=tuple(map(tuple, guards)),
        within=trigger.within,
        strict=strict,
        one=trigger.runs == "one",
        ids=ids,
        named=tuple(path for step in trigger.steps for path in _named(step)),
    )


def kept_of(pattern: Pattern, carries: Iterable[str]) -> Kept:
    """What conditions, and texts that name `carries`, need of events."""
    carried = tuple(carries)
    others = tuple(path for path in carried if path.partition(".")[0] not in pattern.ids)
    return Kept(_below([*pattern.named, *carried], pattern.ids), others if pattern.waits else ())


def excerpt(fields: Mapping[str, Json], paths: Iterable[str]) -> dict[str, Json]:
    """An object that holds the values of the paths, where there are any, and nothing else."""
    found: dict[str, Json] = {}
    for path in paths:
        value = lookup(fields, path)
        if value is not MISSING:
            *outer, name = path.split(".")
            place = found
            for part in outer:
                place = place.setdefault(part, {})
            place[name] = value
    return found


def _below(paths: Iterable[str], ids: frozenset[str]) -> Paths:
    """Those of the paths that begin with a step's id, by that id."""
    found: dict[str, set[str]] = {}
    for path in sorted(paths):
        head, _, rest = path.partition(".")
        if head in ids:
            found.setdefault(head, set()).update([rest] if rest else [])
    return {head: _shortest(rests) for head, rests in found.items()}


def _takes(step: Step, ids: frozenset[str]) -> Takes:
    types = None if step.event_type is None else frozenset(step.event_type)
    if step.when is None:
        return lambda event, captured: types is None or event.type in types
    holds = compile_condition(step.when)
    seen = tuple(sorted(_below(_named(step), ids - {step.id})))
    if not seen:
        return lambda event, captured: (types is None or event.type in types) and holds(event.fields)

    def takes(event: Event, captured: Captured) -> bool:
        if types is not None and event.type not in types:
            return False
        return holds({**event.fields, **{name: captured[name] for name in seen if name in captured}})

    return takes


def _named(step: Step) -> list[str]:
    return [] if step.when is None else sorted(fields_of(step.when))


def _dependents(positive: Sequence[Step], place: int, strict: bool) -> tuple[int, ...]:
    """In a strict order all later stages; else those whose conditions name this one, or one that depends on it."""
    if strict:
        return tuple(range(place + 1, len(positive)))
    found = {place}
    while more := {
        index
        for index, step in enumerate(positive)
        if index not in found and {path.partition(".")[0] for path in _named(step)} & {positive[at].id for at in found}
    }:
        found |= more
    return tuple(sorted(found - {place}))


def _shortest(paths: set[str]) -> tuple[str, ...]:
    return tuple(sorted(path for path in paths if not any(path.startswith(f"{other}.") for other in paths)))
