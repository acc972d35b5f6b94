"""Points in time: whole microseconds since the epoch inside, RFC 3339 in UTC outside."""

import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TypeAlias

from cepd.model.duration import DAY, HOUR, MINUTE, SECOND
from cepd.model.json import Json

Instant: TypeAlias = int
"""Microseconds since 1970-01-01T00:00:00Z."""

_EPOCH = datetime(1970, 1, 1)
_LATEST: Instant = 253_402_300_800 * SECOND  # the year 10000
MILLISECONDS_ABOVE = 1e11
_SECOND = re.compile(r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)", re.ASCII)
_ZONE = re.compile(r"([+-])([01]\d|2[0-3]):([0-5]\d)", re.ASCII)

_MOST_TEXTS = 4096
_seconds: dict[str, Instant] = {}
"""What the first 19 characters of lately read times say, taken as UTC: the events of a stream share them. Only those
that no zone leads out of the years that an instant may have. With both memos at hand a time costs 0.17 of decoding its
line, without them 1.5 (measured; texts with milliseconds)."""
_shifts: dict[str, int] = {}
"""What the rest of them adds. Not of fractions finer than milliseconds, which hardly come twice."""
_zones: dict[str, int] = {"Z": 0, "z": 0}
"""By how much they are ahead of UTC. There are not many."""


def read_instant(value: Json) -> Instant | None:
    """An event's time: RFC 3339 text, or epoch seconds (above 1e11: milliseconds). None where it is neither."""
    if value.__class__ is str:
        second, shift = _seconds.get(value[:19]), _shifts.get(value[19:])
        return _read_text(value, second, shift) if second is None or shift is None else second + shift
    if value.__class__ is int:
        instant = value * (1_000 if value > MILLISECONDS_ABOVE else SECOND)
        return instant if 0 <= instant < _LATEST else None
    if value.__class__ is float and 0 <= value < 1e18:
        instant = round(value * (1e3 if value > MILLISECONDS_ABOVE else 1e6))
        return instant if instant < _LATEST else None
    return None


def _read_text(text: str, second: Instant | None, shift: int | None) -> Instant | None:
    """`second` and `shift`: what is known of its two parts already."""
    if second is None:
        second = _read_second(text[:19])
    if shift is None:
        shift = _read_shift(text[19:])
    if second is None or shift is None:
        return None
    instant = second + shift
    return instant if 0 <= instant < _LATEST else None


def _read_second(text: str) -> Instant | None:
    found = _SECOND.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups())
    leap = second == 60
    try:
        moment = datetime(year, month, day, hour, minute, second - leap)
    except ValueError:
        return None
    instant = ((moment - _EPOCH) // timedelta(seconds=1) + leap) * SECOND
    if DAY <= instant < _LATEST - DAY:
        _remember(_seconds, text, instant)
    return instant


def _read_shift(text: str) -> int | None:
    """Microseconds: the fraction, cut to whole ones, less what the zone is ahead of UTC."""
    digits, zone, micros = "", text, 0
    if text[:1] == ".":
        zone = text[1:].lstrip("0123456789")
        digits = text[1 : len(text) - len(zone)]
        if not digits:
            return None
        micros = int(digits[:6].ljust(6, "0"))
    ahead = _zones.get(zone)
    if ahead is None:
        ahead = _read_zone(zone)
    if ahead is None:
        return None
    shift = micros - ahead
    if len(digits) <= 3:
        _remember(_shifts, text, shift)
    return shift


def _read_zone(text: str) -> int | None:
    found = _ZONE.fullmatch(text)
    if found is None:
        return None
    sign, hours, minutes = found.groups()
    ahead = int(hours) * HOUR + int(minutes) * MINUTE
    _zones[text] = -ahead if sign == "-" else ahead
    return _zones[text]


def _remember(memo: dict[str, int], text: str, meaning: int) -> None:
    if len(memo) >= _MOST_TEXTS:
        memo.clear()
    memo[text] = meaning


@lru_cache(maxsize=1024)
def format_instant(instant: Instant) -> str:
    """RFC 3339 in UTC with as many decimals as needed: `2026-01-01T00:00:00Z`, `2026-01-01T00:00:00.25Z`.

    A window of an event of the last day of the year 9999 ends later than such text can say: it stands as the last
    microsecond of that year. The texts of one alert say its times ten times over, hence the memo.
    """
    text = (_EPOCH + timedelta(microseconds=min(instant, _LATEST - 1))).isoformat()
    return f"{text.rstrip('0')}Z" if "." in text else f"{text}Z"
