"""Cursors of pages: where a page ended, as text that callers hand back and do not read."""

import base64
import re

from cepd.model.errors import InputError

NEWEST = 2**63 - 1
"""Before every page: behind it comes the newest row."""

_CURSOR = re.compile(r"(\w+):(\d{1,18})")


def write_cursor(kind: str, seq: int) -> str:
    """The cursor behind the row of this sequence, of what `kind` names."""
    return base64.urlsafe_b64encode(f"{kind}:{seq}".encode()).decode().rstrip("=")


def read_cursor(kind: str, text: str | None) -> int:
    """The sequence of `write_cursor`; before every page without one. InputError for text that is not one of its
    cursors of the kind, to the letter."""
    if text is None:
        return NEWEST
    try:
        found = _CURSOR.fullmatch(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii"))
    except ValueError:
        found = None
    if found is None or found[1] != kind or write_cursor(kind, int(found[2])) != text:
        raise InputError(f"{text!r} is not a cursor", help="take next_cursor of the page before, or leave it out")
    return int(found[2])
