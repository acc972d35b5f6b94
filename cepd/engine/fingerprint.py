"""Fingerprints: which edits of a rule keep what the engine remembers of it.

State is everything that decides what is remembered; Episode is State and what decides over an open episode. Texts,
severity, actions, suppress, limits and the tuning of verdicts are in neither.

Equal meaning gives equal fingerprints where that is cheap: sets are sorted, an integral float is an int, nested groups
of one kind and groups of one are flattened. Conditions are otherwise taken as written, order included.
"""

import hashlib
from collections.abc import Mapping

import msgspec

from cepd.model.condition import All, AnyOf, Condition, Not, Test
from cepd.model.json import Json
from cepd.model.rule import (
    AbsenceTrigger,
    AnomalyTrigger,
    MetricTrigger,
    NewValueTrigger,
    Rule,
    ScheduleTrigger,
    SequenceTrigger,
    Step,
    Trigger,
)

BASELINE_PARAMETERS = ("alpha", "season", "window")
"""The parameters of an anomaly method that decide what its baseline holds."""


def state_fingerprint(rule: Rule) -> str:
    """32 hex digits over the parts of `state_parts`."""
    return _digest(state_parts(rule))


def episode_fingerprint(rule: Rule) -> str:
    """32 hex digits over State, `having` with the aggregates it may name, the metric threshold, `for` and `resolve`."""
    return _digest(state_parts(rule) | episode_parts(rule))


def state_parts(rule: Rule) -> dict[str, Json]:
    """What State is made of, by the name of the field in YAML. Plain data."""
    return {
        **{f"trigger.{name}": value for name, value in _trigger_parts(rule.trigger).items()},
        "enrich": _plain(rule.enrich),
        "time": rule.time,
        "when": _condition(rule.when),
        "group_by": list(rule.group_by),
        "window": _plain(rule.window),
        "aggregate": sorted({(found.fn, found.field or "") for found in rule.aggregate.values()}),
    }


def episode_parts(rule: Rule) -> dict[str, Json]:
    trigger = rule.trigger
    return {
        "having": None if rule.having is None else [_condition(rule.having), _plain(rule.aggregate)],
        "threshold": [trigger.op, _plain(trigger.threshold)] if isinstance(trigger, MetricTrigger) else None,
        "for": rule.hold,
        "resolve": _plain(rule.resolve),
    }


def _trigger_parts(trigger: Trigger) -> dict[str, Json]:
    parts: dict[str, Json] = {"type": trigger.__struct_config__.tag}
    if not isinstance(trigger, ScheduleTrigger | SequenceTrigger):
        parts |= {"event_type": _set(trigger.event_type), "source": _set(trigger.source)}
    match trigger:
        case MetricTrigger():
            parts |= {"metric": trigger.metric, "poll": _plain(trigger.poll)}
        case ScheduleTrigger():
            parts |= {"cron": trigger.cron, "timezone": trigger.timezone}
        case AnomalyTrigger():
            kept = {name: trigger.parameters[name] for name in BASELINE_PARAMETERS if name in trigger.parameters}
            parts |= {"value": trigger.value, "method": trigger.method, "parameters": _plain(kept)}
        case SequenceTrigger():
            parts |= {name: getattr(trigger, name) for name in ("within", "order", "runs")}
            parts["steps"] = [_step(step) for step in trigger.steps]
        case AbsenceTrigger():
            parts["timeout"] = trigger.timeout
        case NewValueTrigger():
            parts["field"] = trigger.field
    return parts


def _step(step: Step) -> Json:
    return [step.id, step.role, _set(step.event_type), _condition(step.when), step.count]


def _set(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else sorted(set(names))


def _condition(condition: Condition | None) -> Json:
    return None if condition is None else _plain(_flat(condition))


def _flat(condition: Condition) -> Condition:
    if isinstance(condition, Test):
        return condition
    if isinstance(condition, Not):
        return Not(_flat(condition.item))
    kind: type[All | AnyOf] = condition.__class__
    items: list[Condition] = []
    for item in map(_flat, condition.items):
        items.extend(item.items if isinstance(item, kind) else (item,))
    return items[0] if len(items) == 1 else kind(tuple(items))


def _plain(value: object) -> Json:
    return _numbers(msgspec.to_builtins(value, str_keys=True))


def _numbers(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {name: _numbers(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _digest(parts: dict[str, Json]) -> str:
    return hashlib.blake2b(msgspec.json.encode(parts, order="deterministic"), digest_size=16).hexdigest()
