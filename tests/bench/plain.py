"""How often rules fire, by loops that are too plain to be wrong. The events are fields, in order of time."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from tests.bench.events import KINDS

Events: TypeAlias = Iterable[Mapping[str, Any]]


def w1(events: Events) -> int:
    """Five thresholds for each type."""
    lines = (("cpu", 98), ("mem", 98), ("disk", 98), ("latency_ms", 980), ("errors", 979))
    return sum(event[name] > line for event in events for name, line in lines)


def w2(events: Events) -> int:
    """Averages over a minute."""
    return sum(total / count > 80 for *_, (total, count) in _running(events))


def w3(events: Events) -> int:
    """Ten pairs of types, the second within a minute of the first; the newest first one counts, and for one match."""
    first, fired = dict[tuple[int, str], float](), 0
    for event in events:
        pair, second = divmod(KINDS.index(event["type"]), 2)
        if not second:
            first[pair, event["host"]] = event["ts"]
        elif (begun := first.pop((pair, event["host"]), None)) is not None:
            fired += event["ts"] - begun <= 60
    return fired


def at_the_end(events: Events, lines: Sequence[float]) -> int:
    """Averages over a minute, against each line."""
    return sum(total / count > line for *_, (total, count) in _running(events) for line in lines)


def at_once(events: Events, lines: Sequence[float]) -> int:
    """The same after each event, once a minute, type, host and line."""
    return sum(max(so_far) > line for so_far, _ in _running(events) for line in lines)


def _running(events: Events) -> Iterator[tuple[list[float], tuple[float, int]]]:
    """Of each minute, type and host: the averages after each event, the sum and how many there were."""
    values = defaultdict[tuple[float, str, str], list[float]](list)
    for event in events:
        values[event["ts"] // 60, event["type"], event["host"]].append(event["cpu"])
    for found in values.values():
        total, so_far = 0.0, []
        for count, value in enumerate(found, 1):
            total += value
            so_far.append(total / count)
        yield so_far, (total, len(found))
