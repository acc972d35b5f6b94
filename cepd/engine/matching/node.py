"""A node: all the conditions that events of one type are tested with, compiled together."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from cepd.engine.conditions import Holds
from cepd.engine.matching.bucket import Bucket, compile_bucket
from cepd.engine.matching.entry import make_entry
from cepd.engine.matching.expression import compile_holds
from cepd.engine.projection import View
from cepd.model.condition import Condition

__all__ = ["Asked", "Holds", "Match", "Node", "compile_holds", "compile_node"]

Match: TypeAlias = Callable[[View, Callable[[int], None], Callable[[Iterable[int]], None], str], None]


class Asked(NamedTuple):
    """`condition` None: always; `sources` None: for events of every source."""

    condition: Condition | None
    sources: frozenset[str] | None


class Node:
    """Made by `compile_node`. Outlives the projection whose views it reads: they need only name its fields."""

    def __init__(self, bucket: Bucket, linear: tuple[int, ...]) -> None:
        self.match: Match = bucket.call
        """`match(view, add, extend, source)` gives to `add`, or several to `extend`, the places in `asked` of all that
        hold, each once, in any order. `source` is that of events that name none."""
        self.linear = linear
        """The places of those that cost a test at every event, where there are so many that it tells."""
        self._bucket = bucket

    @property
    def code(self) -> str:
        """The source of all functions, each text once. Names `K0`, `K1` are constants: `legend` tells what of."""
        return "\n".join(dict.fromkeys(written.source for written in self._bucket.functions()))


def compile_node(asked: Sequence[Asked]) -> Node:
    """The node of conditions that the parsers gave."""
    entries = [make_entry(place, condition, sources) for place, (condition, sources) in enumerate(asked)]
    return Node(compile_bucket(entries), ())
