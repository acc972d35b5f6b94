"""Cursors of alert pages: where a page ended, as text that callers hand back and do not read."""

import base64
import re

from cepd.model.errors import InputError

NEWEST = 2**63 - 1
"""Before every page: behind it comes the newest row."""

_CURSOR = re.compile(r"alert:(\d{1,18})")


def write_cursor(seq: int) -> str:
    """The cursor behind the row of this sequence."""
    return base64.urlsafe_b64encode(f"alert:{seq}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> int:
    """The sequence of `write_cursor`. InputError for text that is not one of its cursors, to the letter."""
    try:
        found = _CURSOR.fullmatch(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii"))
    except ValueError:
        found = None
    if found is None or write_cursor(int(found[1])) != text:
        raise InputError(f"{text!r} is not a cursor", help="take next_cursor of the page before, or leave it out")
    return int(found[1])
