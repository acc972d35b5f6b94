"""The engine's task: takes frames in order, applies each one that is on disk, hands on what fired, ticks when due."""

import asyncio
import logging

from cepd.model.duration import MINUTE, SECOND
from cepd.model.errors import RetryLaterError
from cepd.model.instant import Instant
from cepd.ports import Clock, Progress
from cepd.runtime.feed import Feed, Item
from cepd.runtime.machine import Machine
from cepd.runtime.recorder import Recorder
from cepd.runtime.snapshots import Snapshotter
from cepd.runtime.turns import in_turns

log = logging.getLogger(__name__)

LONGEST_SILENCE = MINUTE
"""While a deadline is pending there is a row at least so often: the last row before a stop tells when it was."""


class Processor:
    def __init__(
        self,
        feed: Feed,
        machine: Machine,
        recorder: Recorder,
        clock: Clock,
        snapshotter: Snapshotter,
        progress: Progress,
    ) -> None:
        self._feed = feed
        self._machine = machine
        self._recorder = recorder
        self._clock = clock
        self._snapshotter = snapshotter
        self._progress = progress

    async def run(self) -> None:
        """Never ends by itself. Between two frames the loop has its turn."""
        while True:
            item = await self._feed.take(self._until_tick())
            if item is None:
                if self._until_tick() == 0:
                    self._feed.tick()
                continue
            try:
                await self._process(item)
            finally:
                self._feed.done(item)
            await asyncio.sleep(0)
            await self._snapshotter.offer()

    async def _process(self, item: Item) -> None:
        try:
            await (item.synced if item.synced.done() else asyncio.shield(item.synced))
        except RetryLaterError as error:
            log.error("frame not written", extra={"kind": item.frame.kind, "reason": error.message})
            if item.frame.kind == "tick":
                await asyncio.sleep(error.after)
            return
        self._progress.begin(item.frame.seq)
        applied = await in_turns(self._machine.steps(item.frame, item.deployment))
        self._progress.end()
        if applied.is_owed:
            await self._recorder.put(applied)

    def _until_tick(self) -> float | None:
        """Seconds until a tick is needed if no row comes before; None where nothing is pending."""
        deadline = self._machine.engine.next_deadline()
        if deadline is None:
            return None
        due: Instant = min(deadline, self._machine.clock + LONGEST_SILENCE)
        return max(due - self._clock.now(), 0) / SECOND
