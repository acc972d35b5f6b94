"""How much one request may carry. Values only; `body`, `inflate` and `lines` enforce them."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes, but for `depth`: how many brackets may stand inside one another, the event's own included."""

    body: int = 8 * 1024 * 1024
    """Before and after decompression alike."""
    line: int = 1024 * 1024
    depth: int = 64


DEFAULT_LIMITS = Limits()
