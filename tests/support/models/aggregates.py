"""Every aggregate over the list of all events of a window, in journal order."""

import json
import math
from collections.abc import Sequence
from typing import Any

from cepd.model.duration import SECOND, Span
from cepd.model.event import Event
from cepd.model.rule import Aggregate, Rule

_NONE = object()


def aggregates(rule: Rule, events: Sequence[Event], span: Span) -> dict[str, Any]:
    """The aggregates that have a value, by name."""
    found = {name: _value(wanted, events, span) for name, wanted in rule.aggregate.items()}
    return {name: value for name, value in found.items() if value is not _NONE}


def _value(wanted: Aggregate, events: Sequence[Event], span: Span) -> Any:
    given = [event.fields[wanted.field] for event in events if wanted.field in event.fields]
    numbers = [value for value in given if type(value) in (int, float)]
    fitting = [value for value in numbers if abs(value) < 2**1024]
    if wanted.fn == "count":
        return len(events) if wanted.field is None else len(given)
    if wanted.fn == "rate":
        return (len(events) if wanted.field is None else len(given)) / (span / SECOND)
    if wanted.fn == "sum":
        return sum(fitting)
    if wanted.fn == "distinct_count":
        return len({_canonical(value) for value in given}) if given else _NONE if not events else 0
    if wanted.fn in ("first", "last"):
        return given[0 if wanted.fn == "first" else -1] if given else _NONE
    if wanted.fn in ("min", "max"):
        return (min if wanted.fn == "min" else max)(numbers, default=_NONE)
    if len(fitting) < (2 if wanted.fn in ("stddev", "std") else 1):
        return _NONE
    if wanted.fn == "avg":
        return sum(fitting) / len(fitting)
    if wanted.fn == "percentile":
        return sorted(fitting)[max(1, math.ceil(wanted.p / 100 * len(fitting))) - 1]
    mean = sum(fitting) / len(fitting)
    return math.sqrt(sum((value - mean) ** 2 for value in fitting) / (len(fitting) - 1))


def _canonical(value: Any) -> str:
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value, sort_keys=True)
