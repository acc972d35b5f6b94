"""Entries that ask whether a number is above or below a limit: the limits in order, and a bisection among them.

Those that ask for nothing else are told by a slice. The others stand in runs of neighbouring limits, each run a
function of straight-line code, and the bisection tells which runs can hold at all: a value that passes every limit
costs little more than without an index, one that passes none costs one comparison.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from cepd.engine.matching.entry import Entry
from cepd.engine.matching.function import Writer
from cepd.engine.matching.postings import Compile
from cepd.model.condition import Field, Literally, Operator, Test

FEWEST = 8
FEWEST_WITH_MORE_TESTS = 32
RUN = 16

_CUTS: dict[Operator, str] = {
    ">": "[:bisect_left({limits}, {number})]",
    ">=": "[:bisect_right({limits}, {number})]",
    "<": "[bisect_right({limits}, {number}):]",
    "<=": "[bisect_left({limits}, {number}):]",
}
"""Which of the limits, least first, hold for a number."""


class Column(NamedTuple):
    path: str
    op: Operator


class Limited(NamedTuple):
    limit: int | float
    entry: Entry


def write_limits(writer: Writer, entries: Sequence[Entry], compile_entries: Compile) -> Sequence[Entry]:
    """Writes bisections for the columns that are asked for often enough; gives the entries that are left."""
    served: set[int] = set()
    for column, found in _columns(entries).items():
        pure = [item for item in found if len(item.entry.conjuncts) == 1]
        others = [item for item in found if len(item.entry.conjuncts) > 1]
        if len(pure) >= FEWEST:
            served |= {item.entry.place for item in pure}
            _write_pure(writer, column, pure)
        if len(others) >= FEWEST_WITH_MORE_TESTS:
            served |= {item.entry.place for item in others}
            _write_runs(writer, column, others, compile_entries)
    return [entry for entry in entries if entry.place not in served]


def _columns(entries: Sequence[Entry]) -> dict[Column, list[Limited]]:
    """Each entry below the one of its columns that most entries ask for, least limit first."""
    asked = [_asked(entry) for entry in entries]
    counts = Counter(column for items in asked for column in {column for column, _ in items})
    found: dict[Column, list[Limited]] = defaultdict(list)
    for items in asked:
        if items:
            column, limited = max(items, key=lambda item: counts[item[0]])
            found[column].append(limited)
    return {column: sorted(items, key=lambda item: item.limit) for column, items in found.items()}


def _asked(entry: Entry) -> list[tuple[Column, Limited]]:
    return [
        (Column(test.left.path, test.op), Limited(test.right.value, entry))
        for test in entry.conjuncts
        if isinstance(test, Test)
        and test.op in _CUTS
        and isinstance(test.left, Field)
        and isinstance(test.right, Literally)
    ]


def _write_pure(writer: Writer, column: Column, found: Sequence[Limited]) -> None:
    limits = [item.limit for item in found]
    with writer.block(_easiest(writer, column, limits)):
        places = writer.constant(tuple(item.entry.place for item in found))
        writer.write(f"extend({places}{_cut(writer, column, limits)})")


def _write_runs(writer: Writer, column: Column, found: Sequence[Limited], compile_entries: Compile) -> None:
    runs = [found[start : start + RUN] for start in range(0, len(found), RUN)]
    limits = [run[0].limit if column.op in (">", ">=") else run[-1].limit for run in runs]
    with writer.block(_easiest(writer, column, limits)):
        calls = writer.constant(tuple(compile_entries([item.entry for item in run], ()) for run in runs))
        writer.write(f"for call in {calls}{_cut(writer, column, limits)}:")
        writer.write("    call(v, add, extend, source)")


def _easiest(writer: Writer, column: Column, limits: Sequence[int | float]) -> str:
    """The test that every number that passes any limit passes; NaN, which bisection would misplace, does not."""
    return f"{writer.number(column.path)} {column.op} {writer.constant(limits[0 if column.op[0] == '>' else -1])}"


def _cut(writer: Writer, column: Column, limits: Sequence[int | float]) -> str:
    cut = _CUTS[column.op]
    return cut.format(limits=writer.constant(limits), number=writer.number(column.path))
