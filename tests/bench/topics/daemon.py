"""The real daemon, HTTP to firings with the journal, 100 rules in it: CPU of its whole process an event.

The daemon has this process's core; its senders have another one where there is one.
"""

import os
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from cepd.cli.console import counted
from tests.bench.events import metrics
from tests.bench.measuring import Size, costs, decode_only
from tests.bench.mixes import MIXES
from tests.bench.packs import tree_of, write
from tests.bench.table import Row, share
from tests.bench.targets import DAEMON
from tests.support.daemon import Daemon
from tests.support.loads import load

RULES = 100
REQUESTS = {1: 1_000, 100: 200, 500: 80}
"""By events of each, in a round."""
ROUNDS = 3
"""At most."""


def rows(size: Size) -> Iterator[Row]:
    rounds = min(size.rounds, ROUNDS)
    requests = {events: min(count, max(size.few // events, 2)) for events, count in REQUESTS.items()}
    lines = metrics((rounds + 1) * sum(events * count for events, count in requests.items()))
    (bound,) = costs(decode_only(lines[: size.few]), rounds=size.rounds)
    fresh = iter(lines)
    with tempfile.TemporaryDirectory() as folder:
        root = write(tree_of(MIXES[0].rules(min(RULES, size.rules))), Path(folder, "tree"))
        with Daemon(root, Path(folder, "data")) as daemon:
            daemon.wait_ready()
            for events, count in requests.items():
                spent = [cost(daemon, [list(islice(fresh, events)) for _ in range(count)]) for _ in range(rounds + 1)]
                what = f"daemon, {counted(events, 'event')} a request"
                yield share(what, statistics.median(spent[1:]), bound, DAEMON.get(events))
            daemon.stop()


def cost(daemon: Daemon, requests: Sequence[Sequence[bytes]]) -> float:
    """CPU seconds for an event."""
    count = sum(map(len, requests))
    with elsewhere():
        found = load(daemon, [b"\n".join(lines) for lines in requests])
    assert found.accepted == count, (found.accepted, count)
    return found.cpu / count


@contextmanager
def elsewhere() -> Iterator[None]:
    """Other cores than this process's own."""
    own = os.sched_getaffinity(0)
    others = set(range(os.cpu_count() or 1)) - own
    os.sched_setaffinity(0, others or own)
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)
