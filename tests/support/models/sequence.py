"""Sequences over whole events: a run is the list of the events that served each step."""

import json
from functools import partial
from typing import NamedTuple

from cepd.engine.reference import evaluate
from cepd.model.duration import Span
from cepd.model.event import Event
from cepd.model.instant import Instant
from cepd.model.rule import Rule, Step
from tests.support.models.episodes import Due
from tests.support.models.said import Found


class Taken(NamedTuple):
    event: Event
    time: Instant


class Run:
    """`served[i]` are the events of the i-th step that must come."""

    def __init__(self, key: str, served: list[list[Taken]]) -> None:
        self.key = key
        self.served = served

    def events(self) -> list[Taken]:
        return sorted((taken for step in self.served for taken in step), key=lambda taken: taken.time)

    def first(self) -> Instant:
        return min(taken.time for taken in self.events())

    def last(self) -> Instant:
        return max(taken.time for taken in self.events())


class Strict:
    """Steps in their order. Per key the events of the first step that still may begin a run are remembered, and the
    runs that have begun. `runs: one`: the newest first step restarts the run, a match consumes it."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._within: Span = rule.trigger.within
        self._all = rule.trigger.steps
        self._steps = [step for step in self._all if step.role == "event"]
        self._absent = next((step for step in self._all if step.role == "absent"), None)
        self._one = rule.trigger.runs == "one"
        self._firsts: dict[str, list[Taken]] = {}
        self._runs: list[Run] = []

    def hear(self, event: Event, time: Instant, key: str, mark: Instant) -> list[Found]:
        taken = Taken(event, time)
        used = [run for run in self._of(key) if self._offer(run, taken)]
        matched = [run for run in used if self._place(run) == len(self._steps) and self._absent is None]
        self._runs = [run for run in self._runs if run not in matched]
        if self._one and matched:
            self._firsts.pop(key, None)
        if not (self._one and used):
            self._begin(taken, key, mark)
        return [_found(run, time) for run in matched]

    def due(self, mark: Instant) -> list[Due]:
        over = [run for run in self._runs if run.first() + self._within < mark]
        self._runs = [run for run in self._runs if run not in over]
        told = [run for run in over if self._place(run) == len(self._steps)]
        if self._one:
            for run in told:
                self._firsts.pop(run.key, None)
        for key, firsts in self._firsts.items():
            self._firsts[key] = [taken for taken in firsts if taken.time + self._within >= mark]
        limits = [(run, run.first() + self._within) for run in told]
        return [Due(limit + 1, run.key, partial(_found, run, limit)) for run, limit in limits]

    def resume(self, downtime: Span) -> None:
        """Sequences know no downtime."""

    def _of(self, key: str) -> list[Run]:
        return [run for run in self._runs if run.key == key]

    def _offer(self, run: Run, taken: Taken) -> bool:
        """Whether the run took the event as its next one; a guard's or the absent step's ends the run instead."""
        place = self._place(run)
        if taken.time < run.last() or taken.time > run.first() + self._within:
            return False
        enders = self._guards(place) if place < len(self._steps) else [self._absent]
        if any(self._takes(ender, taken, run) for ender in enders if ender is not None):
            self._runs.remove(run)
            if self._one:
                self._firsts.pop(run.key, None)
            return False
        if place == len(self._steps) or not self._takes(self._steps[place], taken, run):
            return False
        run.served[place].append(taken)
        return True

    def _begin(self, taken: Taken, key: str, mark: Instant) -> None:
        first = self._steps[0]
        firsts = self._firsts.setdefault(key, [])
        if not self._takes(first, taken, None) or taken.time + self._within < mark:
            return
        if self._one and any(self._outlives(run, taken) for run in self._of(key)):
            firsts.clear()
        if not self._one and first.count == 1:
            firsts.clear()
        if firsts and taken.time < firsts[-1].time:
            return
        firsts.append(taken)
        firsts[:] = [old for old in firsts if old.time + self._within >= taken.time][-first.count :]
        if self._one:
            self._runs = [run for run in self._runs if run.key != key or self._outlives(run, taken)]
        if len(firsts) == first.count:
            self._runs.append(Run(key, [list(firsts), *([] for _ in self._steps[1:])]))

    def _outlives(self, run: Run, taken: Taken) -> bool:
        """A run that only waits for its span to end is past caring for what comes behind it."""
        return self._place(run) == len(self._steps) and taken.time > run.first() + self._within

    def _place(self, run: Run) -> int:
        """The place of the first step that is not full."""
        full = [len(served) == step.count for served, step in zip(run.served, self._steps, strict=True)]
        return full.index(False) if False in full else len(full)

    def _guards(self, place: int) -> list[Step]:
        """What must not come while a run waits for the step at that place."""
        passed = [sum(step.role == "event" for step in self._all[:here]) for here in range(len(self._all))]
        return [step for step, before in zip(self._all, passed, strict=True) if step.role == "not" and before == place]

    def _takes(self, step: Step, taken: Taken, run: Run | None) -> bool:
        """Whether an event is one for the step, which sees the steps before it by their ids."""
        seen = dict(taken.event.fields)
        for done, served in zip(self._steps, [] if run is None else run.served, strict=run is not None):
            if done.id is not None and len(served) == done.count and done is not step:
                seen[done.id] = served[-1].event.fields
        return _fits(step, taken.event, seen)


class AnyOrder:
    """Steps in whatever order, no condition of which names another. An event serves the first step that lacks one and
    takes it. `runs: one`: else it is the newest of the first step that takes it."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._within: Span = rule.trigger.within
        self._steps = rule.trigger.steps
        self._one = rule.trigger.runs == "one"
        self._runs: list[Run] = []

    def hear(self, event: Event, time: Instant, key: str, mark: Instant) -> list[Found]:
        taken = Taken(event, time)
        takers = [place for place, step in enumerate(self._steps) if _fits(step, event)]
        if not takers or time + self._within < mark:
            return []
        mine = [run for run in self._runs if run.key == key]
        used = [run for run in mine if self._offer(run, taken, takers)]
        if not (self._one and mine):
            begun = Run(key, [[taken] if place == takers[0] else [] for place in range(len(self._steps))])
            self._runs.append(begun)
        elif not used:
            self._renew(mine[0], taken, takers)
        matched = [run for run in self._runs if not any(self._lacks(run))]
        self._runs = [run for run in self._runs if run not in matched]
        return [_found(run, max(run.last(), time)) for run in matched]

    def due(self, mark: Instant) -> list[Due]:
        for run in self._runs:
            if self._one:
                run.served = [[taken for taken in step if taken.time + self._within >= mark] for step in run.served]
        self._runs = [run for run in self._runs if run.events() and run.first() + self._within >= mark]
        return []

    def resume(self, downtime: Span) -> None:
        """Sequences know no downtime."""

    def _lacks(self, run: Run) -> list[bool]:
        return [len(served) < step.count for served, step in zip(run.served, self._steps, strict=True)]

    def _offer(self, run: Run, taken: Taken, takers: list[int]) -> bool:
        lacks = self._lacks(run)
        place = next((place for place in takers if lacks[place]), None)
        span = max(run.last(), taken.time) - min(run.first(), taken.time)
        if place is None or span > self._within:
            return False
        run.served[place].append(taken)
        return True

    def _renew(self, run: Run, taken: Taken, takers: list[int]) -> None:
        lacks = self._lacks(run)
        place = next((place for place in takers if lacks[place]), takers[0])
        step = run.served[place]
        if taken.time < run.last() - self._within or (not lacks[place] and taken.time < min(old.time for old in step)):
            return
        if not lacks[place]:
            step.remove(min(step, key=lambda old: old.time))
        step.append(taken)
        oldest = run.last() - self._within
        run.served = [[old for old in served if old.time >= oldest] for served in run.served]


def _fits(step: Step, event: Event, seen: dict[str, object] | None = None) -> bool:
    typed = step.event_type is None or event.type in step.event_type
    return typed and (step.when is None or evaluate(step.when, event.fields if seen is None else seen))


def _found(run: Run, time: Instant) -> Found:
    events = run.events()
    cause = json.dumps([taken.event.identity for taken in events], separators=(",", ":"), ensure_ascii=False)
    facts = {"events": len(events), "event_ids": tuple(taken.event.id for taken in events)}
    return Found(run.key, time, True, cause, None, payload=None, **facts)
