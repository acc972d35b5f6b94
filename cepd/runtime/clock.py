"""The daemon's clock. It never goes back, also not over a restart: the journal's newest clock is its floor."""

import time

from cepd.model.instant import Instant


class SystemClock:
    """Wall time at the start plus monotonic time elapsed; the port Clock."""

    def __init__(self, floor: Instant = 0) -> None:
        self._base = max(time.time_ns() // 1_000, floor)
        self._started = time.monotonic_ns()

    def now(self) -> Instant:
        return self._base + (time.monotonic_ns() - self._started) // 1_000
