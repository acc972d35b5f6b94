"""Which entries cost a test of their own, because no index serves them, and about how much.

It asks the indexes what they would take, and compiles nothing: a tenth of the time that a node takes to make.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from cepd.engine.matching import MANY
from cepd.engine.matching.bucket import write_indexes
from cepd.engine.matching.entry import Entry, tests_in
from cepd.engine.matching.function import Writer
from cepd.engine.matching.patterns import required_texts
from cepd.engine.matching.postings import Match
from cepd.engine.operators import alternatives
from cepd.model.condition import Field, Literally, Test

PLAIN, CALLED, SEARCH, NETWORK = 20, 300, 1600, 2000
"""Nanoseconds of one test, measured where a dictionary is decoded from a line in 900: a comparison that is spelled out;
a call, as for ignore_case, lower, arithmetic and two fields; an RE2 pattern over 95 characters; a network."""


class Linear(NamedTuple):
    """`crowd`: how many are tested one after the other with it, itself included; 0 where those are not many.
    `searched`: a pattern of it is searched for in every text, as no text stands in all that it matches; `guarded`: only
    where something else of it holds. `nanoseconds`: what its tests cost where all of them are made."""

    place: int
    crowd: int
    searched: bool
    guarded: bool
    nanoseconds: int


def linear_of(entries: Sequence[Entry]) -> list[Linear]:
    """Those that no index serves and that cost, by place: each of more than 50 that are tested one after the other, and
    each that searches at every event."""
    found: dict[int, Linear] = {}
    for level, tested in _tested(entries, 0):
        crowd = len(tested) if len(tested) > MANY else 0
        for entry in tested:
            searched = level == 0 and any(map(searches, _tests(entry)))
            if crowd or searched:
                found.setdefault(entry.place, _linear(entry, crowd, searched))
    return [found[place] for place in sorted(found)]


def _tested(entries: Sequence[Entry], level: int) -> Iterator[tuple[int, list[Entry]]]:
    """(level, entries that no index serves) of the first bucket, and of those below it that hold many."""
    if level == 0 and len(entries) <= MANY and not any(map(searches, chain.from_iterable(map(_tests, entries)))):
        return
    below: list[Sequence[Entry]] = []

    def note(found: Sequence[Entry], others: Sequence[Match]) -> Match:
        below.append(found)
        return _no_match

    rest = write_indexes(Writer("v", "add", "extend", "source"), entries, note, level)
    yield level, [entry for entry in rest if entry.conjuncts]
    for found in below:
        if len(found) > MANY:
            yield from _tested(found, level + 1)


def _linear(entry: Entry, crowd: int, searched: bool) -> Linear:
    guarded = searched and any(not any(map(searches, tests_in(conjunct))) for conjunct in entry.conjuncts)
    return Linear(entry.place, crowd, searched, guarded, sum(map(_nanoseconds, _tests(entry))))


def _no_match(*_: object) -> None:
    """Stands for the functions that are not made."""


def _tests(entry: Entry) -> list[Test]:
    return [test for conjunct in entry.conjuncts for test in tests_in(conjunct)]


def searches(test: Test) -> bool:
    """Whether it is a pattern that is searched for in every text."""
    return test.op == "matches" and required_texts(test) is None


def _nanoseconds(test: Test) -> int:
    if searches(test):
        return SEARCH * len(alternatives(test.right))
    if test.op == "cidr":
        return NETWORK
    spelled = isinstance(test.left, Field) and (test.right is None or isinstance(test.right, Literally))
    return PLAIN if spelled and not test.ignore_case else CALLED
