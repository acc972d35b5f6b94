"""The port Store over any database that can run an operation as one transaction."""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from cepd.model.act import Act, Changed
from cepd.model.delivery import Delivery
from cepd.model.errors import ConflictError
from cepd.model.execution import Execution
from cepd.model.happenings import NOBODY, Listening
from cepd.model.instant import Instant
from cepd.ports import (
    AckCounts,
    AlertDetail,
    AlertPage,
    AlertQuery,
    DeliveryDetail,
    DeliveryPage,
    DeliveryQuery,
    Lapsed,
    NoticePage,
    Outcomes,
    PutAside,
    Recording,
    Redriven,
    RedriveQuery,
    Settled,
    Settlement,
    StoreCounts,
    Tally,
)
from cepd.ports.retention import Table, Trim
from cepd.stores import acks, alerts, deliveries, executions, outbox, records, redrive, retention, stream
from cepd.stores.operations import Operation

T = TypeVar("T")


class Database(Protocol):
    """Runs operations. RetryLaterError where it is away or closed; what an operation raises undoes it alone."""

    async def write(self, operation: Operation[T]) -> T:
        """One transaction, on disk when it returns."""

    async def read(self, operation: Operation[T]) -> T:
        """One state of the whole database; an operation that only looks, at however much it has to."""

    async def glance(self, operation: Operation[T]) -> T:
        """As `read`, of an operation that is always short, and that the daemon's own work waits for: it does not wait
        for reads."""

    async def close(self) -> None:
        """Ends what was called before. A second call does nothing."""


class Watched:
    """A database of which it is told when something was written."""

    def __init__(self, database: Database, call: Callable[[], None]) -> None:
        self._database = database
        self._call = call

    async def write(self, operation: Operation[T]) -> T:
        result = await self._database.write(operation)
        self._call()
        return result

    async def read(self, operation: Operation[T]) -> T:
        return await self._database.read(operation)

    async def glance(self, operation: Operation[T]) -> T:
        return await self._database.glance(operation)

    async def close(self) -> None:
        await self._database.close()


class SqlStore:
    """`instance` names the daemon among those that share the database: its claims and how far it has recorded."""

    def __init__(self, database: Database, instance: str = "") -> None:
        self._database = self._unwatched = database
        self._instance = instance
        self.tally = Tally()

    async def record(self, recording: Recording) -> None:
        await self._database.write(records.record(recording, self._instance))

    async def recorded(self) -> int:
        return await self._database.glance(records.recorded(self._instance))

    async def rewind(self, seq: int) -> None:
        await self._database.write(records.rewind(seq, self._instance))

    async def alerts(self, query: AlertQuery) -> AlertPage:
        return await self._database.read(alerts.page(query))

    async def alert(self, event_id: str) -> AlertDetail:
        return await self._database.read(alerts.detail(event_id))

    async def change(self, event_id: str, act: Act, listening: Listening = NOBODY) -> Changed:
        return await self._database.write(acks.change(event_id, act, listening))

    async def change_all(
        self, event_ids: Sequence[str], act: Act, *, dry_run: bool = False, listening: Listening = NOBODY
    ) -> Outcomes:
        run = self._database.read if dry_run else self._database.write
        return await run(acks.change_all(event_ids, act, dry_run=dry_run, listening=listening))

    async def change_matching(
        self, query: AlertQuery, act: Act, *, dry_run: bool = False, listening: Listening = NOBODY
    ) -> tuple[Outcomes, bool]:
        run = self._database.read if dry_run else self._database.write
        return await run(acks.change_matching(query, act, dry_run=dry_run, listening=listening))

    async def lapse(self, now: Instant) -> Lapsed:
        return await self._database.write(acks.lapse(now))

    async def claim(
        self,
        now: Instant,
        per_target: int,
        listening: Listening = NOBODY,
        put_aside: Callable[[PutAside], None] = lambda given_up: None,
    ) -> list[Delivery]:
        tally = Tally()
        claimed = await self._database.write(outbox.claim(now, per_target, self._instance, tally, listening))
        self.tally.add(tally)
        for given_up in tally.put_aside:
            put_aside(given_up)
        return claimed

    async def settle(self, settlement: Settlement) -> Settled:
        tally = Tally()
        try:
            settled = await self._database.write(outbox.settle(settlement, tally))
        except ConflictError:
            self.tally.leases_lost += 1
            raise
        self.tally.add(tally)
        return settled

    async def reclaim(self, at: Instant, listening: Listening = NOBODY) -> int:
        tally = Tally()
        reclaimed = await self._database.write(outbox.reclaim(at, self._instance, tally, listening))
        self.tally.add(tally)
        return reclaimed

    async def next_due(self, now: Instant) -> Instant | None:
        return await self._database.glance(outbox.next_due(now))

    async def deliveries(self, query: DeliveryQuery) -> DeliveryPage:
        return await self._database.read(deliveries.page(query))

    async def delivery(self, delivery_id: str) -> DeliveryDetail:
        return await self._database.read(deliveries.detail(delivery_id))

    async def redrive(self, delivery_id: str, *, by: str, at: Instant, force: bool = False) -> Delivery:
        return await self._database.write(redrive.redrive(delivery_id, by=by, at=at, force=force))

    async def redrive_all(self, query: RedriveQuery, *, by: str, at: Instant, dry_run: bool = False) -> Redriven:
        return await self._database.write(redrive.redrive_all(query, by=by, at=at, dry_run=dry_run))

    async def drop(self, delivery_id: str, *, by: str, at: Instant, note: str | None = None) -> Delivery:
        tally = Tally()
        dropped = await self._database.write(redrive.drop(delivery_id, by=by, at=at, note=note, tally=tally))
        self.tally.add(tally)
        return dropped

    async def stream_end(self) -> int:
        return await self._unwatched.write(stream.end())

    async def stream_page(self, after: int, until: int, limit: int) -> NoticePage:
        return await self._database.glance(stream.page(after, until, limit))

    async def rows(self, table: Table) -> int:
        return await self._database.read(retention.count(table))

    async def trim(self, asked: Trim) -> int:
        return await self._unwatched.write(retention.trim(asked))

    def watch(self, call: Callable[[], None]) -> None:
        self._database = Watched(self._database, call)

    async def execution(self, exec_id: str) -> Execution | None:
        return await self._database.glance(executions.find(exec_id))

    async def executions(self, rule_id: str, limit: int) -> list[Execution]:
        return await self._database.read(executions.newest(rule_id, limit))

    async def keep_progress(self, delivery_id: str, attempt: int, progress: bytes) -> None:
        await self._database.write(executions.keep_progress(delivery_id, attempt, progress))

    async def counts(self) -> StoreCounts:
        return await self._database.read(deliveries.counts())

    async def ack_counts(self, before: Instant) -> AckCounts:
        return await self._database.read(acks.counts(before))

    async def close(self) -> None:
        await self._database.close()
