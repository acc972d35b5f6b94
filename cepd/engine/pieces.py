"""State as JSON, in pieces: joined, what `msgspec.json.encode` gives, byte for byte. Between two of them others may
have a turn, so that a unit with a hundred thousand keys is saved without the daemon standing still meanwhile.

Nobody may change what is encoded before the last piece is taken.
"""

from array import array
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import msgspec

from cepd.engine.arrays import enc_hook

PIECE = 1 << 15
"""Bytes of a piece, more or less: a few hundred microseconds where much of it comes of small arrays."""
_FIRST = 16
"""Items of the first piece, before it is known how long they are."""
_FASTER = 4
"""A piece has so many times the items of the one before it at most: the first ones may be unlike the others."""
_BASE64 = PIECE // 4 * 3
"""Bytes that give a piece of base64; whole groups of three, so that pieces can be joined."""

_encode = msgspec.json.Encoder(enc_hook=enc_hook).encode


def pieces_of(value: Any, large: type | None = None) -> Iterator[bytes]:
    """A value. Structs are taken apart member by member, dicts and lists many items at a time, but the values of a dict
    that are `large` each by itself."""
    if isinstance(value, msgspec.Struct) and not value.__struct_config__.array_like:
        members = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        return of_members((name, pieces_of(getattr(value, field), large)) for name, field in members)
    if isinstance(value, dict):
        if large is not None and isinstance(next(iter(value.values()), None), large):
            return of_members((key, pieces_of(each)) for key, each in value.items())
        return of_items(value.items())
    if isinstance(value, list):
        return _enclosed(b"[", _in_chunks(value, _encode), b"]")
    if isinstance(value, tuple):
        return _enclosed(b"[", _one_after_the_other(map(pieces_of, value)), b"]")
    if isinstance(value, array | bytearray) and len(value) > _BASE64 // 8:
        return _of_bytes(value)
    return iter((_encode(value),))


def of_members(members: Iterable[tuple[Any, Iterable[bytes]]]) -> Iterator[bytes]:
    """An object, of its names and the pieces of their values."""
    named = (_one_after_the_other(((_name(name),), pieces), b"") for name, pieces in members)
    return _enclosed(b"{", _one_after_the_other(named), b"}")


def of_items(items: Iterable[tuple[Any, Any]]) -> Iterator[bytes]:
    """A dict with these items, many small ones."""
    return _enclosed(b"{", _in_chunks(items, lambda chunk: _encode(dict(chunk))), b"}")


def _name(name: Any) -> bytes:
    return _encode({name: 0})[1:-2]


def _in_chunks(items: Iterable[Any], encoded: Callable[[list[Any]], bytes]) -> Iterator[bytes]:
    """What stands between the brackets of all items, of those of some at a time."""
    left, size, comma = iter(items), _FIRST, b""
    while chunk := list(islice(left, size)):
        text = encoded(chunk)
        yield comma + text[1:-1]
        size, comma = min(_FASTER * size, max(1, size * PIECE // len(text))), b","


def _one_after_the_other(all_pieces: Iterable[Iterable[bytes]], comma: bytes = b",") -> Iterator[bytes]:
    for number, pieces in enumerate(all_pieces):
        if number and comma:
            yield comma
        yield from pieces


def _enclosed(begin: bytes, pieces: Iterable[bytes], end: bytes) -> Iterator[bytes]:
    yield begin
    yield from pieces
    yield end


def _of_bytes(value: Any) -> Iterator[bytes]:
    """A large array as `arrays.enc_hook` gives it, or large bytes."""
    if isinstance(value, bytearray):
        begin, items, end = b'"', memoryview(value), b'"'
    else:
        typecode, held = enc_hook(value)
        begin, items, end = b'["%s","' % typecode.encode(), memoryview(held), b'"]'
    text = (b2a_base64(items[at : at + _BASE64], newline=False) for at in range(0, len(items), _BASE64))
    return _enclosed(begin, text, end)
