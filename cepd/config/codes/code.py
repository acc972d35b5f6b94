"""What a code of a finding means: the shape that all codes share."""

from typing import Literal

import msgspec


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """One code: `CEP101`. Its number never changes its meaning. `bad` and `good` are small YAML (or JSON) texts."""

    code: str
    severity: Literal["error", "warning", "info"]
    title: str
    explanation: str
    bad: str
    good: str
