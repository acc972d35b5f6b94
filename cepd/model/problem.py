"""A finding about a file: what is wrong, where, and what to do."""

from typing import Literal

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Positions are 1-based and count code points; the end is exclusive. Zero: the file as a whole."""

    code: str
    severity: Literal["error", "warning", "info"]
    message: str
    help: str
    file: str
    line: int = 0
    column: int = 0
    end_line: int = msgspec.field(default=0, name="endLine")
    end_column: int = msgspec.field(default=0, name="endColumn")
    pointer: str = ""
    """JSON pointer into the document."""
    rule: str | None = None
    pack: str | None = None
