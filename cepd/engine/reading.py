"""How one rule reads the cells that it shares with others: its names for the aggregates, its `having`, and the
evaluation that comes of them. The cells are never changed here.
"""

from collections.abc import Mapping

import msgspec

from cepd.engine.cells import AnyCells, Columns, Layout
from cepd.engine.conditions import compile_condition
from cepd.engine.evaluation import Evaluation, of_event
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


class Reading:
    """The rule's `rule.aggregate` are all in the layout."""

    def __init__(self, rule: Rule, layout: Layout) -> None:
        self.rule = rule
        self._outputs = [(name, layout.place(found), found) for name, found in rule.aggregate.items()]
        self._labels = [(_label(found), place, found) for _, place, found in self._outputs]
        self._holds = None if rule.having is None else compile_condition(rule.having)
        self._by_key = rule.having is not None and not fields_of(rule.having).isdisjoint(rule.group_by)
        types: tuple[str, ...] | None = getattr(rule.trigger, "event_type", None)
        self._event_type = types[0] if types is not None and len(types) == 1 else None

    def at_end(self, key: str, sight: Marked, *, followed: bool) -> Evaluation | None:
        """What a window that ended says; None where it is false and nobody follows the key."""
        values, events = self._values(sight), sight.events
        truth = self._true(key, values, events)
        if not truth and not followed:
            return None
        marks, start, end = sight.marks, sight.start, sight.end
        return Evaluation(
            key=key,
            time=end,
            truth=truth,
            cause=_cause(start, end),
            values=values,
            window=(start, end),
            events=events,
            event_ids=marks.ids(sight.slot),
            payload=marks.payload(sight.slot, self.rule.carries),
            event_type=self._event_type,
        )

    def at_empty_end(self, key: str, start: Instant, end: Instant) -> Evaluation:
        """What a window that ended without events of the key says."""
        values: dict[str, Json] = {
            name: _WITHOUT_EVENTS[found.fn] for name, _, found in self._outputs if found.fn in _WITHOUT_EVENTS
        }
        return Evaluation(
            key=key,
            time=end,
            truth=self._true(key, values, 0),
            cause=_cause(start, end),
            values=values,
            window=(start, end),
            events=0,
            event_type=self._event_type,
        )

    def at_event(self, key: str, sight: Sight, event: Happening, time: Instant, *, followed: bool) -> Evaluation | None:
        """What a window says now that it took in an event; None where it is false and nobody follows the key."""
        values = self._values(sight)
        truth = self._true(key, values, sight.events)
        if not truth and not followed:
            return None
        window = (sight.start, sight.end)
        return msgspec.structs.replace(
            of_event(event, key, time, values), truth=truth, window=window, events=sight.events
        )

    def describe(self, sight: Sight) -> dict[str, Json]:
        """The aggregates now under names that do not depend on the rule: `avg(cpu)`."""
        return {
            label: value
            for label, place, found in self._labels
            if (value := sight.columns[place].value(sight.slot, found, sight.end - sight.start)) is not MISSING
        }

    def _values(self, sight: Sight) -> dict[str, Json]:
        """The aggregates that have a value, by the rule's names; `<name>_approximate` with those that are estimates."""
        slot, span, values = sight.slot, sight.end - sight.start, {}
        for name, place, aggregate in self._outputs:
            column = sight.columns[place]
            value = column.value(slot, aggregate, span)
            if value is not MISSING:
                values[name] = value
                if column.approximate(slot):
                    values[f"{name}_approximate"] = True
        return values

    def _true(self, key: str, values: dict[str, Json], events: int) -> bool:
        if self._holds is None:
            return events > 0
        return self._holds({**_nested(key_values(self.rule.group_by, key)), **values} if self._by_key else values)


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
