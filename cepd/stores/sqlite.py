"""One SQLite file: one thread writes, one reads, one glances, and a commit is on disk before anybody hears of it.

A write is WAL with synchronous=FULL. Reads have connections of their own and never wait for a write; nor do the
daemon's own glances wait for what people read. The file is one daemon's: two would take each other's claims for their
own of before a crash, and mix up how far they have recorded.
"""

import asyncio
import fcntl
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar

from cepd.model.errors import StartError
from cepd.stores.operations import Many, Operation, Query, Rows, perform
from cepd.stores.statements import STEMS, filled, load_migrations, load_statements
from cepd.stores.store import SqlStore
from cepd.stores.transactions import Transactions, away, closed, is_away

T = TypeVar("T")

_OLDEST_SQLITE = (3, 37, 0)

_sql = load_statements(*STEMS, "sqlite")


def open_store(path: Path) -> SqlStore:
    """Opens or makes the database and brings it to the newest schema.

    Raises StartError where it is newer than this cepd, is no database, cannot be opened, or is open elsewhere.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise StartError(f"SQLite {sqlite3.sqlite_version} is too old", help="cepd needs 3.37 or newer")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = _lock(path)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            writing, reading, glancing = _connections(path)
        except BaseException:
            os.close(lock)
            raise
    except (OSError, sqlite3.Error) as error:
        help = "see to the disk and its permissions, or restore the data directory from one backup, as a whole"
        raise StartError(f"the database {path} cannot be opened: {error}", help=help) from error
    return SqlStore(SqliteDatabase(writing, reading, glancing, lock))


def _lock(path: Path) -> int:
    """Held until its file is closed, or the process ends. A file of its own: to close one of the database's gives up
    the locks that SQLite holds on it."""
    lock = os.open(f"{path}-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        message = f"another process has the database {path}"
        raise StartError(message, help="stop it, or name another file; daemons share a PostgreSQL database") from error
    return lock


def _connections(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection, sqlite3.Connection]:
    """One that writes and two that read, on the newest schema."""
    with ExitStack() as opened:
        writing = _connect(path)
        opened.callback(writing.close)
        _migrate(writing, path)
        reading = _connect(path)
        opened.callback(reading.close)
        glancing = _connect(path)
        opened.callback(glancing.close)
        for connection in (reading, glancing):
            connection.execute("PRAGMA query_only = ON")
        opened.pop_all()
    return writing, reading, glancing


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
    migrations = load_migrations("sqlite")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > len(migrations):
        message = f"the database {path} has schema {version}; this cepd knows schemas up to {len(migrations)}"
        raise StartError(message, help="start the newer cepd that wrote it, or restore a backup")
    for migration in migrations[version:]:
        number = migration.number
        connection.executescript(f"BEGIN IMMEDIATE;\n{migration.script}\nPRAGMA user_version = {number};\nCOMMIT;")


class _Reads:
    """The reads of one connection, one after the other in a thread of their own. Owns the connection from here on."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self.connection = connection
        self._thread = ThreadPoolExecutor(1, name)

    async def run(self, operation: Operation[T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._whole, operation)
        except sqlite3.Error as error:
            if is_away(error):
                raise away(error) from error
            raise

    def close(self) -> None:
        """Blocks until every read has ended, then closes the connection."""
        self._thread.shutdown()
        self.connection.close()

    def _whole(self, operation: Operation[T]) -> T:
        self.connection.execute("BEGIN")
        try:
            return perform(operation, partial(execute, self.connection))
        finally:
            self.connection.execute("ROLLBACK")


class SqliteDatabase:
    """Runs operations as transactions of one file. The connections, and the lock's file, are its own from here on."""

    def __init__(
        self, writing: sqlite3.Connection, reading: sqlite3.Connection, glancing: sqlite3.Connection, lock: int
    ) -> None:
        self._lock = lock
        self._writes = Transactions(writing)
        self._reads = _Reads(reading, "cepd-store-read")
        self._glances = _Reads(glancing, "cepd-store-glance")
        self._closed = False

    async def write(self, operation: Operation[T]) -> T:
        return await self._writes.run(lambda connection: perform(operation, partial(execute, connection)))

    async def read(self, operation: Operation[T]) -> T:
        return await self._look(self._reads, operation)

    async def glance(self, operation: Operation[T]) -> T:
        return await self._look(self._glances, operation)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for each in (self._reads, self._glances, self._writes):
            await asyncio.to_thread(each.close)
        os.close(self._lock)

    async def _look(self, reads: _Reads, operation: Operation[T]) -> T:
        if self._closed:
            raise closed()
        return await reads.run(operation)


def execute(connection: sqlite3.Connection, query: Query) -> Rows:
    if isinstance(query, Many):
        connection.executemany(_sql[query.name], query.values)
        return ()
    return connection.execute(filled(_sql, query.name, query.filters), query.values).fetchall()
