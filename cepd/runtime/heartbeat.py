"""A sign of life from the event loop: how late it is, and a word to the service manager's watchdog."""

import asyncio
from collections import deque

from cepd.telemetry.sdnotify import notify

INTERVAL = 1.0
"""Seconds. Short enough for any watchdog that is set in whole seconds from two on."""
KEPT = 60
"""Beats. A scrape sees the worst of this long."""


class Heartbeat:
    def __init__(self) -> None:
        self._late: deque[float] = deque([0.0], maxlen=KEPT)
        self._beat_at: float | None = None

    @property
    def lag(self) -> float:
        """Seconds by which the loop was late, at its worst of the last minute."""
        return max(list(self._late))

    async def run(self) -> None:
        """Never ends by itself."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + INTERVAL
            await asyncio.sleep(INTERVAL)
            self._late.append(max(loop.time() - due, 0.0))
            notify("WATCHDOG=1")
