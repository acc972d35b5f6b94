"""The port Store over any database that can run an operation as one transaction."""

from typing import Protocol, TypeVar

from cepd.model.alert import Alert
from cepd.model.delivery import Delivery
from cepd.model.execution import Execution
from cepd.model.instant import Instant
from cepd.ports import (
    AlertDetail,
    AlertPage,
    AlertQuery,
    DeliveryDetail,
    DeliveryPage,
    DeliveryQuery,
    Recording,
    Settled,
    Settlement,
    StoreCounts,
)
from cepd.stores import alerts, deliveries, executions, outbox, records
from cepd.stores.operations import Operation

T = TypeVar("T")


class Database(Protocol):
    """Runs operations. RetryLaterError where it is away or closed; what an operation raises undoes it alone."""

    async def write(self, operation: Operation[T]) -> T:
        """One transaction, on disk when it returns."""

    async def read(self, operation: Operation[T]) -> T:
        """One state of the whole database; an operation that only looks."""

    async def close(self) -> None:
        """Ends what was called before. A second call does nothing."""


class SqlStore:
    """`instance` names the daemon among those that share the database: its claims and how far it has recorded."""

    def __init__(self, database: Database, instance: str = "") -> None:
        self._database = database
        self._instance = instance

    async def record(self, recording: Recording) -> None:
        await self._database.write(records.record(recording, self._instance))

    async def recorded(self) -> int:
        return await self._database.read(records.recorded(self._instance))

    async def rewind(self, seq: int) -> None:
        await self._database.write(records.rewind(seq, self._instance))

    async def alerts(self, query: AlertQuery) -> AlertPage:
        return await self._database.read(alerts.page(query))

    async def alert(self, event_id: str) -> AlertDetail:
        return await self._database.read(alerts.detail(event_id))

    async def acknowledge(self, event_id: str, *, by: str, at: Instant, note: str | None, steal: bool) -> Alert:
        return await self._database.write(alerts.acknowledge(event_id, by=by, at=at, note=note, steal=steal))

    async def claim(self, now: Instant, per_target: int) -> list[Delivery]:
        return await self._database.write(outbox.claim(now, per_target, self._instance))

    async def settle(self, settlement: Settlement) -> Settled:
        return await self._database.write(outbox.settle(settlement))

    async def reclaim(self, at: Instant) -> int:
        return await self._database.write(outbox.reclaim(at, self._instance))

    async def next_due(self, now: Instant) -> Instant | None:
        return await self._database.read(outbox.next_due(now, self._instance))

    async def deliveries(self, query: DeliveryQuery) -> DeliveryPage:
        return await self._database.read(deliveries.page(query))

    async def delivery(self, delivery_id: str) -> DeliveryDetail:
        return await self._database.read(deliveries.detail(delivery_id))

    async def redrive(self, delivery_id: str, *, by: str, at: Instant) -> Delivery:
        return await self._database.write(deliveries.redrive(delivery_id, by=by, at=at))

    async def drop(self, delivery_id: str, *, by: str, at: Instant) -> Delivery:
        return await self._database.write(deliveries.drop(delivery_id, by=by, at=at))

    async def execution(self, exec_id: str) -> Execution | None:
        return await self._database.read(executions.find(exec_id))

    async def executions(self, rule_id: str, limit: int) -> list[Execution]:
        return await self._database.read(executions.newest(rule_id, limit))

    async def keep_progress(self, delivery_id: str, attempt: int, progress: bytes) -> None:
        await self._database.write(executions.keep_progress(delivery_id, attempt, progress))

    async def counts(self) -> StoreCounts:
        return await self._database.read(deliveries.counts())

    async def close(self) -> None:
        await self._database.close()
