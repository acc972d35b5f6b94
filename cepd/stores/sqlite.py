"""The port Store in one SQLite file: one thread writes, one reads, and a commit is on disk before anybody hears of it.

A write is WAL with synchronous=FULL. Reads have a connection of their own and never wait for a write.
"""

import asyncio
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import get_args

import msgspec

from cepd.model.alert import Alert, AlertState
from cepd.model.delivery import Delivery, DeliveryState, Outcome
from cepd.model.errors import ConflictError, InputError, NotFoundError, StartError
from cepd.model.instant import Instant, format_instant
from cepd.ports import AlertDetail, AlertPage, AlertQuery, Recording, StoreCounts
from cepd.stores.cursor import NEWEST, read_cursor, write_cursor
from cepd.stores.rows import alert_of, alert_row, attempt_of, change_of, delivery_of, draft_row
from cepd.stores.statements import load_migrations, load_statements
from cepd.stores.transactions import Result, Transactions, Work, away, closed, is_away

_OLDEST_SQLITE = (3, 37, 0)
_FILTERS = ("rule_id", "severity", "since", "until", "acked")

_sql = load_statements("record", "alerts", "deliveries")


def open_store(path: Path) -> "SqliteStore":
    """Opens or makes the database and brings it to the newest schema.

    Raises StartError where it is newer than this cepd, is no database, or cannot be opened.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StartError(f"SQLite {sqlite3.sqlite_version} is too old", help="cepd needs 3.37 or newer")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        writing = _connect(path)
        try:
            _migrate(writing, path)
            reading = _connect(path)
            reading.execute("PRAGMA query_only = ON")
        except BaseException:
            writing.close()
            raise
    except (OSError, sqlite3.Error) as error:
        help = "see to the disk and its permissions, or restore the data directory from one backup, as a whole"
        raise StartError(f"the database {path} cannot be opened: {error}", help=help) from error
    return SqliteStore(writing, reading)


def _connect(path: Path) -> sqlite3.Connection:
    """Used by one thread at a time, which is not the one that opens it. WAL files take the mode of the database."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        for pragma in ("busy_timeout = 5000", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    migrations = load_migrations()
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(migrations):
        message = f"the database {path} has schema {version}; this cepd knows schemas up to {len(migrations)}"
        raise StartError(message, help="start the newer cepd that wrote it, or restore a backup")
    for migration in migrations[version:]:
        number = migration.number
        connection.executescript(f"BEGIN IMMEDIATE;\n{migration.script}\nPRAGMA user_version = {number};\nCOMMIT;")


class SqliteStore:
    """The port Store."""

    def __init__(self, writing: sqlite3.Connection, reading: sqlite3.Connection) -> None:
        self._writes = Transactions(writing)
        self._reading = reading
        self._reader = ThreadPoolExecutor(1, "cepd-store-read")
        self._closed = False

    async def record(self, recording: Recording) -> None:
        def work(connection: sqlite3.Connection) -> None:
            alerts = [alert_row(alert, recording.at) for alert in recording.alerts]
            drafts = [draft_row(draft) for draft in recording.drafts]
            connection.executemany(_sql["insert_alert"], alerts)
            connection.executemany(_sql["fold_alert"], [msgspec.structs.asdict(fold) for fold in recording.folds])
            connection.executemany(_sql["insert_delivery"], drafts)
            connection.executemany(_sql["insert_delivery_alert"], drafts)
            connection.execute(_sql["raise_recorded_seq"], {"seq": recording.seq})

        await self._writes.run(work)

    async def recorded(self) -> int:
        def work(connection: sqlite3.Connection) -> int:
            return int(connection.execute(_sql["recorded_seq"]).fetchone()[0])

        return await self._read(work)

    async def rewind(self, seq: int) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute(_sql["lower_recorded_seq"], {"seq": seq})

        await self._writes.run(work)

    async def alerts(self, query: AlertQuery) -> AlertPage:
        before = NEWEST if query.cursor is None else read_cursor(query.cursor)
        values = {**msgspec.structs.asdict(query), "before": before, "limit": query.limit + 1}
        statement = _sql["alerts_page"].format(filters=_filters(query))

        def work(connection: sqlite3.Connection) -> AlertPage:
            rows = connection.execute(statement, values).fetchall()
            page = rows[: query.limit]
            ids = msgspec.json.encode([row["event_id"] for row in page]).decode()
            channels: dict[str, dict[str, DeliveryState]] = {row["event_id"]: {} for row in page}
            for row in connection.execute(_sql["newest_delivery_states"], {"event_ids": ids}):
                channels[row["alert_id"]][row["target"]] = row["state"]
            more = write_cursor(page[-1]["seq"]) if len(rows) > len(page) else None
            return AlertPage(alerts=[alert_of(row) for row in page], channels=channels, next_cursor=more)

        return await self._read(work)

    async def alert(self, event_id: str) -> AlertDetail:
        def work(connection: sqlite3.Connection) -> AlertDetail:
            values = {"event_id": event_id}
            return AlertDetail(
                alert=_find_alert(connection, event_id),
                history=[change_of(row) for row in connection.execute(_sql["alert_history"], values)],
                deliveries=[delivery_of(row) for row in connection.execute(_sql["deliveries_of_alert"], values)],
                attempts=[attempt_of(row) for row in connection.execute(_sql["attempts_of_alert"], values)],
            )

        return await self._read(work)

    async def acknowledge(self, event_id: str, *, by: str, at: Instant, note: str | None, steal: bool) -> Alert:
        """A resolved alert can be acknowledged: its state stays resolved, who did it is kept."""

        def work(connection: sqlite3.Connection) -> Alert:
            alert = _find_alert(connection, event_id)
            if alert.acked_by == by:
                return alert
            if alert.acked_by is not None and not steal:
                since = format_instant(alert.acked_at or 0)
                message = f"{alert.acked_by} acknowledged {event_id} at {since}"
                raise ConflictError(message, help="take it over with steal: true")
            acked = msgspec.structs.replace(alert, acked_by=by, acked_at=at, ack_note=note)
            values = {"event_id": event_id, "by": by, "at": at, "note": note}
            kind = "ack" if alert.acked_by is None else "steal"
            connection.execute(_sql["acknowledge"], values)
            change = {**values, "kind": kind, "before": alert.state, "after": acked.state}
            connection.execute(_sql["insert_change"], change)
            return acked

        return await self._writes.run(work)

    async def claim(self, now: Instant, per_target: int) -> list[Delivery]:
        def work(connection: sqlite3.Connection) -> list[Delivery]:
            due: list[int] = []
            for target, in_flight in connection.execute(_sql["targets"], {"now": now}).fetchall():
                values = {"target": target, "now": now, "limit": max(0, per_target - in_flight)}
                due.extend(seq for (seq,) in connection.execute(_sql["claimable"], values))
            seqs = msgspec.json.encode(due).decode()
            rows = connection.execute(_sql["claim"], {"seqs": seqs}).fetchall()
            return [delivery_of(row) for row in sorted(rows, key=lambda row: int(row["seq"]))]

        return await self._writes.run(work)

    async def begin_attempt(self, delivery_id: str, at: Instant) -> int:
        """Raises NotFoundError, and ConflictError where the delivery is not `sending`."""

        def work(connection: sqlite3.Connection) -> int:
            _check_sending(connection, delivery_id)
            return int(connection.execute(_sql["begin_attempt"], {"id": delivery_id, "at": at}).fetchone()[0])

        return await self._writes.run(work)

    async def settle(
        self,
        delivery_id: str,
        *,
        attempt: int,
        outcome: Outcome,
        state: DeliveryState,
        attempts: int,
        next_at: Instant,
        at: Instant,
        pause_target_until: Instant | None = None,
    ) -> None:
        """Raises NotFoundError, and ConflictError where the delivery is not `sending` with this attempt."""
        reason = None if state == "sent" else outcome.detail or outcome.result

        def work(connection: sqlite3.Connection) -> None:
            _check_sending(connection, delivery_id)
            begun = connection.execute(_sql["open_attempt"], {"id": delivery_id}).fetchone()[0]
            if begun != attempt:
                raise ConflictError(
                    f"attempt {attempt} of delivery {delivery_id} is not the one that is open ({begun})"
                )
            values = {"id": delivery_id, "at": at, "attempt": attempt, **msgspec.structs.asdict(outcome)}
            connection.execute(_sql["end_attempt"], values)
            values = {"id": delivery_id, "state": state, "attempts": attempts, "next_at": next_at, "reason": reason}
            connection.execute(_sql["settle"], {**values, "settled_at": None if state == "pending" else at})
            if pause_target_until is not None:
                connection.execute(_sql["pause"], {"id": delivery_id, "until": pause_target_until})

        await self._writes.run(work)

    async def reclaim(self, at: Instant) -> int:
        """An attempt that was open ends as `unknown`; it may have arrived. It does not count against the schedule."""

        def work(connection: sqlite3.Connection) -> int:
            connection.execute(_sql["end_open_attempts"], {"at": at})
            return connection.execute(_sql["reclaim"]).rowcount

        return await self._writes.run(work)

    async def next_due(self, now: Instant) -> Instant | None:
        """Of those that nothing but time holds back: one behind another of its order key does not count."""

        def work(connection: sqlite3.Connection) -> Instant | None:
            due: Instant | None = connection.execute(_sql["next_due"], {"now": now}).fetchone()[0]
            return due

        return await self._read(work)

    async def counts(self) -> StoreCounts:
        def work(connection: sqlite3.Connection) -> StoreCounts:
            deliveries = connection.execute(_sql["delivery_counts"]).fetchall()
            return StoreCounts(
                unacked=dict(connection.execute(_sql["unacked"]).fetchall()),
                deliveries={(target, state): count for target, state, count in deliveries},
                oldest_pending=connection.execute(_sql["oldest_pending"]).fetchone()[0],
            )

        return await self._read(work)

    async def close(self) -> None:
        """Ends what was called before, then closes the file. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        await asyncio.to_thread(self._reader.shutdown)
        await asyncio.to_thread(self._writes.close)
        self._reading.close()

    async def _read(self, work: Work[Result]) -> Result:
        """One snapshot for the whole of `work`."""
        if self._closed:
            raise closed()

        def call() -> Result:
            self._reading.execute("BEGIN")
            try:
                return work(self._reading)
            finally:
                self._reading.execute("ROLLBACK")

        try:
            return await asyncio.get_running_loop().run_in_executor(self._reader, call)
        except sqlite3.Error as error:
            if is_away(error):
                raise away(error) from error
            raise


def _filters(query: AlertQuery) -> str:
    names = [f"where_{name}" for name in _FILTERS if getattr(query, name) is not None]
    if query.state is not None:
        if query.state not in get_args(AlertState):
            raise InputError(f"{query.state!r} is no state of an alert", help="open, acked or resolved")
        names.append(f"where_state_{query.state}")
    return " ".join(_sql[name] for name in names)


def _find_alert(connection: sqlite3.Connection, event_id: str) -> Alert:
    row = connection.execute(_sql["alert"], {"event_id": event_id}).fetchone()
    if row is None:
        raise NotFoundError(f"there is no alert {event_id}")
    return alert_of(row)


def _check_sending(connection: sqlite3.Connection, delivery_id: str) -> None:
    row = connection.execute(_sql["delivery_state"], {"id": delivery_id}).fetchone()
    if row is None:
        raise NotFoundError(f"there is no delivery {delivery_id}")
    if row["state"] != "sending":
        raise ConflictError(f"delivery {delivery_id} is {row['state']}, not sending")
