"""A node: all the conditions that events of one type are tested with, compiled together."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from reprlib import repr as shortened
from typing import NamedTuple

from cepd.engine.conditions import Holds
from cepd.engine.matching import MANY
from cepd.engine.matching.bucket import Bucket, compile_bucket
from cepd.engine.matching.entry import Entry, make_entry, paths_in
from cepd.engine.matching.expression import compile_holds
from cepd.engine.matching.function import Written
from cepd.engine.matching.linear import Linear, linear_of
from cepd.engine.matching.postings import Match
from cepd.engine.projection import slot
from cepd.model.condition import Condition

__all__ = ["MANY", "Asked", "Holds", "Match", "Node", "compile_holds", "compile_node"]


class Asked(NamedTuple):
    """`condition` None: always; `sources` None: for events of every source."""

    condition: Condition | None
    sources: frozenset[str] | None


class Node:
    """Made by `compile_node`. Outlives the projection whose views it reads: they need only name its fields."""

    def __init__(self, entries: Sequence[Entry], bucket: Bucket) -> None:
        self.match: Match = bucket.match
        """Says which places of `asked` hold for a view, each once, in any order."""
        self._entries = entries
        self._bucket = bucket

    @cached_property
    def costs(self) -> Sequence[Linear]:
        """The entries that no index serves and that cost, by place."""
        return linear_of(self._entries)

    @property
    def linear(self) -> tuple[int, ...]:
        """Their places."""
        return tuple(found.place for found in self.costs)

    @property
    def functions(self) -> list[Written]:
        """All functions; the first is called, and calls the others."""
        return [bucket.written for bucket in self._bucket.all()]

    @property
    def members(self) -> Mapping[str, str]:
        """The members of events by their slots."""
        paths = {path for entry in self._entries for conjunct in entry.conjuncts for path in paths_in(conjunct)}
        return {slot(part): part for path in sorted(paths) for part in path.split(".")}

    @property
    def code(self) -> str:
        """The source of all functions, each text once: `legend` tells what is behind the names."""
        return "\n".join(dict.fromkeys(written.source for written in self.functions))

    @property
    def legend(self) -> str:
        """The members behind the slots, and what each function has for `K0`, `K1`, shortened."""
        constants = [
            f"function {number}: {', '.join(f'K{index} = {shortened(value)}' for index, value in enumerate(found))}"
            for number, found in enumerate(written.constants for written in self.functions)
        ]
        return "\n".join([*(f"{name}: {part}" for name, part in self.members.items()), *constants])


def compile_node(asked: Sequence[Asked]) -> Node:
    """The node of conditions that the parsers gave."""
    entries = entries_of(asked)
    return Node(entries, compile_bucket(entries))


def entries_of(asked: Sequence[Asked]) -> list[Entry]:
    return [make_entry(place, condition, sources) for place, (condition, sources) in enumerate(asked)]
