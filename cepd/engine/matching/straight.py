"""Entries one after the other, as straight-line code: 8 to 20 ns each, which no index beats for a few of them.

Python compiles functions slowly where they are large (10,000 rules in one took 0.8 s and 98 MiB): none gets more than
500 entries or 2,000 leaves.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from cepd.engine.matching.entry import Conjunct, Entry, FromSources, Suspected, paths_in, tests_in
from cepd.engine.matching.expression import conjunct_expression
from cepd.engine.matching.function import Writer
from cepd.model.condition import Field, Literally, Test

MOST_ENTRIES = 500
MOST_LEAVES = 2000


def chunks(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The entries in runs that are small enough for a function."""
    run: list[Entry] = []
    leaves = 0
    for entry in entries:
        size = sum(1 for conjunct in entry.conjuncts for _ in tests_in(conjunct))
        if run and (len(run) == MOST_ENTRIES or leaves + size > MOST_LEAVES):
            yield run
            run, leaves = [], 0
        run.append(entry)
        leaves += size
    if run:
        yield run


def write_straight(writer: Writer, entries: Sequence[Entry]) -> None:
    """Tests the entries. Fields that one entry alone reads are loaded where its first test holds, the others once."""
    uses = Counter(path for entry in entries for path in set().union(*map(paths_in, entry.conjuncts)))
    write_places(writer, [entry.place for entry in entries if not entry.conjuncts])
    for entry in entries:
        if entry.conjuncts:
            first, *others = sorted(entry.conjuncts, key=_cost)
            known = paths_in(first)
            groups: tuple[list[Conjunct], list[Conjunct]] = ([first], [])
            for item in others:
                groups[any(uses[path] == 1 for path in paths_in(item) - known)].append(item)
            _write_entry(writer, [group for group in groups if group], entry.place)


def write_places(writer: Writer, places: Sequence[int]) -> None:
    """Tells that the entries at these places hold."""
    if len(places) == 1:
        writer.write(f"add({writer.constant(places[0])})")
    elif places:
        writer.write(f"extend({writer.constant(tuple(places))})")


def _write_entry(writer: Writer, groups: Sequence[Sequence[Conjunct]], place: int) -> None:
    conjuncts, *deeper = groups
    with writer.block(" and ".join([conjunct_expression(writer, item) for item in conjuncts])):
        if deeper:
            _write_entry(writer, deeper, place)
        else:
            write_places(writer, [place])


_COSTS = {"in": 1, "not_in": 1, "contains": 2, "starts_with": 2, "ends_with": 2, "cidr": 4, "matches": 5}


def _cost(conjunct: Conjunct) -> int:
    """What is cheap is tested first."""
    if isinstance(conjunct, FromSources):
        return 1
    if isinstance(conjunct, Suspected):
        return _cost(conjunct.test)
    if not isinstance(conjunct, Test):
        return 3 + any(test.op == "matches" for test in tests_in(conjunct))
    plain = isinstance(conjunct.left, Field) and (conjunct.right is None or isinstance(conjunct.right, Literally))
    return _COSTS.get(conjunct.op, 0) if plain and not conjunct.ignore_case else 4
