"""Raw bytes to firings: the workloads that other engines were measured with."""

from collections.abc import Callable, Iterator

import msgspec

from cepd.engine.program import compile_program
from tests.bench import plain
from tests.bench.events import host_clock, host_lines
from tests.bench.feeding import fed, rows_of
from tests.bench.measuring import Size, costs, decode_only
from tests.bench.packs import loaded, peer_tree
from tests.bench.table import Row, share
from tests.bench.targets import PEERS

ROUNDS = 3
"""At most: each takes seconds."""

WORKLOADS: dict[str, tuple[str, Callable[[plain.Events], int]]] = {
    "w1": ("100 thresholds", plain.w1),
    "w2": ("20 averages by host", plain.w2),
    "w3": ("10 sequences by host", plain.w3),
}


def rows(size: Size) -> Iterator[Row]:
    lines = host_lines(size.events)
    bodies = rows_of(lines, host_clock)
    loads = [
        fed(compile_program(loaded(peer_tree(name))), bodies, len(lines), loop(map(msgspec.json.decode, lines)))
        for name, (_, loop) in WORKLOADS.items()
    ]
    bound, *found = costs(decode_only(lines), *loads, rounds=min(size.rounds, ROUNDS))
    for (name, (about, _)), cost in zip(WORKLOADS.items(), found, strict=True):
        yield share(f"peers {name.upper()} ({about})", cost, bound, PEERS[name])
