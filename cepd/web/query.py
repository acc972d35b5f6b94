"""Query parameters: known ones only, each once, each read with an error that names it.

The members of a filter in a body are read like them; `what` is what the errors call them.
"""

import re
from collections.abc import Collection, Mapping
from typing import TypeVar

from starlette.datastructures import QueryParams

from cepd.model.errors import InputError
from cepd.model.instant import Instant, read_instant
from cepd.model.spelling import did_you_mean

T = TypeVar("T", bound=str)

_SECONDS = re.compile(r"\d{1,16}(\.\d{1,9})?", re.ASCII)


def refuse_unknown(given: Collection[str], known: Collection[str], what: str) -> None:
    """InputError naming the first given name that is not known. `what` says what the names are."""
    for name in given:
        if name not in known:
            help = did_you_mean(name, known) if known else f"no {what} is known here"
            raise InputError(f"the {what} {name!r} is not known", help=help)


def read_query(parameters: QueryParams, known: Collection[str], lists: Collection[str] = ()) -> dict[str, str]:
    """The parameters by name. InputError for an unknown, a repeated and an empty one. Those of `lists` may be given
    more than once: that is the same as with commas."""
    given = [name for name, _ in parameters.multi_items()]
    refuse_unknown(given, known, "query parameter")
    for name, value in parameters.multi_items():
        if given.count(name) > 1 and name not in lists:
            raise InputError(f"the query parameter {name!r} is given twice", help="give it once")
        if not value:
            raise InputError(f"the query parameter {name!r} is empty", help="give it a value, or leave it out")
    return {name: ",".join(parameters.getlist(name)) for name in given}


def choice(query: Mapping[str, str], name: str, choices: Collection[T], what: str = "query parameter") -> T | None:
    """The parameter where it is one of the choices; None where it is not given."""
    value = query.get(name)
    if value is None:
        return None
    for known in choices:
        if known == value:
            return known
    raise InputError(f"the {what} {name!r} cannot be {value!r}", help=did_you_mean(value, choices))


def choices(
    query: Mapping[str, str], name: str, known: Collection[str], what: str = "query parameter"
) -> list[str] | None:
    """The words of a list, each one of those that are known; None where it is not given."""
    value = query.get(name)
    if value is None:
        return None
    words = value.split(",")
    for word in words:
        if word not in known:
            raise InputError(f"the {what} {name!r} cannot hold {word!r}", help=did_you_mean(word, known))
    return words


def number(query: Mapping[str, str], name: str, *, default: int, most: int) -> int:
    """A whole number from 1 to `most`."""
    value = query.get(name)
    if value is None:
        return default
    if value.isascii() and value.isdigit() and len(value) < 10 and 1 <= int(value) <= most:
        return int(value)
    raise InputError(f"the query parameter {name!r} cannot be {value!r}", help=f"give a number from 1 to {most}")


def period(query: Mapping[str, str], what: str = "query parameter") -> tuple[Instant | None, Instant | None]:
    """The parameters `from` and `to`. InputError also where they are the wrong way round."""
    since, until = instant(query, "from", what), instant(query, "to", what)
    if since is not None and until is not None and since > until:
        raise InputError(f"the {what} 'from' is later than 'to'", help="give the earlier time as 'from'")
    return since, until


def instant(query: Mapping[str, str], name: str, what: str = "query parameter") -> Instant | None:
    """RFC 3339, or seconds since the epoch. The `+` of an offset comes as a space where it was not escaped."""
    value = query.get(name)
    if value is None:
        return None
    spellings: list[str | float] = [value, "+".join(value.rsplit(" ", 1))]
    if _SECONDS.fullmatch(value):
        spellings.append(float(value) if "." in value else int(value))
    found = next((read for spelling in spellings if (read := read_instant(spelling)) is not None), None)
    if found is None:
        help = "give RFC 3339, such as 2026-01-31T09:00:00Z, or seconds since the epoch"
        raise InputError(f"the {what} {name!r} is not a time: {value!r}", help=help)
    return found
