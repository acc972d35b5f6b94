"""Events that only cepd itself may send: those whose type begins with `cepd.`. From anybody else they are refused.

That costs nothing per event: a body is searched for the bytes that such a type must have, and only the lines of a body
that has them are looked at one by one.
"""

import re

import msgspec

from cepd.intake.body import Parsed, Rejected
from cepd.intake.lines import BLANKS
from cepd.model.event import TYPE_FIELDS, given_type
from cepd.model.happenings import PREFIX, is_own
from cepd.model.json import Json

REASON = f"types that begin with {PREFIX!r} are of cepd's own events"

_ESCAPED = re.compile(rb"\\u00(?:63|65|70|64|2[eE])")
"""A letter of the prefix in a spelling that no encoder chooses."""


class _Types(msgspec.Struct, gc=False):
    type: msgspec.Raw = msgspec.Raw()
    event_type: msgspec.Raw = msgspec.Raw()


_types = msgspec.json.Decoder(_Types).decode
_value = msgspec.json.Decoder().decode


def without_own(part: Parsed) -> Parsed:
    """The part without lines that say they are cepd's own, which are rejected."""
    if PREFIX.encode() not in part.body and not (b"\\u00" in part.body and _ESCAPED.search(part.body)):
        return part
    forged = [place for place, line in enumerate(part.data) if _is_forged(line)]
    if not forged:
        return part
    kept = [place for place in range(len(part.data)) if place not in set(forged)]
    data = [part.data[place] for place in kept]
    rejected = [*part.rejected, *(Rejected(part.numbers[place], REASON) for place in forged)]
    return Parsed(
        b"\n".join(data),
        data,
        [part.given[place] for place in kept],
        [part.numbers[place] for place in kept],
        sorted(rejected, key=lambda one: one.line),
    )


def _is_forged(line: bytes) -> bool:
    found = _types(line)
    given = {name: _decoded(raw) for name in TYPE_FIELDS if (raw := getattr(found, name))}
    return is_own(given_type(given))


def _decoded(raw: msgspec.Raw) -> Json:
    """None for anything but text, which may be out of range too."""
    return _value(raw) if bytes(raw).lstrip(BLANKS).startswith(b'"') else None
