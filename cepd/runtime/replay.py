"""From the items of a recording to the engine's rows: under the rules that are given, or under those that ran."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeAlias

from cepd.engine.program import Program
from cepd.engine.rows import Row, Swap, Tick
from cepd.model.errors import StartError
from cepd.runtime.machine import row_of
from cepd.runtime.recording import Item, KeptGeneration

Compile: TypeAlias = Callable[[KeptGeneration, Program], Program]
"""(a generation, the program before it) to its program."""


def rows_of(
    items: Iterable[Item],
    program: Program,
    kept: Mapping[str, KeptGeneration] | None = None,
    compile: Compile | None = None,
) -> Iterator[Row]:
    """The rows, decoded for the program that runs, which is `program` at first.

    With `compile` swaps change it; `kept` are generations that were read before. Without it one program runs
    throughout, and a swap only lets time pass.
    """
    known = dict(kept or {})
    for item in items:
        if isinstance(item, KeptGeneration):
            known[item.digest] = item
        elif item.kind != "swap":
            yield row_of(item, program)
        elif compile is None:
            yield Tick(item.clock)
        else:
            program = compile(_found(item.digest, known), program)
            yield Swap(item.clock, program)


def _found(digest: str, known: Mapping[str, KeptGeneration]) -> KeptGeneration:
    found = known.get(digest)
    if found is None:
        raise StartError(f"the recording swaps to the generation {digest} and does not hold it", help="record it again")
    return found
