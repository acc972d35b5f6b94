"""The recorder's task: what fired becomes rows of the store, many rows of the journal in one transaction.

Its queue is bounded: while the store lags or is away, `put` waits, the engine stops with it, and intake answers 429.
Nothing is given up: a recording is tried until the store takes it, and repeating one changes nothing. What cannot be
put into words, or is refused for what it says, is a fault that ends the daemon; the row to blame is told before.
"""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Callable, Sequence

from cepd.model.errors import RetryLaterError
from cepd.ports import Clock, Recording, Store
from cepd.runtime.alerts import Owed
from cepd.runtime.machine import Applied
from cepd.runtime.patience import patiently
from cepd.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

CAPACITY = 10_000
"""Firings that may wait."""
AT_ONCE = 500
"""Firings after which a transaction takes no further row."""
AT_A_STRETCH = 50
"""Firings that are put into words before others have their turn on the loop: five milliseconds."""


class Recorder:
    """`length` counts the firings that wait or are being written."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        *,
        recorded: Callable[[], None],
        blame: Callable[[int], None] = lambda seq: None,
        capacity: int = CAPACITY,
    ) -> None:
        """`recorded` is called after each commit, `blame` with the row over which it ends."""
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._recorded = recorded
        self._blame = blame
        self._rows: deque[Applied] = deque()
        self._writing: list[Applied] = []
        self._changed = asyncio.Condition()
        self.capacity = capacity
        self.length = 0

    async def put(self, row: Applied) -> None:
        """Hands over what one row made fire; waits for room, and an empty queue takes any row."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self.length or self.length + _weight(row) <= self.capacity)
            self._rows.append(row)
            self.length += _weight(row)
            self._changed.notify_all()

    async def drained(self) -> None:
        """Ends when everything that was put is in the store."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self.length)

    async def recorded(self, seq: int) -> None:
        """Ends when what was put of the rows up to `seq` is in the store, and the store knows it; more may be put
        meanwhile. RetryLaterError where the store is away then."""
        await self.written(seq)
        await self._store.record(Recording(seq=seq))

    async def written(self, seq: int) -> None:
        """Ends when what was put of the rows up to `seq` is in the store; more may be put meanwhile."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._oldest is None or self._oldest > seq)

    @property
    def _oldest(self) -> int | None:
        """The oldest row that waits or is being written."""
        return next((row.seq for row in itertools.chain(self._writing, self._rows)), None)

    async def run(self) -> None:
        """Never ends by itself."""
        while True:
            await self._next()
            await self._write(self._writing)
            async with self._changed:
                self.length -= sum(map(_weight, self._writing))
                self._writing = []
                self._changed.notify_all()
            self._recorded()

    async def _next(self) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: bool(self._rows))
        firings = 0
        while self._rows and firings < AT_ONCE:
            row = self._rows.popleft()
            self._writing.append(row)
            firings += _weight(row)

    async def _write(self, rows: Sequence[Applied]) -> None:
        try:
            await self._commit(await self._owed(rows))
        except Exception:
            if len(rows) == 1:
                self._blame(rows[0].seq)
                raise
            log.exception("rows not recorded together; each is tried alone", extra={"rows": [row.seq for row in rows]})
            for row in rows:
                await self._write([row])

    async def _owed(self, rows: Sequence[Applied]) -> Recording:
        owed, told = Owed(self._clock.now(), self._metrics), 0
        for row in rows:
            for firing in row.firings:
                owed.add(firing, row)
                told += firing.is_told
                if told == AT_A_STRETCH:
                    told = 0
                    await asyncio.sleep(0)
            owed.end(row)
        return owed.recording(rows[-1].seq)

    async def _commit(self, recording: Recording) -> None:
        await patiently(lambda: self._store.record(recording), self._away)

    def _away(self, error: RetryLaterError, pause: float) -> None:
        self._metrics.count("cepd_store_errors_total")
        log.error("store away", extra={"reason": error.message, "retry_in": pause})


def _weight(row: Applied) -> int:
    """Its firings; one where nothing fired, since then a run is to be recorded."""
    return max(len(row.firings), 1)
