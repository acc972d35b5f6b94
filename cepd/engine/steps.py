"""The steps of a sequence, compiled: which events each takes, what ends a run while it waits for one, and which values
of earlier events later ones are compared with.

A step takes an event of its type for which its condition holds. The condition sees the event's fields and, over them,
each step that is done by its id: the values of the event that filled that step. A step that is not done yet is not
there, and no step sees itself. What an event can be to a pattern is known by its type already: see `Roles`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from cepd.engine.conditions import compile_condition
from cepd.engine.marks import read_carried
from cepd.engine.matching.node import compile_holds
from cepd.engine.paths import MISSING, fields_of, lookup
from cepd.engine.projection import View, read_field
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import SequenceTrigger, Step

Captured: TypeAlias = Mapping[str, dict[str, Json]]
"""By id of a step that is done, the values that are kept of the event that filled it."""

Takes: TypeAlias = Callable[[View, Captured], bool]
"""Whether a step takes an event, given as its view, of a type that it hears."""

Excerpt: TypeAlias = Callable[[View], dict[str, Json]]

Paths: TypeAlias = dict[str, tuple[str, ...]]
"""By id of a step, the paths below it that somebody names, none of which begins with another."""


class Kept(msgspec.Struct, frozen=True):
    """What is kept of events: the values of `paths` of the one that fills a step; those of the fields `names` of the
    last one, for a run that waits for its end. `captures[i]` reads what stage i keeps, None where that is nothing, and
    `carries` what the last event carries."""

    paths: Paths
    names: tuple[str, ...]
    captures: tuple[Excerpt | None, ...]
    carries: Excerpt | None


class Stage(msgspec.Struct, frozen=True):
    """A step that must come. `name`: its id, else its place among the steps as written, from 1. `dependents`: places
    of the stages whose events mean nothing without those of this one."""

    name: str
    id: str | None
    count: int
    dependents: tuple[int, ...]


class Roles(msgspec.Struct, frozen=True):
    """What events of one type may be to a pattern, each with the condition that it depends on, None where on none.
    `first`: the stages that one may begin a run with; `wanted[i]`: those that it may serve in a run whose first stage
    that lacks events is i; `guards[i]`: what of `Pattern.guards[i]` hears the type, empty where none does at all."""

    first: tuple[tuple[int, Takes | None], ...]
    wanted: tuple[tuple[tuple[int, Takes | None], ...], ...]
    guards: tuple[tuple[Takes | None, ...], ...]


class Pattern(msgspec.Struct, frozen=True):
    """`guards[i]` end a run that waits for stage i, by their conditions; the last of them, a run that has all: the
    trailing `absent`. `one`: a key follows one run at a time. `ids`: of the stages; `named`: the paths that conditions
    name. `roles`: by event type; of all other events `others`. None: they are nothing to the pattern."""

    stages: tuple[Stage, ...]
    guards: tuple[tuple[Takes | None, ...], ...]
    within: Span
    strict: bool
    one: bool
    ids: frozenset[str]
    named: tuple[str, ...]
    roles: Mapping[str | None, Roles | None]
    others: Roles | None

    @property
    def waits(self) -> bool:
        """Whether a run that has all steps still has to wait for what must stay absent."""
        return bool(self.guards[-1])

    @property
    def plain(self) -> bool:
        """Whether it is nothing but several steps in their order, one event each, and one run at a time."""
        counts = [stage.count for stage in self.stages]
        return self.strict and self.one and not any(self.guards) and len(counts) > 1 and set(counts) == {1}


class _Compiled(msgspec.Struct, frozen=True):
    """`types` None: of every type; `takes` None: whatever they hold."""

    types: frozenset[str] | None
    takes: Takes | None

    def hears(self, event_type: str | None) -> bool:
        return self.types is None or event_type in self.types


def compile_steps(trigger: SequenceTrigger) -> Pattern:
    """The pattern of a checked trigger: at least one step that must come, first of all; `absent` at the end only.
    With `order: any` there is no place between steps, so that `not` has no meaning there and config refuses it."""
    written = [(str(place), step) for place, step in enumerate(trigger.steps, 1)]
    positive = [(place, step) for place, step in written if step.role == "event"]
    ids = frozenset(step.id for _, step in positive if step.id is not None)
    strict = trigger.order == "strict"
    taken: list[_Compiled] = []
    guards: list[list[_Compiled]] = [[]]
    for step in trigger.steps:
        if step.role == "event":
            taken.append(_compile(step, ids))
            guards.append([])
        else:
            guards[-1].append(_compile(step, ids))
    stages = tuple(
        Stage(
            name=place if step.id is None else step.id,
            id=step.id,
            count=step.count,
            dependents=_dependents([found for _, found in positive], index, strict),
        )
        for index, (place, step) in enumerate(positive)
    )
    types = {event_type for step in trigger.steps for event_type in step.event_type or ()}
    return Pattern(
        stages=stages,
        guards=tuple(tuple(found.takes for found in place) for place in guards),
        within=trigger.within,
        strict=strict,
        one=trigger.runs == "one",
        ids=ids,
        named=tuple(path for step in trigger.steps for path in _named(step)),
        roles={event_type: _roles(taken, guards, event_type, strict) for event_type in types},
        others=_roles(taken, guards, None, strict),
    )


def kept_of(pattern: Pattern, carries: Iterable[str]) -> Kept:
    """What conditions, and texts that name `carries`, need of events."""
    carried = tuple(carries)
    paths = _below([*pattern.named, *carried], pattern.ids)
    others = tuple(path for path in carried if path.partition(".")[0] not in pattern.ids)
    names = others if pattern.waits else ()
    captures = [paths.get(stage.id) if stage.id is not None else None for stage in pattern.stages]
    return Kept(
        paths,
        names,
        tuple(None if found is None else read_excerpt(found) for found in captures),
        read_carried(names) if names else None,
    )


def read_by_steps(trigger: SequenceTrigger, carries: Iterable[str]) -> frozenset[str]:
    """Every path that a sequence reads of its events: those that conditions name, the steps' own among them, because
    they are the event's as long as the step is not done, and what is kept for later steps and for texts."""
    ids = frozenset(step.id for step in trigger.steps if step.role == "event" and step.id is not None)
    named = [path for step in trigger.steps for path in _named(step)]
    kept = _below([*named, *carries], ids)
    return frozenset([*named, *carries, *(path for below in kept.values() for path in below)])


def excerpt(fields: Mapping[str, Json], paths: Iterable[str]) -> dict[str, Json]:
    """An object that holds the values of the paths, where there are any, and nothing else."""
    return _put_together((path, lookup(fields, path)) for path in paths)


def read_excerpt(paths: Iterable[str]) -> Excerpt:
    """As `excerpt`, of a view."""
    fields = [(path, read_field(path)) for path in paths]
    return lambda view: _put_together((path, read(view)) for path, read in fields)


def _put_together(values: Iterable[tuple[str, Json]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for path, value in values:
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


def _compile(step: Step, ids: frozenset[str]) -> _Compiled:
    types = None if step.event_type is None else frozenset(step.event_type)
    if step.when is None:
        return _Compiled(types, None)
    seen = tuple(sorted(_below(_named(step), ids - {step.id})))
    if not seen:
        alone = compile_holds(step.when)
        return _Compiled(types, lambda view, captured: alone(view))
    holds, own = compile_condition(step.when), read_excerpt(_shortest(fields_of(step.when)))
    return _Compiled(
        types,
        lambda view, captured: holds({**own(view), **{name: captured[name] for name in seen if name in captured}}),
    )


def _roles(
    stages: Sequence[_Compiled], guards: Sequence[Sequence[_Compiled]], event_type: str | None, strict: bool
) -> Roles | None:
    taken = [(place, found.takes) for place, found in enumerate(stages) if found.hears(event_type)]
    ending = [tuple(found.takes for found in place if found.hears(event_type)) for place in guards]
    if not taken and not any(ending):
        return None
    return Roles(
        first=tuple(found for found in taken if not strict or found[0] == 0),
        wanted=tuple(
            tuple(found for found in taken if found[0] == place or (found[0] > place and not strict))
            for place in range(len(stages) + 1)
        ),
        guards=tuple(ending) if any(ending) else (),
    )


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
