"""The part of an event that admission needs, without decoding the rest: who sent it, under which id."""

import msgspec

from cepd.model.event import given_id, given_source
from cepd.model.json import Json


class Envelope(msgspec.Struct, frozen=True, gc=False):
    id: str | None
    """As the sender gave it; None where there is none."""
    source: str


class _Raws(msgspec.Struct, gc=False):
    id: msgspec.Raw = msgspec.Raw()
    source: msgspec.Raw = msgspec.Raw()


_raws = msgspec.json.Decoder(_Raws).decode
_value = msgspec.json.Decoder().decode


def read_envelope(line: bytes, default_source: str) -> Envelope:
    """The envelope of an accepted line. A value out of range counts as missing."""
    raws = _raws(line)
    return Envelope(given_id(_decoded(raws.id)), given_source({"source": _decoded(raws.source)}, default_source))


def _decoded(raw: msgspec.Raw) -> Json:
    if not raw:
        return None
    try:
        return _value(raw)
    except msgspec.ValidationError:
        return None
