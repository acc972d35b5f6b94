"""The cron expressions that cepd takes: five fields, as crontab(5) has them.

Minute, hour, day of month, month, day of week; 0 and 7 are Sunday; months and days by their first three letters in any
case; lists, ranges that rise, and steps over `*` or a range. The library that computes due times takes far more; what
it would take and people read otherwise is refused here.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from croniter import CroniterError, croniter

from cepd.model.errors import InputError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class _Field(NamedTuple):
    name: str
    lowest: int
    highest: int
    words: dict[str, int]


_FIELDS = (
    _Field("minute", 0, 59, {}),
    _Field("hour", 0, 23, {}),
    _Field("day of month", 1, 31, {}),
    _Field("month", 1, 12, {word: number for number, word in enumerate(_MONTHS, 1)}),
    _Field("day of week", 0, 7, {word: number for number, word in enumerate(_DAYS)}),
)
_PART = re.compile(r"(?:(?P<all>\*)|(?P<first>[0-9A-Za-z]+)(?:-(?P<last>[0-9A-Za-z]+))?)(?:/(?P<step>[0-9]+))?")
_SOME_DAY = datetime(2024, 1, 1, tzinfo=UTC)
_ALIASES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def check_cron(text: str) -> None:
    """Raises InputError that names the bad field, for what is no cron expression or never comes due."""
    parts = text.split()
    if text.strip().startswith("@"):
        same = _ALIASES.get(text.strip().lower())
        raise InputError(
            f"{text.strip()} is not one of the five-field expressions",
            help=f"write {same}" if same else "write five fields: minute, hour, day of month, month, day of week",
        )
    if len(parts) != len(_FIELDS):
        remedy = "leave out the seconds" if len(parts) == 6 else "for example */5 * * * * for every five minutes"
        raise InputError(
            f"a cron expression has five fields, {text!r} has {len(parts)}",
            help=f"write minute, hour, day of month, month, day of week; {remedy}",
        )
    for part, field in zip(parts, _FIELDS, strict=True):
        for item in part.split(","):
            _check_item(item, field)
    try:
        croniter(" ".join(parts), _SOME_DAY).get_next(datetime)
    except CroniterError:
        raise InputError(f"{text!r} never comes due", help="no month it names has the day it names") from None


def _check_item(item: str, field: _Field) -> None:
    found = _PART.fullmatch(item)
    if found is None:
        raise _error(field, f"{item!r} cannot be read", "write *, a value, a range 1-5, a step */5 or a list 1,3,5")
    if found["all"] is None:
        first = _value(found["first"], field)
        if found["last"] is not None:
            last = _value(found["last"], field)
            if field.name == "day of week" and found["last"].lower() == "sun":
                last = 7
            if first >= last:
                raise _error(field, f"{item!r} does not rise", "write the parts on both sides of the end as a list")
        elif found["step"] is not None:
            raise _error(field, f"{item!r} is a step over one value", f"write {first}-{field.highest}/{found['step']}")
    step = found["step"]
    if step is not None and not 1 <= int(step[:9]) <= field.highest:
        raise _error(field, f"the step {step} is out of range", f"steps are 1 to {field.highest}")


def _value(word: str, field: _Field) -> int:
    if word.lower() in field.words:
        return field.words[word.lower()]
    if not word.isdecimal():
        known = f"; names are {', '.join(field.words)}" if field.words else ""
        raise _error(field, f"{word!r} is no value", f"values are {field.lowest} to {field.highest}{known}")
    number = int(word[:9])
    if not field.lowest <= number <= field.highest:
        raise _error(field, f"{word} is out of range", f"values are {field.lowest} to {field.highest}")
    return number


def _error(field: _Field, message: str, help: str) -> InputError:
    return InputError(f"{field.name}: {message}", help=help)
