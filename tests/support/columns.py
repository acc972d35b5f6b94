"""Columns filled by hand, and what plain lists say that each aggregate is."""

import json
import math
import statistics
from collections.abc import Callable, Sequence
from fractions import Fraction

import msgspec

from cepd.engine.arrays import dec_hook, enc_hook
from cepd.engine.column import Column, new_column
from cepd.engine.paths import MISSING
from cepd.model.duration import SECOND
from cepd.model.json import Json
from cepd.model.rule import Aggregate

SPAN = 10 * SECOND
P = 90


def aggregate(fn: str) -> Aggregate:
    return Aggregate(fn, None if fn == "rate" else "v", P if fn == "percentile" else None)


def filled(fn: str, *parts: Sequence[Json]) -> Column:
    """A column with a slot for each part; all values in order."""
    column = new_column(aggregate(fn))
    order = 0
    for slot, values in enumerate(parts):
        column.grow()
        for value in values:
            column.add(slot, value, order)
            order += 1
    return column


def merged(fn: str, *parts: Sequence[Json]) -> Column:
    """A column with one slot, into which slots filled with the parts were merged in order."""
    source, target = filled(fn, *parts), filled(fn, ())
    for slot in range(len(parts)):
        target.merge(0, source, slot)
    return target


def reloaded(state: msgspec.Struct) -> msgspec.Struct:
    """The state as a snapshot gives it back."""
    return msgspec.json.decode(msgspec.json.encode(state, enc_hook=enc_hook), type=state.__class__, dec_hook=dec_hook)


def result(fn: str, column: Column, slot: int = 0) -> Json:
    return column.value(slot, aggregate(fn), SPAN)


def _there(values: Sequence[Json]) -> list[Json]:
    return [value for value in values if value is not MISSING]


def _numbers(values: Sequence[Json]) -> list[int | float]:
    return [value for value in values if type(value) in (int, float)]


def _distinct(values: Sequence[Json]) -> int:
    """By the text of the JSON, which tells bools from numbers; integral floats written as integers before."""
    texts = {json.dumps(_whole(value), sort_keys=True) for value in _there(values)}
    return len(texts)


def _whole(value: Json) -> Json:
    match value:
        case bool():
            return value
        case float():
            return int(value) if value == math.floor(value) else value
        case list():
            return [_whole(item) for item in value]
        case dict():
            return {name: _whole(item) for name, item in value.items()}
        case _:
            return value


def _percentile(values: Sequence[Json]) -> Json:
    ordered = sorted(_numbers(values))
    return next((one for place, one in enumerate(ordered, 1) if place * 100 >= P * len(ordered)), MISSING)


PLAIN: dict[str, Callable[[Sequence[Json]], Json]] = {
    "count": lambda values: len(_there(values)),
    "rate": lambda values: len(_there(values)) / 10,
    "sum": lambda values: sum(map(Fraction, _numbers(values))),
    "avg": lambda values: statistics.mean(map(Fraction, _numbers(values))) if _numbers(values) else MISSING,
    "stddev": lambda values: _stdev(_numbers(values)),
    "std": lambda values: _stdev(_numbers(values)),
    "min": lambda values: min(_numbers(values), default=MISSING),
    "max": lambda values: max(_numbers(values), default=MISSING),
    "first": lambda values: next(iter(_there(values)), MISSING),
    "last": lambda values: next(reversed(_there(values)), MISSING),
    "distinct_count": _distinct,
    "percentile": _percentile,
}
"""What the values of one key in order are, by exact arithmetic; MISSING where they give nothing."""


def _stdev(numbers: list[int | float]) -> Json:
    return statistics.stdev(map(Fraction, numbers)) if len(numbers) > 1 else MISSING
