"""Entries that ask for one of certain values of a field: a hash table leads to them.

A look-up costs about 50 ns and a call 60 where it finds something, a test 15 to 20: measured in ns per event, straight-
line code against the table, for hosts of which few occur:

    entries       2        4        8        16       64        1,000
    alone         132 136  200 146  277 151  420 152  1307 164  20,100 200
    with more     161 133  232 144  318 151  442 152   863 167  12,300 350

From 4 on a table wins where little is found, from 8 on wherever.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

from cepd.engine.matching.entry import Conjunct, Entry, FromSources
from cepd.engine.matching.function import Writer
from cepd.engine.matching.postings import Compile, Match, Postings
from cepd.model.condition import Field, Literally, Test
from cepd.model.json import Json

FEWEST = 8
MOST_MERGED = 4

Key: TypeAlias = str | int | float


class Column(NamedTuple):
    """What is looked up. `path` None: the source of the envelope."""

    path: str | None
    kind: Literal["text", "number"]


def write_tables(writer: Writer, entries: Sequence[Entry], compile_entries: Compile) -> Sequence[Entry]:
    """Writes look-ups for as many columns as are asked for often enough; gives the entries that are left."""
    while True:
        columns = Counter(column for entry in entries for column in {column_of(item) for item in entry.conjuncts})
        del columns[None]
        column, count = max(columns.items(), key=lambda item: item[1], default=(None, 0))
        if column is None or count < FEWEST:
            return entries
        entries = _write_table(writer, column, entries, compile_entries)


def column_of(conjunct: Conjunct) -> Column | None:
    """The column that decides over a conjunct; None where no look-up does."""
    if isinstance(conjunct, FromSources):
        return Column(None, "text")
    if not isinstance(conjunct, Test) or conjunct.op not in ("==", "in") or not isinstance(conjunct.left, Field):
        return None
    kinds = {item.__class__ for item in _values(conjunct)}
    if kinds == {str}:
        return Column(conjunct.left.path, "text")
    return Column(conjunct.left.path, "number") if kinds and kinds <= {int, float} else None


def _keys(conjunct: Conjunct) -> list[Key]:
    if isinstance(conjunct, FromSources):
        return sorted(conjunct.sources)
    return list(dict.fromkeys(_values(conjunct))) if isinstance(conjunct, Test) else []


def _values(test: Test) -> list[Json]:
    if not isinstance(test.right, Literally):
        return []
    return [test.right.value] if test.op == "==" else list(test.right.value)


def _write_table(writer: Writer, column: Column, entries: Sequence[Entry], compile_entries: Compile) -> list[Entry]:
    postings = Postings[Key](compile_entries, MOST_MERGED)
    rest = []
    for entry in entries:
        found = next((index for index, item in enumerate(entry.conjuncts) if column_of(item) == column), None)
        if found is None:
            rest.append(entry)
        else:
            postings.add(_keys(entry.conjuncts[found]), entry.without(found))
    places: dict[Key, tuple[int, ...]] = {}
    functions: dict[Key, Match] = {}
    callers: dict[tuple[Match, ...], Match] = {}
    for key, posting in postings.all().items():
        if posting.places:
            places[key] = posting.places
        if posting.entries:
            functions[key] = compile_entries(posting.entries, posting.calls)
        elif posting.calls:
            if posting.calls not in callers:
                callers[posting.calls] = compile_entries((), posting.calls)
            functions[key] = callers[posting.calls]
    value = _value(writer, column)
    if places:
        with writer.block(f"(found := {writer.constant(places)}.get({value})) is not None"):
            writer.write("extend(found)")
    if functions:
        with writer.block(f"(found := {writer.constant(functions)}.get({value})) is not None"):
            writer.write("found(v, add, extend, source)")
    return rest


def _value(writer: Writer, column: Column) -> str:
    if column.path is None:
        return writer.sender()
    return writer.text(column.path) if column.kind == "text" else writer.number(column.path)
