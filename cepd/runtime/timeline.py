"""Why a test case failed, in lines for people: what happened when, and expected firings beside those that came."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

from cepd.engine.formatting import format_expression
from cepd.engine.paths import fields_of
from cepd.engine.standing import Standing
from cepd.engine.trace import render_trace, trace
from cepd.engine.why import render_why
from cepd.model.condition import Condition
from cepd.model.duration import format_duration
from cepd.model.event import Event
from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.rule import Rule, SequenceTrigger
from cepd.model.ruletest import Expectation
from cepd.runtime.expectations import Fact, Missing, differences
from cepd.runtime.playback import Happening
from cepd.runtime.ruletest import CaseResult

SHOWN_IN_FULL = 3
"""Events of one step that are shown though nothing came of them; the others are counted."""

WINDOWS_SHOWN = 50


def render_failure(result: CaseResult) -> list[str]:
    """What was wrong, then the timeline."""
    lines = list(result.faults)
    if not result.verdict.holds:
        lines += _difference(result)
    lines += _windows(result)
    if result.happenings:
        lines += ["", "what happened:", *(f"  {line}" for line in _timeline(result))]
        lines += [f"  {line}" for line in _remarks(result.standings)]
    return lines


def since(start: Instant, instant: Instant | None) -> str:
    """`2m30s`, `-5s`: how long after the start of the test."""
    if instant is None:
        return "open"
    return format_duration(instant - start) if instant >= start else f"-{format_duration(start - instant)}"


def describe_fact(fact: Fact, start: Instant) -> str:
    """`login-burst fired at 2m, key {"user": "a"}, values {…} -> notify ops`."""
    firing = fact.firing
    parts = [f"{firing.rule_id} {firing.kind} at {since(start, firing.time)}"]
    if fact.clock != firing.time:
        parts.append(f"clock {since(start, fact.clock)}")
    parts += _content(fact, start)
    if firing.reason is not None:
        parts.append(f"reason {firing.reason}")
    if firing.kind == "fired" and not firing.opens:
        parts.append("folded into an earlier alert")
    return ", ".join(parts) + (f" -> {', '.join(fact.actions)}" if fact.actions else "")


def _content(fact: Fact, start: Instant) -> Iterator[str]:
    firing = fact.firing
    if firing.key:
        yield f"key {_json(firing.key)}"
    if firing.window is not None:
        yield f"window [{since(start, firing.window[0])}, {since(start, firing.window[1])}]"
    if firing.values:
        yield f"values {_json(firing.values)}"


def describe_expectation(expectation: Expectation, start: Instant) -> str:
    one = expectation
    parts = [f"{one.rule} {one.kind}"]
    if one.time is not None:
        first, last = (since(start, instant) for instant in one.time)
        parts[0] += f" at {first}" if first == last else f" between {first} and {last}"
    if one.clock is not None:
        parts.append(f"clock {since(start, one.clock)}")
    if one.key is not None:
        parts.append(f"key {_json(dict(one.key))}")
    if one.window is not None:
        parts.append(f"window [{since(start, one.window[0])}, {since(start, one.window[1])}]")
    if one.values is not None:
        parts.append(f"values {_json(dict(one.values))}")
    if one.event_ids is not None:
        parts.append(f"event_ids {_json(list(one.event_ids))}")
    if one.reason is not None:
        parts.append(f"reason {one.reason}")
    said = "" if one.actions is None else f" -> {', '.join(one.actions) or 'nothing'}"
    return ", ".join(parts) + said


def _difference(result: CaseResult) -> Iterator[str]:
    start, verdict = result.test.start, result.verdict
    if verdict.missing:
        yield "expected, and did not come:"
    for missing in verdict.missing:
        yield f"  - {_times(missing)}{describe_expectation(missing.expectation, start)}"
        if missing.nearest is not None:
            yield f"      nearest: {describe_fact(missing.nearest, start)}"
            yield f"        differs in {', '.join(differences(missing.expectation, missing.nearest))}"
    if verdict.forbidden:
        yield "forbidden by times: 0, and came:"
    yield from (f"  + {describe_fact(fact, start)}" for fact in verdict.forbidden)
    if verdict.unexpected:
        yield "came, and was not expected:"
    yield from (f"  + {describe_fact(fact, start)}" for fact in verdict.unexpected)


def _times(missing: Missing) -> str:
    times = missing.expectation.times
    return "" if times == 1 else f"{missing.lacking} of {times} times: "


def _timeline(result: CaseResult) -> Iterator[str]:
    quiet: dict[int, int] = {}
    hidden: dict[int, int] = {}
    for happening in result.happenings:
        step = happening.step
        if not happening.facts:
            if step is None:
                continue
            quiet[step] = quiet.get(step, 0) + 1
            if quiet[step] > SHOWN_IN_FULL:
                hidden[step] = hidden.get(step, 0) + 1
                continue
        yield from _happening(happening, result.test.start)
    for step, count in hidden.items():
        yield f"({count} more of step {step + 1}, of which nothing came, are not shown)"


def _windows(result: CaseResult) -> Iterator[str]:
    """Windows with a `having`, which need not have fired: what they held, and why that was enough or not."""
    rules = {rule_id: rule for happening in result.happenings for rule_id, rule in happening.rules.items()}
    judged = [fact for fact in result.windows if fact.firing.kind == "fired" and rules[fact.firing.rule_id].having]
    if judged:
        yield ""
        yield "windows that closed:"
    for fact in judged[:WINDOWS_SHOWN]:
        yield f"  {fact.firing.rule_id}: {', '.join(_content(fact, result.test.start))}"
        having = rules[fact.firing.rule_id].having
        assert having is not None
        names = {**fact.firing.key, **fact.firing.values}
        yield from (f"      {line}" for line in _condition("having", having, names))
    if len(judged) > WINDOWS_SHOWN:
        yield f"  ({len(judged) - WINDOWS_SHOWN} more are not shown)"


def _happening(happening: Happening, start: Instant) -> Iterator[str]:
    yield f"{since(start, happening.clock):<8} {happening.said}"
    event = happening.event
    if event is not None:
        if event.time != happening.clock:
            yield f"         its own time is {since(start, event.time)}"
        for found in happening.whys:
            lines = (*render_why(found), *_steps(happening.rules[found.rule_id], event))
            yield from (f"         {line}" for line in lines)
    for fact in happening.facts:
        yield f"         => {describe_fact(fact, start)}"


def _steps(rule: Rule, event: Event) -> Iterator[str]:
    """What the steps of a sequence that hear an event ask of it."""
    trigger = rule.trigger
    if not isinstance(trigger, SequenceTrigger):
        return
    ids = {step.id for step in trigger.steps}
    for place, step in enumerate(trigger.steps, 1):
        if step.event_type is not None and event.type not in step.event_type:
            continue
        name = f"  step {step.id or place} ({step.role})"
        if step.when is None:
            yield f"{name} takes it"
        elif {path.partition(".")[0] for path in fields_of(step.when)} & ids:
            yield f"{name} takes it where {format_expression(step.when)}"
        else:
            yield from (f"  {line}" for line in _condition(f"{name[2:]} when", step.when, event.fields))


def _condition(title: str, condition: Condition, fields: Mapping[str, Json]) -> Iterator[str]:
    yield f"{title}:"
    yield from (f"  {line}" for line in render_trace(trace(condition, fields)))


_REMARKS: Mapping[str, Callable[[Standing], int]] = {
    "late": lambda one: one.unit_counts.late,
    "out of order": lambda one: one.unit_counts.out_of_order,
    "without a usable value": lambda one: one.unit_counts.unusable,
    "muted by a cooldown": lambda one: one.unit_counts.muted,
    "refused because of max_keys": lambda one: one.unit_counts.refused_keys,
    "without a usable key": lambda one: one.counts.skipped_keys,
    "folded by suppress": lambda one: one.counts.suppressed,
    "folded by the storm guard": lambda one: one.counts.stormed,
}


def _remarks(standings: Sequence[Mapping[str, Standing]]) -> Iterator[str]:
    """What the engine counted that may explain a silence."""
    for rule_id in dict.fromkeys(rule_id for found in standings for rule_id in found):
        lives = [found[rule_id] for found in standings if rule_id in found]
        for what, count in _REMARKS.items():
            total = sum(map(count, lives))
            if total:
                yield f"{rule_id}: {total} {what}"
        unseen = set.intersection(*(set(one.unseen) for one in lives))
        yield from (f"{rule_id}: no event had the field {name}" for name in sorted(unseen))


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
