"""Points in time: whole microseconds since the epoch inside, RFC 3339 in UTC outside."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import TypeAlias

from cepd.model.json import Json

Instant: TypeAlias = int
"""Microseconds since 1970-01-01T00:00:00Z."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST: Instant = 253_402_300_800 * 1_000_000  # the year 10000
_MILLISECONDS_ABOVE = 1e11
_RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:[0-5]\d)", re.ASCII)


def read_instant(value: Json) -> Instant | None:
    """An event's time: RFC 3339 text, or epoch seconds (above 1e11: milliseconds). None where it is neither."""
    if value.__class__ is str:
        return _read_text(value)
    if value.__class__ is int or value.__class__ is float:
        if not 0 <= value < 1e18:
            return None
        scale = 1_000 if value > _MILLISECONDS_ABOVE else 1_000_000
        instant = value * scale if value.__class__ is int else round(value * scale)
        return instant if instant < _LATEST else None
    return None


def _read_text(text: str) -> Instant | None:
    found = _RFC3339.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    leap = second == "60"
    try:
        offset = UTC if zone in "Zz" else timezone(_offset(zone))
        moment = datetime(
            int(year), int(month), int(day), int(hour), int(minute), 59 if leap else int(second), 0, offset
        )
    except (ValueError, OverflowError):
        return None
    micros = int((fraction or "0")[:6].ljust(6, "0"))
    instant = (moment - _EPOCH) // _MICROSECOND + micros + (1_000_000 if leap else 0)
    return instant if 0 <= instant < _LATEST else None


def _offset(zone: str) -> timedelta:
    sign = -1 if zone[0] == "-" else 1
    return sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))


def format_instant(instant: Instant) -> str:
    """RFC 3339 in UTC with as many decimals as needed: `2026-01-01T00:00:00Z`, `2026-01-01T00:00:00.25Z`.

    A window of an event of the last day of the year 9999 ends later than such text can say: it stands as the last
    microsecond of that year.
    """
    moment = _EPOCH + timedelta(microseconds=min(instant, _LATEST - 1))
    whole = moment.strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{moment.microsecond:06d}".rstrip("0")
    return f"{whole}.{fraction}Z" if fraction else f"{whole}Z"
