"""Times on the command line: RFC 3339, or seconds since the epoch."""

from cepd.model.errors import StartError
from cepd.model.instant import Instant, read_instant


def instant_option(option: str, text: str | None) -> Instant | None:
    """None where the option was not given. StartError, with the option's name, for a text that is no time."""
    if text is None:
        return None
    try:
        instant = read_instant(float(text))
    except ValueError:
        instant = read_instant(text)
    if instant is None:
        raise StartError(f"{option} {text!r} is not a time", help="write 2026-01-31T09:00:00Z, or epoch seconds")
    return instant
