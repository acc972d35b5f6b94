"""A PostgreSQL database, which several daemons may share.

Each operation is a transaction of a connection from a small pool, which connects anew by itself. A daemon that is
frozen in the middle of one does not hold up the others: the server ends its session.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit

import asyncpg

from cepd.model.errors import RetryLaterError, StartError
from cepd.stores.operations import Many, Operation, Query, Rows, perform_async
from cepd.stores.statements import STEMS, Numbered, filled, load_migrations, load_statements, numbered
from cepd.stores.store import SqlStore

T = TypeVar("T")
Connection: TypeAlias = "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Isolation: TypeAlias = Literal["read_committed", "repeatable_read"]

CONNECTIONS = 8
PATIENCE = 10.0
"""Seconds that a statement, or getting a connection, may take."""
FROZEN = "10s"
"""After so long without a word in the middle of a transaction its session ends, and what it holds is free."""
_MIGRATING = 727362000
"""The number of the lock that migrations take: any, and the same in all of cepd's daemons."""

_sql = load_statements(*STEMS, "postgresql")

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a statement on a connection whose server has just said goodbye
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,
    asyncpg.InvalidTransactionStateError,
    asyncpg.PostgresSystemError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.LockNotAvailableError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.ObjectNotInPrerequisiteStateError,
)
"""The database, not the call, is at fault."""


async def open_store(url: str, instance: str) -> SqlStore:
    """Connects, and brings the database to the newest schema; daemons that start together take turns.

    StartError where it cannot be reached or is newer than this cepd. The password is in no message.
    """
    where = _without_password(url)
    try:
        pool = await asyncpg.create_pool(
            url,
            min_size=0,
            max_size=CONNECTIONS,
            timeout=PATIENCE,
            command_timeout=PATIENCE,
            server_settings={
                "application_name": "cepd",
                "idle_in_transaction_session_timeout": FROZEN,
                "synchronous_commit": "on",
            },
        )
        connection = await pool.acquire(timeout=PATIENCE)
    except (*_AWAY, asyncpg.PostgresError, ValueError) as error:
        raise StartError(
            f"the database {where} cannot be opened: {_words(error)}",
            help="see that it runs, that the address is right, and that the role may connect",
        ) from None
    try:
        await _migrate(connection, where)
        await pool.release(connection)
    except (*_AWAY, asyncpg.PostgresError) as error:
        pool.terminate()
        raise StartError(
            f"the database {where} cannot be prepared: {_words(error)}",
            help="the role must own a schema that it may make tables in",
        ) from error
    except BaseException:
        pool.terminate()
        raise
    return SqlStore(PostgresqlDatabase(pool), instance)


async def _migrate(connection: Connection, where: str) -> None:
    migrations = load_migrations("postgresql")
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _MIGRATING)
        await connection.execute("CREATE TABLE IF NOT EXISTS schema_version (version INTEGER NOT NULL)")
        version = await connection.fetchval("SELECT coalesce(max(version), 0) FROM schema_version")
        if version > len(migrations):
            message = f"the database {where} has schema {version}; this cepd knows schemas up to {len(migrations)}"
            raise StartError(message, help="start the newer cepd that wrote it, or restore a backup")
        for migration in migrations[version:]:
            await connection.execute(migration.script)
            await connection.execute("INSERT INTO schema_version (version) VALUES ($1)", migration.number)


class PostgresqlDatabase:
    """Runs operations as transactions over a pool, which is its own from here on."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._closed = False
        self._numbered: dict[tuple[str, tuple[str, ...]], Numbered] = {}
        self._under_way: set[asyncio.Task[object]] = set()

    async def write(self, operation: Operation[T]) -> T:
        return await self._whole(operation, isolation="read_committed", readonly=False)

    async def read(self, operation: Operation[T]) -> T:
        return await self._whole(operation, isolation="repeatable_read", readonly=True)

    async def glance(self, operation: Operation[T]) -> T:
        return await self.read(operation)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._under_way:
            await asyncio.wait(self._under_way)
        try:
            async with asyncio.timeout(PATIENCE):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    async def _whole(self, operation: Operation[T], *, isolation: Isolation, readonly: bool) -> T:
        """A caller that is cancelled meanwhile does not cut the transaction off: it may be on its way to the disk."""
        if self._closed:
            raise RetryLaterError("the database is closed", help="cepd is stopping; try again")
        task = asyncio.create_task(self._run(operation, isolation, readonly))
        self._under_way.add(task)
        task.add_done_callback(self._over)
        return await asyncio.shield(task)

    def _over(self, task: "asyncio.Task[object]") -> None:
        """Where nobody waits any more, nobody else takes note of how it ended."""
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()

    async def _run(self, operation: Operation[T], isolation: Isolation, readonly: bool) -> T:
        try:
            async with (
                self._connection() as connection,
                connection.transaction(isolation=isolation, readonly=readonly),
            ):
                return await perform_async(operation, partial(self._execute, connection))
        except _AWAY as error:
            raise _away(error) from error

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        """Whatever keeps it from being had, the database is away: at the start it could be reached."""
        try:
            connection = await self._pool.acquire(timeout=PATIENCE)
        except Exception as error:
            raise _away(error) from error
        try:
            yield connection
        finally:
            await self._pool.release(connection)

    async def _execute(self, connection: Connection, query: Query) -> Rows:
        statement = self._statement(query)
        if isinstance(query, Many):
            rows = [[each[name] for name in statement.parameters] for each in query.values]
            await connection.executemany(statement.text, rows)
            return ()
        return await connection.fetch(statement.text, *(query.values[name] for name in statement.parameters))

    def _statement(self, query: Query) -> Numbered:
        filters = () if isinstance(query, Many) else query.filters
        found = self._numbered.get((query.name, filters))
        if found is None:
            found = self._numbered[query.name, filters] = numbered(filled(_sql, query.name, filters))
        return found


def _away(error: Exception) -> RetryLaterError:
    return RetryLaterError(
        f"the database does not answer: {_words(error)}", help="see that PostgreSQL runs and lets cepd in"
    )


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
