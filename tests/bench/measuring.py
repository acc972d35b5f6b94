"""CPU seconds of what takes turns with the bound it is compared to."""

import gc
import resource
import statistics
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from time import process_time
from typing import Any, NamedTuple

import msgspec

BODY = 500
"""Events of a body."""


class Size(NamedTuple):
    """How much is measured; tests take little."""

    events: int = 200_000
    """Of a stream that is fed to engines with state; stateless figures take a twentieth of it."""
    rules: int = 10_000
    """At most."""
    keys: int = 1_000_000
    rounds: int = 5

    @property
    def few(self) -> int:
        """Events where each costs the same as the one before it."""
        return max(self.events // 20, 2 * BODY)

    def counts(self, *rules: int) -> list[int]:
        """Those of the numbers of rules that are wanted; the most that are wanted where all are more."""
        return [count for count in rules if count <= self.rules] or [self.rules]


class Load(NamedTuple):
    """Something to measure. `prepare` makes what a round needs and gives what is timed; `count`: how many things that
    deals with."""

    count: int
    prepare: Callable[[], Callable[[], object]]


def costs(*loads: Load, rounds: int) -> list[float]:
    """Median CPU seconds for one thing of each load, of all threads and of the processes that a load waits for.

    The loads take turns, so that what slows the machine slows all of them. Where there are several rounds, one more
    comes first that warms up and does not count.
    """
    spent: list[list[float]] = [[] for _ in loads]
    warming = int(rounds > 1)
    for _ in range(warming + rounds):
        for load, times in zip(loads, spent, strict=True):
            run = load.prepare()
            gc.collect()
            begun = cpu()
            run()
            times.append((cpu() - begun) / load.count)
    return [statistics.median(times[warming:]) for times in spent]


def cpu() -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return process_time() + ended.ru_utime + ended.ru_stime


def bodies(lines: Sequence[bytes]) -> list[bytes]:
    return [b"\n".join(lines[start : start + BODY]) for start in range(0, len(lines), BODY)]


def decode_only(lines: Sequence[bytes]) -> Load:
    """The bound: the lines to dicts that are dropped."""
    decode, texts = msgspec.json.Decoder[Any]().decode_lines, bodies(lines)

    def run() -> None:
        for text in texts:
            decode(text)

    return Load(len(lines), lambda: run)


def drop(things: Iterable[object]) -> None:
    """Takes them all and keeps none."""
    deque(things, maxlen=0)
