"""A bucket: entries that are tested together, in one function and those that it calls."""

from collections.abc import Iterator, Sequence

from cepd.engine.matching.entry import Entry
from cepd.engine.matching.function import Writer, Written
from cepd.engine.matching.straight import chunks, write_straight


class Bucket:
    def __init__(self, written: Written, below: Sequence["Bucket"]) -> None:
        self.call = written.call
        self._written = written
        self._below = below

    def functions(self) -> Iterator[Written]:
        """This function and all that it calls."""
        yield self._written
        for bucket in self._below:
            yield from bucket.functions()


def compile_bucket(entries: Sequence[Entry]) -> Bucket:
    writer = Writer("v", "add", "extend", "source")
    below: list[Bucket] = []
    runs = list(chunks(entries))
    if len(runs) == 1:
        write_straight(writer, runs[0])
    else:
        for run in runs:
            below.append(compile_bucket(run))
            writer.write(f"{writer.constant(below[-1].call)}(v, add, extend, source)")
    if not runs:
        writer.write("return")
    return Bucket(writer.make(), below)
