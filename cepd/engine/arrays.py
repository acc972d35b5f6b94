"""Arrays of numbers: what columns keep their state in, and how a snapshot holds them.

In JSON an array is `[typecode, base64 of its items in little-endian order]`, so that each float comes back bit by
bit, those that JSON has no number for included. Typecodes as in the standard library's `array`.
"""

import sys
from array import array
from binascii import a2b_base64
from typing import TYPE_CHECKING, TypeAlias

from cepd.model.json import Json

if TYPE_CHECKING:
    Ints: TypeAlias = array[int]
    Floats: TypeAlias = array[float]
else:
    Ints = Floats = array

_TYPECODES = ("q", "Q", "d")


def ints() -> Ints:
    """An empty array of signed 64-bit integers."""
    return array("q")


def digests() -> Ints:
    """An empty array of unsigned 64-bit integers."""
    return array("Q")


def floats() -> Floats:
    """An empty array of 64-bit floats."""
    return array("d")


def enc_hook(value: Json) -> Json:
    """For `msgspec.json.encode`. Raises TypeError for anything but an array."""
    if not isinstance(value, array):
        raise TypeError(f"{type(value).__name__} is not state")
    return value.typecode, _little_endian(value).tobytes()


def dec_hook(wanted: type, value: Json) -> Json:
    """For `msgspec.json.decode`. Raises ValueError for what `enc_hook` did not make, TypeError for another
    type than an array."""
    if wanted is not array:
        raise TypeError(f"{wanted.__name__} is not state")
    try:
        typecode, text = value
        items = a2b_base64(text, strict_mode=True)
    except (TypeError, ValueError) as error:
        raise ValueError(f"not an array: {error}") from None
    if typecode not in _TYPECODES:
        raise ValueError(f"an array's typecode is one of {', '.join(_TYPECODES)}, not {typecode!r}")
    found: Floats = array(typecode)
    found.frombytes(items)
    return _little_endian(found)


def _little_endian(items: Floats) -> Floats:
    """The same items with their bytes swapped where the machine is not little-endian; its own inverse."""
    if sys.byteorder == "little":
        return items
    swapped = items[:]
    swapped.byteswap()
    return swapped
