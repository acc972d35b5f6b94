"""The mean of a field's numbers: their sum as a float by how many there are."""

from collections.abc import Iterable, Sequence
from itertools import repeat
from math import isfinite
from typing import Any

import msgspec

from cepd.engine.arrays import Floats, floats
from cepd.engine.column import Add, AddAll, Exact, Reader, each
from cepd.engine.numeric import LARGEST, whole
from cepd.engine.paths import MISSING, Missing
from cepd.model.duration import Span
from cepd.model.json import Json
from cepd.model.rule import Aggregate


class Column(Exact):
    sums: Floats = msgspec.field(default_factory=floats)
    counts: list[int] = msgspec.field(default_factory=list)

    def grow(self) -> None:
        self.sums.append(0.0)
        self.counts.append(0)

    def adder(self, read: Reader) -> Add:
        sums, counts, least, most = self.sums, self.counts, -LARGEST, LARGEST

        def add(slot: int, event: object, order: int) -> bool:
            number = read(event)
            if (number.__class__ is float or number.__class__ is int) and least <= number <= most:
                sums[slot] += number
                counts[slot] += 1
                return True
            return False

        return add

    def adder_of_all(self, read: Reader) -> AddAll:
        sums, counts, least, most = self.sums, self.counts, -LARGEST, LARGEST

        def add_all(slots: Sequence[int], events: Sequence[object], order: int) -> int:
            unusable = 0
            for slot, number in zip(slots, map(read, events), strict=True):
                if (number.__class__ is float or number.__class__ is int) and least <= number <= most:
                    sums[slot] += number
                    counts[slot] += 1
                else:
                    unusable += 1
            return unusable

        return add_all

    def starter(self, read: Reader) -> Add:
        append_sum, append_count, least, most = self.sums.append, self.counts.append, -LARGEST, LARGEST

        def start(slot: int, event: object, order: int) -> bool:
            number = read(event)
            if (number.__class__ is float or number.__class__ is int) and least <= number <= most:
                append_sum(number)
                append_count(1)
                return True
            append_sum(0.0)
            append_count(0)
            return False

        return start

    def starter_of_all(self, read: Reader) -> AddAll:
        start_each = each(self.starter(read))

        def start_all(slots: Sequence[int], events: Sequence[object], order: int) -> int:
            numbers: list[Any] = list(map(read, events))
            if set(map(type, numbers)) != {float} or not -LARGEST <= min(numbers) <= max(numbers) <= LARGEST:
                return start_each(slots, events, order)
            self.sums.extend(numbers)
            self.counts.extend(repeat(1, len(numbers)))
            return 0

        return start_all

    def merge(self, slot: int, other: "Column", its: int) -> None:
        self.sums[slot] += other.sums[its]
        self.counts[slot] += other.counts[its]

    def absorb(self, slots: Sequence[int], other: "Column", begin: int = 0) -> None:
        sums, counts, end = self.sums, self.counts, begin + len(slots)
        for slot, sum_, count in zip(slots, other.sums[begin:end], other.counts[begin:end], strict=True):
            sums[slot] += sum_
            counts[slot] += count

    def value(self, slot: int, aggregate: Aggregate, span: Span) -> Json | Missing:
        count, sum_ = self.counts[slot], self.sums[slot]
        return whole(sum_ / count) if count and isfinite(sum_) else MISSING

    def numbers(self, count: int, aggregate: Aggregate, span: Span) -> Iterable[Json | Missing]:
        return (sum_ / found if found else MISSING for sum_, found in zip(self.sums, self.counts, strict=True))
