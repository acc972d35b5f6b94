"""A bucket: entries that are tested together, in one function and those that it calls.

Indexes take what they serve, the most selective first; what is left is straight-line code.
"""

from collections.abc import Iterator, Sequence

from cepd.engine.matching.entry import Entry
from cepd.engine.matching.equality import write_tables
from cepd.engine.matching.function import Writer, Written
from cepd.engine.matching.postings import Compile, Match
from cepd.engine.matching.straight import chunks, write_straight
from cepd.engine.matching.substrings import write_searches
from cepd.engine.matching.thresholds import write_limits

MOST_LEVELS = 3
"""Buckets below buckets. Deeper ones would hold few entries, and those that ask for lists once for each of them."""


class Bucket:
    """`below`: those that its function calls."""

    def __init__(self, written: Written, below: Sequence["Bucket"]) -> None:
        self.match: Match = written.call
        self.written = written
        self._below = below

    def all(self) -> Iterator["Bucket"]:
        """This and all below."""
        yield self
        for bucket in self._below:
            yield from bucket.all()


def compile_bucket(entries: Sequence[Entry], calls: Sequence[Match] = (), level: int = 0) -> Bucket:
    """`calls`: what its function calls besides."""
    writer = Writer("v", "add", "extend", "source")
    below: list[Bucket] = []

    def compile_below(found: Sequence[Entry], others: Sequence[Match]) -> Match:
        below.append(compile_bucket(found, others, level + 1))
        return below[-1].match

    rest = write_indexes(writer, entries, compile_below, level)
    runs = list(chunks(rest))
    if len(runs) == 1:
        write_straight(writer, rest)
    else:
        calls = [*calls, *(compile_below(run, ()) for run in runs)]
    for call in calls:
        writer.write(f"{writer.constant(call)}(v, add, extend, source)")
    return Bucket(writer.make(), below)


def write_indexes(writer: Writer, entries: Sequence[Entry], compile_below: Compile, level: int) -> Sequence[Entry]:
    """Writes the indexes of a bucket; gives the entries that none of them serves."""
    if level == MOST_LEVELS:
        return entries
    rest = write_tables(writer, entries, compile_below)
    rest = write_searches(writer, rest, compile_below)
    return write_limits(writer, rest, compile_below)
