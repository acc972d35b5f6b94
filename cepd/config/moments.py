"""Times as tests write them: RFC 3339, or a duration since the start of the test."""

import re

import msgspec

from cepd.model.duration import Span, parse_duration
from cepd.model.errors import InputError
from cepd.model.instant import Instant, read_instant

_BEGINS_AS_A_DATE = re.compile(r"\d{4}-", re.ASCII)


class Moment(msgspec.Struct, frozen=True):
    """`offset` counts from the epoch, or from the start of the test."""

    offset: int
    absolute: bool

    def after(self, start: Instant) -> Instant:
        return self.offset if self.absolute else start + self.offset


def read_date(text: str) -> Instant:
    """Raises InputError with the remedy."""
    instant = read_instant(text)
    if instant is None:
        raise InputError(f"{text!r} is not a time", help="write 2026-01-31T09:00:00Z; times begin in 1970")
    return instant


def read_moment(text: str) -> Moment:
    """Raises InputError with the remedy."""
    if _BEGINS_AS_A_DATE.match(text):
        return Moment(read_date(text), absolute=True)
    span: Span = parse_duration(text)
    return Moment(span, absolute=False)
