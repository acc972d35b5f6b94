"""One event for one rule: manual triggers, chained rules, `simulate --payload`.

The event stands for everything the rule would otherwise wait for. Trigger match, window, hold and baseline are
skipped; `when` with the metric's threshold decides, then `having` over the aggregates of this one event.
"""

from collections.abc import Mapping
from itertools import chain

import msgspec

from cepd.engine.column import new_column, reader
from cepd.engine.conditions import compile_condition
from cepd.engine.keys import compile_key
from cepd.engine.paths import MISSING, lookup, operand_fields, tests_of
from cepd.model.condition import All, Condition, Field, Literally, Test
from cepd.model.duration import Span
from cepd.model.event import Event
from cepd.model.json import Json
from cepd.model.rule import Aggregate, AnomalyTrigger, MetricTrigger, Rule


class Single(msgspec.Struct, frozen=True):
    """`condition`: `when` and the threshold hold. `held`: `having` holds too. `values`: the aggregates that have one.
    `extracted`: what the metric, or else the first condition's field, was; None where nothing matched. `key` None:
    a group_by value is an object or a list; an engine counts what held and skips it."""

    condition: bool
    held: bool
    values: dict[str, Json]
    extracted: Json
    key: str | None

    @property
    def matched(self) -> bool:
        """Whether the rule fires."""
        return self.held and self.key is not None


def evaluate_single(rule: Rule, event: Event) -> Single:
    """What the rule says to this event alone. Pure."""
    condition = condition_of(rule)
    holds = condition is None or compile_condition(condition)(event.fields)
    key = compile_key(rule.group_by)(event.fields)
    values = {name: value for name, value in _values(rule, event.fields).items() if value is not MISSING}
    seen = {**event.fields, **values}
    held = holds and (rule.having is None or compile_condition(rule.having)(seen))
    extracted = _extracted(rule, event.fields, seen) if held and key is not None else None
    return Single(holds, held, values, extracted, key)


def condition_of(rule: Rule) -> Condition | None:
    """The threshold of a metric and `when`, both at once; None where the rule asks for neither."""
    threshold = threshold_of(rule)
    if threshold is None:
        return rule.when
    return threshold if rule.when is None else All((threshold, rule.when))


def threshold_of(rule: Rule) -> Condition | None:
    """`metric op threshold`; None where the rule has none."""
    trigger = rule.trigger
    if not isinstance(trigger, MetricTrigger) or trigger.metric is None or trigger.op is None:
        return None
    return Test(trigger.op, Field(trigger.metric), Literally(trigger.threshold))


def _extracted(rule: Rule, fields: Mapping[str, Json], seen: Mapping[str, Json]) -> Json:
    """The metric, else the field that stands first in `when`, else what stands first in `having`, which also sees
    aggregates."""
    trigger = rule.trigger
    if isinstance(trigger, MetricTrigger) and trigger.metric is not None:
        path, holder = trigger.metric, fields
    elif isinstance(trigger, AnomalyTrigger):
        path, holder = trigger.value, fields
    elif (first := _first_path(rule.when)) is not None:
        path, holder = first, fields
    elif (first := _first_path(rule.having)) is not None:
        path, holder = first, seen
    else:
        return None
    value = lookup(holder, path)
    return None if value is MISSING else value


def _first_path(condition: Condition | None) -> str | None:
    tests = () if condition is None else tests_of(condition)
    return next((field.path for field in chain.from_iterable(map(operand_fields, tests))), None)


def _values(rule: Rule, fields: Mapping[str, Json]) -> dict[str, Json]:
    span = 0 if rule.window is None or rule.window.size is None else rule.window.size
    return {name: _aggregate(found, span, fields) for name, found in rule.aggregate.items()}


def _aggregate(aggregate: Aggregate, span: Span, fields: Mapping[str, Json]) -> Json:
    """An aggregate over one event; MISSING where one event gives it no value, as with stddev."""
    column = new_column(aggregate)
    column.grow()
    column.add(0, reader(aggregate)(fields), 0)
    return column.value(0, aggregate, span)
