"""Deletes what is older, or more, than the settings keep, in small batches with pauses, and counts what went.

What a start might derive again from the journal stays, or it would come back: an alert that nobody knows of any more
would be told again.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from cepd.model.errors import RetryLaterError
from cepd.model.instant import Instant
from cepd.model.retention import Retention
from cepd.ports import Clock, Store
from cepd.ports.retention import Table, Trim
from cepd.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

BATCH = 500
"""Rows that are deleted at a time."""
PAUSE = 0.1
"""Seconds between two batches."""
INTERVAL = 300.0
"""Seconds between two passes over the tables."""


class Sweeper:
    """`kept` gives the settings that hold now. `final_before` gives the time before which nothing that was recorded
    will be derived again; None where nobody can say yet."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        metrics: Metrics,
        *,
        kept: Callable[[], Retention],
        final_before: Callable[[], Instant | None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._clock = clock
        self._metrics = metrics
        self._kept = kept
        self._final_before = final_before
        self._sleep = sleep

    async def run(self) -> None:
        """Never ends by itself."""
        while True:
            try:
                await self.sweep()
            except RetryLaterError as error:
                log.warning("old rows stay", extra={"reason": error.message})
            await self._sleep(INTERVAL)

    async def sweep(self) -> None:
        """One pass over all tables. RetryLaterError."""
        now, kept = self._clock.now(), self._kept()
        await self._trim("stream", now - kept.stream, await self._excess("stream", kept.max_stream))
        await self._trim("target", now)
        final = self._final_before()
        if final is None:
            return
        before = min(now - kept.executions, final)
        await self._trim("execution", before, final_before=final, per_rule=kept.executions_per_rule)
        before, excess = min(now - kept.deliveries, final), await self._excess("delivery", kept.max_deliveries)
        await self._trim("delivery", before, excess, final_before=final)
        before, excess = min(now - kept.alerts, final), await self._excess("alert", kept.max_alerts)
        await self._trim("alert", before, excess, final_before=final)

    async def _excess(self, table: Table, most: int) -> int:
        return max(await self._store.rows(table) - most, 0)

    async def _trim(
        self,
        table: Table,
        before: Instant,
        excess: int = 0,
        *,
        final_before: Instant = 0,
        per_rule: int | None = None,
    ) -> None:
        trim = Trim(table=table, most=BATCH, before=before, excess=excess, per_rule=per_rule, final_before=final_before)
        total = 0
        while True:
            deleted = await self._store.trim(trim)
            total += deleted
            self._metrics.count("cepd_retention_deleted_total", table, by=deleted)
            if deleted < BATCH:
                break
            trim = msgspec.structs.replace(trim, excess=max(trim.excess - deleted, 0))
            await self._sleep(PAUSE)
        if total:
            log.info("old rows deleted", extra={"table": table, "number": total})
