"""The part of an event that admission needs, without decoding the rest: who sent it, under which id."""

from collections.abc import Callable

import msgspec

from cepd.model.event import given_id, given_source
from cepd.model.json import Json


class Given(msgspec.Struct, gc=False):
    """The members `id` and `source` of a line as they are; None where it has none."""

    id: Json = None
    source: Json = None


class Envelope(msgspec.Struct, frozen=True, gc=False):
    id: str | None
    """As the sender gave it; None where there is none."""
    source: str


class _Raws(msgspec.Struct, gc=False):
    id: msgspec.Raw = msgspec.Raw()
    source: msgspec.Raw = msgspec.Raw()


decode_given: Callable[[bytes], Given] = msgspec.json.Decoder(Given).decode
"""Checks the syntax of the whole line as well. Raises DecodeError where it is no JSON object or one of the two members
is out of range."""

_raws = msgspec.json.Decoder(_Raws).decode
_value = msgspec.json.Decoder().decode


def read_given(line: bytes) -> Given:
    """The two members; a value out of range counts as missing. Raises DecodeError where the line is no JSON object."""
    try:
        return decode_given(line)
    except msgspec.ValidationError:
        raws = _raws(line)
        return Given(_decoded(raws.id), _decoded(raws.source))


def read_envelope(line: bytes, default_source: str) -> Envelope:
    """The envelope of an accepted line."""
    given = read_given(line)
    return Envelope(given_id(given.id), given_source({"source": given.source}, default_source))


def _decoded(raw: msgspec.Raw) -> Json:
    if not raw:
        return None
    try:
        return _value(raw)
    except msgspec.ValidationError:
        return None
