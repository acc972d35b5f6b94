"""Spans of time: whole microseconds inside, text such as `5m` or `1h30m` outside."""

import re
from fractions import Fraction
from typing import TypeAlias

from cepd.model.errors import InputError

Span: TypeAlias = int
"""A length of time in microseconds."""

MILLISECOND: Span = 1_000
SECOND: Span = 1_000_000
MINUTE: Span = 60 * SECOND
HOUR: Span = 60 * MINUTE
DAY: Span = 24 * HOUR

UNITS: dict[str, Span] = {
    "w": 7 * DAY,
    "d": DAY,
    "h": HOUR,
    "m": MINUTE,
    "s": SECOND,
    "ms": MILLISECOND,
    "us": 1,
}

_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|w|d|h|m|s)", re.ASCII)
_WHOLE = re.compile(rf"(?:{_PART.pattern})+", re.ASCII)
_LONGEST: Span = 3_660 * DAY
_MAX_LENGTH = 64


def parse_duration(text: str) -> Span:
    """Microseconds of `250ms`, `30s`, `5m`, `1h30m`, `2d`, `1w`. Raises InputError with the remedy."""
    if len(text) > _MAX_LENGTH or not _WHOLE.fullmatch(text):
        raise InputError(f"{text!r} is not a duration", help="write a number and a unit: 250ms, 30s, 5m, 1h30m, 7d")
    total = sum(Fraction(number) * UNITS[unit] for number, unit in _PART.findall(text))
    if total > _LONGEST:
        raise InputError(f"{text!r} is longer than ten years", help="durations end at 3660d")
    if total != int(total):
        raise InputError(f"{text!r} is not a whole number of microseconds", help="1us is the shortest duration")
    return int(total)


def format_duration(span: Span) -> str:
    """The shortest exact text: `format_duration(90 * SECOND)` is `1m30s`; zero is `0s`."""
    if span == 0:
        return "0s"
    parts = []
    for unit, size in UNITS.items():
        count, span = divmod(span, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
