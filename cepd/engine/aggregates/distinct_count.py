"""How many different values a field has. Any JSON value is one, null included; 1 and 1.0 are the same, true is another.

Exact up to 1,000 values, then an estimate. Kept are the 1,001 smallest 64-bit digests (BLAKE2b of the canonical JSON
text); how dense they lie tells the rest: (k - 1) / (k-th smallest of 0..1), after Beyer and others, "On synopses for
distinct-value estimation under multiset operations" (2007), with a standard error of 3.2 %. Merging keeps the
smallest of both, so that it gives what adding one by one gives.
"""

from bisect import bisect_left
from hashlib import blake2b

import msgspec

from cepd.engine.arrays import Ints, digests
from cepd.engine.column import Add, Reader, Slots
from cepd.engine.paths import MISSING, Missing
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate

EXACT = 1000
"""The largest count that is exact; a slot keeps one digest more."""
_SPACE = 1 << 64


class Column(Slots):
    smallest: list[Ints] = msgspec.field(default_factory=list)
    """By slot: the digests, ascending."""

    def grow(self) -> None:
        self.smallest.append(digests())

    def adder(self, read: Reader) -> Add:
        put = self._put

        def add(slot: int, event: object, order: int) -> bool:
            value = read(event)
            if value is MISSING:
                return False
            put(slot, digest_of(value))
            return True

        return add

    def merge(self, slot: int, other: "Column", its: int) -> None:
        for digest in other.smallest[its]:
            self._put(slot, digest)

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        found = self.smallest[slot]
        return EXACT * _SPACE // found[-1] if self.approximate(slot) else len(found)

    def approximate(self, slot: int) -> bool:
        return len(self.smallest[slot]) > EXACT

    def _put(self, slot: int, digest: int) -> None:
        held = self.smallest[slot]
        place = bisect_left(held, digest)
        if place > EXACT or (place < len(held) and held[place] == digest):
            return
        held.insert(place, digest)
        del held[EXACT + 1 :]


def digest_of(value: Json) -> int:
    """The first 64 bits of the digest of a JSON value, as an integer."""
    text = msgspec.json.encode(_canonical(value), order="sorted")
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")


def _canonical(value: Json) -> Json:
    """The value with integral floats as integers, at every depth."""
    if value.__class__ is float and value.is_integer():
        return int(value)
    if value.__class__ is list:
        return [_canonical(item) for item in value]
    if value.__class__ is dict:
        return {name: _canonical(item) for name, item in value.items()}
    return value
