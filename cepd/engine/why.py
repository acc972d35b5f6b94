"""Why a rule fired, or did not: everything that decided, with the values that it saw.

`why_fired` needs nothing but the rule and the firing, so an alert can keep it; `why` looks at the engine's state after
an event was applied, and so tells of events that made nothing fire as well. Neither changes anything.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from cepd.engine.conditions import compile_condition
from cepd.engine.decode import DecodeCounts, decode_fields, read_event
from cepd.engine.hearing import hears_type
from cepd.engine.keys import compile_key, key_values
from cepd.engine.running import Running
from cepd.engine.single import condition_of, evaluate_single
from cepd.engine.suppress import covering
from cepd.engine.trace import Trace, render_trace, trace
from cepd.engine.unit import Unit, unit_kind
from cepd.model.condition import Condition
from cepd.model.event import Event
from cepd.model.firing import Firing
from cepd.model.instant import Instant, format_instant
from cepd.model.json import Json
from cepd.model.rule import Rule


class Why(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`outcome` says it in a sentence. What did not take part is left out. Times are RFC 3339 text."""

    rule_id: str
    outcome: str
    time: str | None = None
    key: dict[str, Json] = msgspec.field(default_factory=dict)
    when: Trace | None = None
    having: Trace | None = None
    window: dict[str, Json] | None = None
    """start, end, events, and the aggregates in `values`."""
    values: dict[str, Json] = msgspec.field(default_factory=dict)
    hold: dict[str, Json] | None = None
    """Since when it held, and from when on it fires or fired."""
    steps: list[dict[str, Json]] = msgspec.field(default_factory=list)
    state: dict[str, Json] = msgspec.field(default_factory=dict)
    """Where the key stands in its unit: open windows, step reached, baseline."""
    alert: dict[str, Json] | None = None
    """The alert that it went into: id, count, and whether it opened it."""


def why_fired(rule: Rule, firing: Firing) -> Why:
    """Why a firing came, as far as the firing itself tells."""
    window = firing.window
    eager = rule.window is not None and rule.window.emit == "eager"
    by_event = bool(firing.payload) and (eager or unit_kind(rule) in (None, "anomaly", "new_value"))
    return Why(
        rule_id=rule.id,
        outcome=_told(firing),
        time=format_instant(firing.time),
        key=firing.key,
        when=_traced(_asked(rule), _fields(firing)) if by_event else None,
        having=_traced(rule.having, {**firing.key, **firing.values}) if rule.window is not None else None,
        window=None if window is None else _window(window, firing.events),
        values=firing.values,
        hold=None if firing.began is None or rule.hold is None else _hold(firing.began, rule.hold),
        steps=[
            {
                "step": step.id,
                "first": format_instant(step.first),
                "last": format_instant(step.last),
                "event_ids": list(step.event_ids),
            }
            for step in firing.steps
        ],
        alert={"event_id": firing.alert_id, "count": firing.count, "opened": firing.opens},
    )


def why(running: Running, unit: Unit | None, event: Event, time: Instant, fired: Sequence[Firing]) -> Why:
    """Why an event made a rule fire or not, right after it was applied. `time` is the event's for the rule, `fired`
    what the rule gave at it; what fired only because time went on up to the event is none of its doing."""
    rule = running.rule
    key = compile_key(rule.group_by)(event.fields)
    of_event = (firing for firing in fired if firing.kind in ("fired", "continued") and event.id in firing.event_ids)
    own = next(of_event, None)
    if own is not None:
        found = why_fired(rule, own)
        return msgspec.structs.replace(found, when=_traced(_asked(rule), event.fields), state=_state(unit, key))
    episode = None if key is None else running.state.episodes.get(key)
    return Why(
        rule_id=rule.id,
        outcome=_reason(running, event, key, time),
        time=format_instant(time),
        key={} if key is None else key_values(rule.group_by, key),
        when=_traced(_asked(rule), event.fields),
        hold=_hold(episode.began, rule.hold) if episode is not None and rule.hold is not None else None,
        state=_state(unit, key),
    )


def why_single(rule: Rule, event: Event) -> Why:
    """What the rule says to one event that stands for everything it would otherwise wait for."""
    single = evaluate_single(rule, event)
    key = {} if single.key is None else key_values(rule.group_by, single.key)
    return Why(
        rule_id=rule.id,
        outcome="would fire" if single.matched else "would not fire",
        key=key,
        when=_traced(condition_of(rule), event.fields),
        having=_traced(rule.having, {**event.fields, **key, **single.values}),
        values=single.values,
    )


def render_why(found: Why) -> list[str]:
    """Lines for people."""
    return list(_lines(found))


def _asked(rule: Rule) -> Condition | None:
    return condition_of(rule) if unit_kind(rule) is None else rule.when


def _traced(condition: Condition | None, fields: Mapping[str, Json]) -> Trace | None:
    return None if condition is None else trace(condition, fields)


def _fields(firing: Firing) -> Mapping[str, Json]:
    fields = decode_fields(firing.payload, DecodeCounts())
    source = firing.event_source or ""
    return read_event(firing.payload, fields, firing.time, source=source, origin="", number=0).fields


def _window(window: tuple[Instant, Instant | None], events: int) -> dict[str, Json]:
    start, end = window
    return {"start": format_instant(start), "end": None if end is None else format_instant(end), "events": events}


def _hold(began: Instant, length: int) -> dict[str, Json]:
    return {"since": format_instant(began), "from": format_instant(began + length)}


def _state(unit: Unit | None, key: str | None) -> dict[str, Json]:
    return {} if unit is None or key is None else unit.describe(key)


def _told(firing: Firing) -> str:
    match firing.kind:
        case "fired" if firing.opens:
            return "fired and opened an alert"
        case "fired":
            return f"fired and folded into alert {firing.alert_id}, firing {firing.count} of it"
        case "continued":
            return f"still true: alert {firing.alert_id} goes on"
        case "resolved":
            return f"resolved alert {firing.alert_id}: {firing.reason}"
        case "summary":
            return f"summed up alert {firing.alert_id}: {firing.count} firings"
        case "storm":
            return "opened a storm alert: the rule had opened max_alerts alerts in this minute"


def _reason(running: Running, event: Event, key: str | None, time: Instant) -> str:
    """Why the event made nothing fire, in words."""
    rule, compiled = running.rule, running.compiled
    if not hears_type(rule, event.type):
        return f"did not fire: it does not listen to events of type {event.type!r}"
    if not compiled.accepts(event.source):
        return f"did not fire: it does not listen to the source {event.source!r}"
    asked = compiled.asked.condition
    if asked is not None and not compile_condition(asked)(event.fields):
        return "did not fire: the condition is false"
    if key is None:
        return "did not fire: a value of group_by is an object or a list"
    episode = running.state.episodes.get(key)
    if episode is not None and rule.hold is not None:
        return f"did not fire: it has to hold until {format_instant(episode.began + rule.hold)}"
    if rule.window is not None and rule.window.emit == "close":
        return "did not fire yet: the window is evaluated when it closes"
    if covering(running.state.windows.get(key, ()), time) is not None:
        return "did not fire: what it found was not enough; a suppress window of the key is open"
    return "did not fire: what it found so far was not enough"


def _lines(found: Why) -> Iterator[str]:
    key = f" {msgspec.json.encode(found.key).decode()}" if found.key else ""
    yield f"{found.time or ''} {found.rule_id}{key}: {found.outcome}".strip()
    for title, traced in (("when", found.when), ("having", found.having)):
        if traced is not None:
            yield f"  {title}:"
            yield from (f"    {line}" for line in render_trace(traced))
    parts = {"window": found.window, "values": found.values, "hold": found.hold, "state": found.state}
    for title, part in parts.items():
        if part:
            yield f"  {title}: {msgspec.json.encode(part).decode()}"
    for step in found.steps:
        yield f"  step {step['step']}: {step['first']} to {step['last']}, events {', '.join(step['event_ids'])}"
