"""RFC 3339 times read the plain way: the whole text by one expression, nothing remembered."""

import re
from datetime import UTC, datetime, timedelta, timezone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = 253_402_300_800 * 1_000_000  # the year 10000
RFC3339 = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:[0-5]\d)", re.ASCII)


def instant_of(text: str) -> int | None:
    found = RFC3339.fullmatch(text)
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
    instant = (moment - EPOCH) // timedelta(microseconds=1) + micros + (1_000_000 if leap else 0)
    return instant if 0 <= instant < LATEST else None


def _offset(zone: str) -> timedelta:
    sign = -1 if zone[0] == "-" else 1
    return sign * timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
