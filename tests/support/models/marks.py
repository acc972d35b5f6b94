"""The watermark and the clock at every point at which a rule may say something, read off all rows, second by second.

Every clock of the rows is a whole number of seconds after the first one.
"""

from collections.abc import Sequence
from typing import NamedTuple

from cepd.engine.rows import Batch, Resume, Row, Swap
from cepd.model.duration import SECOND, Span
from cepd.model.event import Event
from cepd.model.instant import Instant

IDLE = 30 * SECOND


class Moment(NamedTuple):
    """After time passed up to a row's clock (`event` None), or after one of its events was seen."""

    row: Row
    clock: Instant
    mark: Instant
    event: Event | None = None
    downtime: Span = 0
    """Of a resume row."""


def moments(rows: Sequence[Row], lateness: Span) -> list[Moment]:
    found: list[Moment] = []
    highest: dict[str, Instant] = {}
    heard: dict[str, Instant] = {}
    clock = rows[0].clock
    mark = clock - lateness
    idle = True

    def least() -> Instant | None:
        awake = [name for name in heard if heard[name] + IDLE > clock]
        return min((min(highest[name], heard[name]) for name in awake), default=None)

    for row in rows:
        before = clock
        while clock < row.clock:
            clock += SECOND
            slowest = least()
            if slowest is not None:
                mark = max(mark, slowest - lateness)
            elif idle:
                mark += SECOND
            idle = slowest is None
        found.append(Moment(row, clock, mark, downtime=clock - before if isinstance(row, Resume) else 0))
        if isinstance(row, Swap):
            lateness = row.program.lateness
        for event in row.events if isinstance(row, Batch) else ():
            highest[row.input] = max(event.time, highest.get(row.input, event.time))
            heard[row.input] = clock
            idle = False
            slowest = least()
            assert slowest is not None
            mark = max(mark, slowest - lateness)
            found.append(Moment(row, clock, mark, event))
    return found
