"""Entries that ask whether a number is above or below a limit: the limits in order, and a bisection among them.

Those that ask for nothing else are told by a slice. The others stand in runs of neighbouring limits behind gates: a
number that passes no limit costs one comparison, one that passes them all costs one for each run more than without.
Measured in ns per event, straight-line code against this, for limits of 90 to 100 (few hold) and 0 to 100 (half hold):

    entries       4        8        16       64        1,000
    alone, 90     158 126  204 132  287 147   791  166  13,800   560
    alone, 0      193 261  306 320  409 353  1255  549  24,800  3580
    with more, 90 231 136  269 137  362 158   894  239  14,400  2260
    with more, 0  277 256  368 375  503 536  1643 1310  29,500 19600
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from cepd.engine.matching.entry import Entry
from cepd.engine.matching.function import Writer
from cepd.engine.matching.postings import Compile
from cepd.engine.matching.straight import write_straight
from cepd.model.condition import Field, Literally, Operator, Test

FEWEST = 8
RUN = 16
"""Entries behind a gate."""
PIECE = 256
"""Entries in a function."""

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
    conjunct: int
    """The place of the one that asks for it."""


def write_limits(writer: Writer, entries: Sequence[Entry], compile_entries: Compile) -> Sequence[Entry]:
    """Writes bisections for the columns that are asked for often enough; gives the entries that are left."""
    served: set[int] = set()
    for column, found in _columns(entries).items():
        pure = [item for item in found if len(item.entry.conjuncts) == 1]
        others = [item for item in found if len(item.entry.conjuncts) > 1]
        if len(pure) >= FEWEST:
            served |= {item.entry.place for item in pure}
            _write_pure(writer, column, pure)
        if len(others) >= FEWEST:
            served |= {item.entry.place for item in others}
            if len(others) > PIECE:
                _write_pieces(writer, column, others, compile_entries)
            else:
                _write_gates(writer, column, others if column.op in (">", ">=") else others[::-1])
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
        (Column(test.left.path, test.op), Limited(test.right.value, entry, place))
        for place, test in enumerate(entry.conjuncts)
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


def _write_gates(writer: Writer, column: Column, found: Sequence[Limited]) -> None:
    """Straight-line code behind the easiest limit of each run, each gate inside the one before."""
    run, others = found[:RUN], found[RUN:]
    gate = run[0].limit
    with writer.block(f"{writer.number(column.path)} {column.op} {writer.constant(gate)}"):
        write_straight(
            writer, [item.entry.without(item.conjunct) if item.limit == gate else item.entry for item in run]
        )
        if others:
            _write_gates(writer, column, others)


def _write_pieces(writer: Writer, column: Column, found: Sequence[Limited], compile_entries: Compile) -> None:
    """A function for each piece, and a bisection that tells which can hold."""
    pieces = [found[start : start + PIECE] for start in range(0, len(found), PIECE)]
    rising = column.op in (">", ">=")
    limits = [piece[0].limit if rising else piece[-1].limit for piece in pieces]
    with writer.block(_easiest(writer, column, limits)):
        calls = writer.constant(tuple(compile_entries([item.entry for item in piece], ()) for piece in pieces))
        writer.write(f"for call in {calls}{_cut(writer, column, limits)}:")
        writer.write("    call(v, add, extend, source)")


def _easiest(writer: Writer, column: Column, limits: Sequence[int | float]) -> str:
    """The test that every number that passes any limit passes; NaN, which bisection would misplace, does not."""
    return f"{writer.number(column.path)} {column.op} {writer.constant(limits[0 if column.op[0] == '>' else -1])}"


def _cut(writer: Writer, column: Column, limits: Sequence[int | float]) -> str:
    cut = _CUTS[column.op]
    return cut.format(limits=writer.constant(limits), number=writer.number(column.path))
