"""What a node is asked, taken apart: the tests that must all hold.

Trees are walked without recursion: those built in Python may be deeper than its stack.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from cepd.engine.conditions import facing_left
from cepd.engine.paths import operand_fields
from cepd.model.condition import All, AnyOf, Condition, Field, Literally, Not, Operator, Test


class FromSources(NamedTuple):
    """Holds where the event's source is one of these."""

    sources: frozenset[str]


class Suspected(NamedTuple):
    """A test of a text that is known to hold what the test requires of it: still to be tested, no more looked for."""

    test: Test


Conjunct: TypeAlias = Condition | FromSources | Suspected


class Entry(NamedTuple):
    """Holds where all its conjuncts do."""

    place: int
    conjuncts: tuple[Conjunct, ...]

    def without(self, index: int) -> "Entry":
        """The entry once one of its conjuncts is known to hold."""
        return Entry(self.place, self.conjuncts[:index] + self.conjuncts[index + 1 :])

    def suspecting(self, index: int, test: Test) -> "Entry":
        """The entry once what a test requires is known to be there."""
        return Entry(self.place, (*self.conjuncts[:index], Suspected(test), *self.conjuncts[index + 1 :]))


MOST_CONJUNCTS = 100
"""A condition of more is one conjunct, which no index serves."""


def make_entry(place: int, condition: Condition | None, sources: frozenset[str] | None) -> Entry:
    own: tuple[Conjunct, ...] = () if sources is None else (FromSources(sources),)
    if condition is None:
        return Entry(place, own)
    found = tuple(_conjuncts(condition))
    return Entry(place, (*own, *(found if len(found) <= MOST_CONJUNCTS else (All(found),))))


def _conjuncts(condition: Condition) -> Iterator[Condition]:
    """What must hold all together, in order, nested groups opened."""
    waiting = [condition]
    while waiting:
        item = waiting.pop()
        if isinstance(item, All):
            waiting.extend(reversed(item.items))
        else:
            yield facing_left(item) if isinstance(item, Test) else _as_list(item)


_LISTED: dict[Operator, Operator] = {"==": "in", "in": "in", "contains": "contains", "matches": "matches"}


def _as_list(condition: Condition) -> Condition:
    """`x == 1 or x == 2` as `x in [1, 2]`, which a table can answer; other conditions as they are."""
    if not isinstance(condition, AnyOf) or not condition.items:
        return condition
    tests = [item for item in condition.items if isinstance(item, Test)]
    values: list[object] = []
    for test in tests:
        if _LISTED.get(test.op) is None or not isinstance(test.right, Literally):
            return condition
        listed = test.right.value.__class__ is list
        if listed and test.op == "==":
            return condition
        values.extend(test.right.value if listed else [test.right.value])
    first = tests[0] if tests else None
    if first is None or len(tests) < len(condition.items) or not isinstance(first.left, Field):
        return condition
    op = _LISTED[first.op]
    if any((_LISTED[test.op], test.left, test.ignore_case) != (op, first.left, first.ignore_case) for test in tests):
        return condition
    return Test(op, first.left, Literally(values), first.ignore_case)


def nodes_of(condition: Condition) -> Iterator[Condition]:
    """The condition and all below it, each before what is inside it."""
    waiting = [condition]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(items_of(node))


def items_of(node: Condition) -> tuple[Condition, ...]:
    match node:
        case Test():
            return ()
        case Not(item):
            return (item,)
        case _:
            return node.items


def tests_in(conjunct: Conjunct) -> Iterator[Test]:
    """The leaves, in no order."""
    if isinstance(conjunct, Suspected):
        yield conjunct.test
    elif not isinstance(conjunct, FromSources):
        yield from (node for node in nodes_of(conjunct) if isinstance(node, Test))


def paths_in(conjunct: Conjunct) -> set[str]:
    """The fields that it reads."""
    if isinstance(conjunct, FromSources):
        return {"source"}
    return {field.path for test in tests_in(conjunct) for field in operand_fields(test)}
