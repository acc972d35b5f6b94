"""How one rule reads the cells that it shares with others: its names for the aggregates, its `having`, and the
evaluation that comes of them. The cells are never changed here.
"""

from collections.abc import Iterable, Mapping

import msgspec

from cepd.engine.cells import AnyCells, Columns, Layout
from cepd.engine.conditions import compile_condition
from cepd.engine.evaluation import Evaluation
from cepd.engine.keys import key_values
from cepd.engine.marks import Marks
from cepd.engine.paths import MISSING, fields_of
from cepd.model.event import Happening
from cepd.model.instant import Instant, format_instant
from cepd.model.json import Json
from cepd.model.rule import Aggregate, Rule

_WITHOUT_EVENTS = {"count": 0, "sum": 0}
"""The aggregates that have a value where there are no events."""


class Sight(msgspec.Struct, frozen=True, gc=False):
    """One key in one window: the slot of columns that holds it, and how many events it had. `end` of a session is its
    last event's time."""

    start: Instant
    end: Instant
    columns: Columns
    slot: int
    events: int


class Marked(Sight, frozen=True, gc=False):
    """A sight with the marks of its events, in the same slot."""

    marks: Marks

    @classmethod
    def of(cls, start: Instant, end: Instant, cells: AnyCells, slot: int) -> "Marked":
        return cls(start, end, cells.columns, slot, cells.marks.counts[slot], cells.marks)


class Fed(msgspec.Struct, frozen=True, gc=False):
    """The event that an eager unit took in last, its window since, and the rules that have fired in it, by slot."""

    event: Happening
    time: Instant
    key: str
    sight: Sight
    slot: int
    fired: dict[int, list[str]]


class Telling:
    """What a window says apart from whether it is true: the same for all rules that give the aggregates the same names
    and carry the same fields, and found once for all of them. The rule's `rule.aggregate` are all in the layout."""

    def __init__(self, rule: Rule, layout: Layout) -> None:
        self.kind = _kind(rule)
        self.outputs = [(name, layout.place(found), found) for name, found in rule.aggregate.items()]
        self._carries = rule.carries
        types: tuple[str, ...] | None = getattr(rule.trigger, "event_type", None)
        self._event_type = types[0] if types is not None and len(types) == 1 else None
        self._fed: Fed | None = None
        self._values: dict[str, Json] = {}
        self._said: Evaluation | None = None

    def values(self, sight: Sight) -> dict[str, Json]:
        """The aggregates that have a value, by their names; `<name>_approximate` with those that are estimates."""
        slot, span, values = sight.slot, sight.end - sight.start, {}
        for name, place, aggregate in self.outputs:
            column = sight.columns[place]
            value = column.value(slot, aggregate, span)
            if value is not MISSING:
                values[name] = value
                if column.approximate(slot):
                    values[f"{name}_approximate"] = True
        return values

    def values_at(self, fed: Fed) -> dict[str, Json]:
        """Those of a window that took in an event. To be asked before it takes in another."""
        if fed is not self._fed:
            self._fed, self._values, self._said = fed, self.values(fed.sight), None
        return self._values

    def at_event(self, fed: Fed) -> Evaluation:
        """What a window that took in an event says where it is true. As for `values_at`."""
        if self._said is not None and fed is self._fed:
            return self._said
        values, event, sight = self.values_at(fed), fed.event, fed.sight
        self._said = Evaluation(
            fed.key,
            fed.time,
            True,
            event.identity,
            values,
            (sight.start, sight.end),
            sight.events,
            (event.id,),
            event.line,
            event.type,
            event.source,
        )
        return self._said

    def at_end(self, key: str, sight: Marked, values: dict[str, Json], *, truth: bool) -> Evaluation:
        """What a window that ended says; `values` are its own."""
        marks, start, end = sight.marks, sight.start, sight.end
        ids, payload = marks.ids(sight.slot), marks.payload(sight.slot, self._carries)
        cause = _cause(start, end)
        return Evaluation(key, end, truth, cause, values, (start, end), sight.events, ids, payload, self._event_type)

    def at_empty_end(self, key: str, start: Instant, end: Instant, *, truth: bool) -> Evaluation:
        """What a window that ended without events of the key says."""
        cause, values = _cause(start, end), self.values_of_nothing()
        return Evaluation(key, end, truth, cause, values, (start, end), 0, event_type=self._event_type)

    def values_of_nothing(self) -> dict[str, Json]:
        """The aggregates that have a value where there are no events."""
        return {name: _WITHOUT_EVENTS[found.fn] for name, _, found in self.outputs if found.fn in _WITHOUT_EVENTS}


class Reading:
    """One rule's: what windows say, and whether that is true by its `having`."""

    def __init__(self, rule: Rule, telling: Telling) -> None:
        self.rule = rule
        self.telling = telling
        self._labels = [(_label(found), place, found) for _, place, found in telling.outputs]
        self._holds = None if rule.having is None else compile_condition(rule.having)
        self._by_key = rule.having is not None and not fields_of(rule.having).isdisjoint(rule.group_by)

    def at_end(self, key: str, sight: Marked, *, followed: bool) -> Evaluation | None:
        """What a window that ended says; None where it is false and nobody follows the key."""
        values = self.telling.values(sight)
        truth = self._true(key, values, sight.events)
        return self.telling.at_end(key, sight, values, truth=truth) if truth or followed else None

    def at_empty_end(self, key: str, start: Instant, end: Instant) -> Evaluation:
        """What a window that ended without events of the key says."""
        truth = self._true(key, self.telling.values_of_nothing(), 0)
        return self.telling.at_empty_end(key, start, end, truth=truth)

    def at_event(self, fed: Fed, *, followed: bool) -> Evaluation | None:
        """What a window says now that it took in an event; None where it is false and nobody follows the key."""
        if self._true(fed.key, self.telling.values_at(fed), fed.sight.events):
            return self.telling.at_event(fed)
        return msgspec.structs.replace(self.telling.at_event(fed), truth=False) if followed else None

    def agrees(self, said: Evaluation) -> bool:
        """Whether what a window says, and is true for another rule of the same telling, is true for this one."""
        return self._true(said.key, said.values, said.events)

    def describe(self, sight: Sight) -> dict[str, Json]:
        """The aggregates now under names that do not depend on the rule: `avg(cpu)`."""
        return {
            label: value
            for label, place, found in self._labels
            if (value := sight.columns[place].value(sight.slot, found, sight.end - sight.start)) is not MISSING
        }

    def _true(self, key: str, values: dict[str, Json], events: int) -> bool:
        if self._holds is None:
            return events > 0
        return self._holds({**_nested(key_values(self.rule.group_by, key)), **values} if self._by_key else values)


def readings_of(rules: Iterable[Rule], layout: Layout, known: Mapping[str, Reading]) -> dict[str, Reading]:
    """By rule id; those of rules that are still the same are the known ones."""
    tellings = {reading.telling.kind: reading.telling for reading in known.values()}
    found: dict[str, Reading] = {}
    for rule in rules:
        reading = known.get(rule.id)
        if reading is None or reading.rule is not rule:
            kind = _kind(rule)
            if kind not in tellings:
                tellings[kind] = Telling(rule, layout)
            reading = Reading(rule, tellings[kind])
        found[rule.id] = reading
    return found


def seen(sight: Sight, readings: Mapping[str, Reading]) -> dict[str, Json]:
    """A window for people: its bounds, its events and what any of its rules reads in it."""
    values: dict[str, Json] = {}
    for reading in readings.values():
        values |= reading.describe(sight)
    return {
        "start": format_instant(sight.start),
        "end": format_instant(sight.end),
        "events": sight.events,
        "values": values,
    }


def _kind(rule: Rule) -> object:
    """Rules of one unit whose kinds are equal share a telling."""
    return tuple(rule.aggregate.items()), rule.carries


def _cause(start: Instant, end: Instant) -> str:
    return f"[{start},{end})"


def _label(aggregate: Aggregate) -> str:
    arguments = [str(part) for part in (aggregate.field, aggregate.p) if part is not None]
    return f"{aggregate.fn}({', '.join(arguments)})" if arguments else aggregate.fn


def _nested(values: Mapping[str, Json]) -> dict[str, Json]:
    """Key values where a condition looks for them: `{"a.b": 1}` is `{"a": {"b": 1}}`."""
    found: dict[str, Json] = {}
    for path, value in values.items():
        *above, last = path.split(".")
        inner = found
        for part in above:
            inner = inner.setdefault(part, {})
            if inner.__class__ is not dict:
                break
        else:
            inner[last] = value
    return found
