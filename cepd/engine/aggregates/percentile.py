"""The value at a share of the values in order, by nearest rank: the smallest value that at least `p` percent of them
do not exceed.

Exact, as a float, up to 1,000 values. Beyond them values are counted in buckets, 64 of equal width for each power of
two, negative ones mirrored; a bucket's middle is less than 1 % off any value of it. A percentile then is a bucket's
middle. This is the layout of HdrHistogram; it needs no logarithm, so that all machines agree on it. Merging adds
counts, or joins the values while they are few, so that it gives what adding one by one gives.
"""

from decimal import Decimal
from functools import lru_cache
from math import frexp, ldexp

import msgspec

from cepd.engine.arrays import Floats, floats
from cepd.engine.column import Add, Reader, Slots
from cepd.engine.numeric import computable, whole
from cepd.engine.paths import MISSING, Missing
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate

EXACT = 1000
"""Values that are kept one by one."""
BUCKETS = 64
"""In each power of two."""
_LOWEST = -1074
"""Below the exponent of the smallest float, so that buckets of positive values have positive numbers."""


class Column(Slots):
    values: list[Floats] = msgspec.field(default_factory=list)
    """By slot, as they came; empty where there are buckets."""
    buckets: dict[int, dict[int, int]] = msgspec.field(default_factory=dict)
    """By slot, only where there are more than `EXACT` values: counts by bucket."""

    def grow(self) -> None:
        self.values.append(floats())

    def adder(self, read: Reader) -> Add:
        values, bucketed, keep_small = self.values, self.buckets, self._keep_small

        def add(slot: int, event: object, order: int) -> bool:
            number = computable(read(event))
            if number is None:
                return False
            if slot in bucketed:
                _count(bucketed[slot], bucket_of(number), 1)
            else:
                values[slot].append(number)
                keep_small(slot)
            return True

        return add

    def merge(self, slot: int, other: "Column", its: int) -> None:
        if its not in other.buckets and slot not in self.buckets:
            self.values[slot].extend(other.values[its])
            self._keep_small(slot)
            return
        mine = self._bucketed(slot)
        for number in other.values[its]:
            _count(mine, bucket_of(number), 1)
        for bucket, count in other.buckets.get(its, {}).items():
            _count(mine, bucket, count)

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        buckets = self.buckets.get(slot)
        if buckets is not None:
            return _nearest_bucket(buckets, aggregate.p)
        values = self.values[slot]
        return whole(sorted(values)[_rank(aggregate.p, len(values)) - 1]) if values else MISSING

    def approximate(self, slot: int) -> bool:
        return slot in self.buckets

    def _keep_small(self, slot: int) -> None:
        if len(self.values[slot]) > EXACT:
            self._bucketed(slot)

    def _bucketed(self, slot: int) -> dict[int, int]:
        """The slot's buckets, into which its values went."""
        buckets = self.buckets.setdefault(slot, {})
        for number in self.values[slot]:
            _count(buckets, bucket_of(number), 1)
        self.values[slot] = floats()
        return buckets


def bucket_of(number: float) -> int:
    """The bucket's number; they are ordered as the values are, 0 is the bucket of zero alone."""
    if not number:
        return 0
    mantissa, exponent = frexp(abs(number))
    bucket = (exponent - _LOWEST) * BUCKETS + int((2 * mantissa - 1) * BUCKETS)
    return bucket if number > 0 else -bucket


def middle_of(bucket: int) -> float:
    """The middle of a bucket."""
    if not bucket:
        return 0.0
    octave, place = divmod(abs(bucket), BUCKETS)
    middle = ldexp(0.5 + (place + 0.5) / (2 * BUCKETS), octave + _LOWEST)
    return middle if bucket > 0 else -middle


def _count(buckets: dict[int, int], bucket: int, more: int) -> None:
    buckets[bucket] = buckets.get(bucket, 0) + more


def _nearest_bucket(buckets: dict[int, int], p: float | int | None) -> float:
    left = _rank(p, sum(buckets.values()))
    for bucket in sorted(buckets):
        left -= buckets[bucket]
        if left <= 0:
            return middle_of(bucket)
    raise AssertionError("a rank is at most the number of values")


def _rank(p: float | int | None, count: int) -> int:
    """Nearest rank, from 1: the smallest whole number not below `p` percent of `count`."""
    numerator, denominator = _ratio(p)
    return max(1, -(-numerator * count // (100 * denominator)))


@lru_cache
def _ratio(p: float | int | None) -> tuple[int, int]:
    """The percentage exactly as it is written: 99.9 is 999/10, not the float next to it."""
    return Decimal(str(p)).as_integer_ratio()
