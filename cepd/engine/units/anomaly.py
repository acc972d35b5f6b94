"""Anomalies: a baseline per key, learned by all rules that share it, and what each rule fires of it.

A value is judged before it is learned. One that comes behind the watermark is learned and never judged. After a rule
fired for a key, its further anomalies belong to that firing while they go on (`cepd.engine.cooldown`).
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Generic, Self, TypeAlias, TypeVar

import msgspec

from cepd.engine.arrays import dec_hook
from cepd.engine.baseline import Baseline, Finding, baseline_type, usable
from cepd.engine.cooldown import Mark
from cepd.engine.evaluation import Evaluation, of_event
from cepd.engine.generations import Generations
from cepd.engine.keys import key_values
from cepd.engine.pieces import pieces_of
from cepd.engine.projection import read_field
from cepd.engine.running import Running
from cepd.engine.shares import ENDS, distribution, no_counts, share_of_line
from cepd.engine.unit import MAX_KEYS, Schedule, UnitCounts, UnitStatus, most_keys
from cepd.engine.verdict import Tuning, details, judge, least_share, lowest_lines, reaches, verdict
from cepd.model.duration import DAY, Span
from cepd.model.event import Happening
from cepd.model.instant import Instant, format_instant
from cepd.model.json import Json
from cepd.model.rule import AnomalyTrigger, Rule

B = TypeVar("B", bound=Baseline)


class Entry(msgspec.Struct, Generic[B]):
    baseline: B
    since: Instant
    """Time of the first value."""
    newest: Instant
    """Time of the last value."""
    value: float
    """The last value."""
    scores: list[int] = msgspec.field(default_factory=no_counts)
    """How many values had a score in each class of `cepd.engine.shares`."""
    marks: dict[str, Mark] = msgspec.field(default_factory=dict)
    """By rule id."""

    @property
    def in_a_row(self) -> bool:
        """Whether the last value was an anomaly for some rule."""
        return any(mark.run for mark in self.marks.values())


class State(msgspec.Struct, Generic[B]):
    entries: Generations[Entry[B]]
    newest: Instant = 0
    """The greatest time that was fed."""


class _Member(msgspec.Struct, frozen=True):
    running: Running
    tuning: Tuning
    least: float
    """A smaller share of a method's own line is no anomaly for it."""
    episodic: bool
    """Whether its keys have episodes."""

    @classmethod
    def of(cls, running: Running) -> Self:
        rule = running.rule
        tuning = Tuning.of(_trigger(rule))
        return cls(running, tuning, least_share(tuning), rule.hold is not None or rule.resolve is not None)


_Fed: TypeAlias = tuple[Entry[Baseline], Json, Sequence[Finding]]
"""What was fed last: the key's entry, the value as it was given, and what was found in it before it was learned."""


class Unit:
    def __init__(self, rule: Rule) -> None:
        self.counts = UnitCounts()
        self._trigger = _trigger(rule)
        self._read_value = read_field(self._trigger.value)
        self._group_by = rule.group_by
        self._type = baseline_type(self._trigger.method)
        self._state: State[Baseline] = State(Generations())
        self._members: dict[str, _Member] = {}
        self._limit = MAX_KEYS
        self._lines: Mapping[str, float] = {}
        self._least = 0.0
        self._watched: set[str] = set()
        self._fed: _Fed | None = None
        self._evaluations: dict[str, Evaluation] = {}

    def bind(self, members: Sequence[Running], schedule: Schedule) -> None:
        self._members = {one.rule.id: _Member.of(one) for one in members}
        self._lines = lowest_lines(one.tuning for one in self._members.values())
        self._least = min(one.least for one in self._members.values())
        self._limit = max(most_keys(one.rule) for one in members)
        self._fed = None
        self._evaluations = {}
        for _, entry in self._entries():
            entry.marks = {rule_id: mark for rule_id, mark in entry.marks.items() if rule_id in self._members}
        self._watch()

    def feed(self, event: Happening, time: Instant, key: str, mark: Instant) -> Sequence[Running]:
        self._fed = None
        if self._evaluations:
            self._evaluations = {}
        given = self._read_value(event.view)
        value = usable(given)
        if value is None:
            self.counts.unusable += 1
            return ()
        state = self._state
        if time > state.newest:
            state.newest = time
        entry = state.entries.young.get(key) or self._entry(key, time)
        findings = entry.baseline.learn(value, time)
        entry.value = value
        if time > entry.newest:
            entry.newest = time
        if time < mark:
            self.counts.late += 1
            return ()
        self._fed = fed = (entry, given, findings)
        if not findings:
            return ()
        share = share_of_line(findings)
        entry.scores[bisect_right(ENDS, share)] += 1
        if key in self._watched or (share >= self._least and reaches(findings, self._lines)):
            return self._tell(fed, share, event, time, key)
        return ()

    def read(self, member: Running) -> Sequence[Evaluation]:
        found = self._evaluations.get(member.rule.id)
        return () if found is None else (found,)

    def verdict(self, member: Running) -> dict[str, Json]:
        """The member's verdict on the value that was fed last; empty where there was none to judge."""
        return {} if self._fed is None else self._verdict(self._members[member.rule.id], self._fed)

    def due(self, member: Running, key: str, start: Instant, at: Instant) -> Iterable[Evaluation]:
        return ()

    def drop(self, key: str, start: Instant, at: Instant) -> None:
        return

    def deadlines(self) -> Iterable[tuple[Instant, str, Instant]]:
        return ()

    def open_ends(self) -> Iterable[tuple[Instant, str, Instant]]:
        return ()

    def resume(self, downtime: Span) -> None:
        return

    def status(self) -> UnitStatus:
        return UnitStatus(keys=len(self._state.entries))

    def describe(self, key: str) -> dict[str, Json]:
        """`findings` are those of the event that was fed last, where it was this key's, else those of the key's last
        value, were it to come again; `rules` says which rules fired last when, and how many anomalies there were in a
        row."""
        entry = self._state.entries.peek(key)
        if entry is None:
            return {}
        fed = self._fed if self._fed is not None and self._fed[0] is entry else None
        findings = entry.baseline.judge(entry.value, entry.newest) if fed is None else fed[2]
        return {
            "samples": entry.baseline.samples,
            "since": format_instant(entry.since),
            "last_update": format_instant(entry.newest),
            "last_value": entry.value,
            "findings": [
                {"method": one.method.name, "score": one.score, "samples": one.samples, **details(one, ())}
                for one in findings
            ],
            "rules": {
                rule_id: {"fired": None if mark.fired is None else format_instant(mark.fired), "in_a_row": mark.run}
                for rule_id, mark in sorted(entry.marks.items())
            },
        }

    def baseline_status(self, member: Running, limit: int = 1000) -> list[dict[str, Json]]:
        """How the baselines stand for one member, key by key, of the first `limit` in the order of their texts.

        `expected`, `details`, `last_score` and `is_anomaly` are those of the last value, were it to come again.
        `scores` counts the values by their score since the baseline began, for a method alone in points of score,
        for `auto` in shares of the line of medium sensitivity. `firings_24h` is counted by whole hours.
        """
        entries = self._state.entries
        keys = sorted((*entries.young, *entries.old))[:limit]
        found = ((key, entries.peek(key)) for key in keys)
        return [self._status(member, key, entry) for key, entry in found if entry is not None]

    def reset(self, key: str) -> bool:
        """Forgets the baseline of one key, and what its rules remember of it; False where there is none."""
        return self._state.entries.discard(key)

    def saving(self) -> Iterator[bytes]:
        return pieces_of(self._state)

    def load(self, data: bytes) -> None:
        self._state = msgspec.json.decode(data, type=State[self._type], dec_hook=dec_hook)  # type: ignore[name-defined]

    def _entries(self) -> Iterator[tuple[str, Entry[Baseline]]]:
        yield from self._state.entries.young.items()
        yield from self._state.entries.old.items()

    def _watch(self) -> None:
        """Finds the keys of which even a value that is no anomaly is told: it ends a run of them, or an episode."""
        self._watched = {key for key, entry in self._entries() if entry.in_a_row}
        for member in self._members.values():
            self._watched.update(member.running.state.episodes)

    def _entry(self, key: str, time: Instant) -> Entry[Baseline]:
        entries = self._state.entries
        entry, forgotten = entries.use(key, self._limit)
        if entry is None:
            entry = Entry(self._type.new(self._trigger.parameters), since=time, newest=time, value=0.0)
            forgotten = entries.put(key, entry, self._limit)
        if forgotten:
            self.counts.evicted += forgotten
            self._watch()
        return entry

    def _tell(self, fed: _Fed, share: float, event: Happening, time: Instant, key: str) -> Sequence[Running]:
        """Judges what was found for each member that it can mean something to; those that have something to read."""
        told = []
        watched = key in self._watched
        for rule_id, member in self._members.items():
            if watched or share >= member.least:
                found = self._evaluate(member, fed, event, time, key)
                if found is not None:
                    self._evaluations[rule_id] = found
                    told.append(member.running)
        members = self._members.values()
        if fed[0].in_a_row or any(one.episodic and key in one.running.state.episodes for one in members):
            self._watched.add(key)
        else:
            self._watched.discard(key)
        return told

    def _evaluate(self, member: _Member, fed: _Fed, event: Happening, time: Instant, key: str) -> Evaluation | None:
        """None for what says nothing: a warm-up, an anomaly that goes on, and what is none where nobody asks."""
        entry, _, findings = fed
        judged = judge(member.tuning, findings)
        if judged is None:
            return None
        episode = member.running.state.episodes.get(key)
        rule_id = member.running.rule.id
        mark = entry.marks.get(rule_id)
        if not judged.is_anomaly:
            if mark is not None:
                mark.run = 0
            values = None if episode is None else self._verdict(member, fed)
            return None if values is None else msgspec.structs.replace(of_event(event, key, time, values), truth=False)
        if mark is None:
            mark = entry.marks[rule_id] = Mark()
        mark.run += 1
        if mark.run < member.tuning.consecutive:
            return None
        muted = episode is None and mark.goes_on(time, member.tuning.cooldown)
        mark.seen = max(mark.seen, time)
        if muted:
            self.counts.muted += 1
            return None
        if _fires(member.running, key, time):
            mark.fire(time)
        return of_event(event, key, time, self._verdict(member, fed))

    def _verdict(self, member: _Member, fed: _Fed) -> dict[str, Json]:
        entry, given, findings = fed
        return verdict(member.tuning, entry.baseline, entry.since, findings, given)

    def _status(self, running: Running, key: str, entry: Entry[Baseline]) -> dict[str, Json]:
        member = self._members[running.rule.id]
        findings = entry.baseline.judge(entry.value, entry.newest)
        last = verdict(member.tuning, entry.baseline, entry.since, findings, entry.value)
        mark = entry.marks.get(running.rule.id, Mark())
        return {
            "key": key_values(self._group_by, key),
            "status": last["baseline"]["status"],
            "samples": entry.baseline.samples,
            "needed": member.tuning.min_baseline,
            "since": format_instant(entry.since),
            "last_update": format_instant(entry.newest),
            "details": last["details"],
            "expected": last["expected"],
            "last_value": entry.value,
            "last_score": last["score"],
            "is_anomaly": last["is_anomaly"],
            "scores": distribution(self._trigger.method, entry.scores),
            "firings_24h": mark.fired_since(self._state.newest - DAY),
        }


def _trigger(rule: Rule) -> AnomalyTrigger:
    assert isinstance(rule.trigger, AnomalyTrigger)
    return rule.trigger


def _fires(running: Running, key: str, time: Instant) -> bool:
    """Whether a true evaluation now is a firing: with `for` only once it was held, and in an open episode never."""
    episode, hold = running.state.episodes.get(key), running.rule.hold
    if hold is None:
        return episode is None
    return episode is not None and episode.first_id is None and time >= episode.began + hold
