"""The writes of one SQLite connection, in a thread of their own: calls that wait together share one transaction.

Each call stands in a savepoint, so an error of one undoes that one alone and reaches its caller alone. A call ends when
the shared transaction is on disk. Where the database is away all of them get RetryLaterError and nothing has changed.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from cepd.model.errors import RetryLaterError
from cepd.stores.committer import Committer

Result = TypeVar("Result")
Work = Callable[[sqlite3.Connection], Result]

_AWAY = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}


class _Call(NamedTuple):
    work: Work[Any]
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop


class Transactions:
    """Owns the connection from here on."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._committer = Committer("cepd-store", self._commit)
        self._closed = False

    async def run(self, work: Work[Result]) -> Result:
        """What `work` returns or raises, once it is on disk. RetryLaterError after `close`."""
        if self._closed:
            raise closed()
        loop = asyncio.get_running_loop()
        call = _Call(work, loop.create_future(), loop)
        self._committer.put(call)
        result: Result = await call.future
        return result

    def close(self) -> None:
        """Blocks until every call has ended, then closes the connection."""
        self._closed = True
        self._committer.close()
        self._connection.close()

    def _commit(self, calls: list[_Call]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            outcomes = [self._one(call.work) for call in calls]
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            outcomes = [(None, away(error)) for _ in calls]
        for call, (result, failure) in zip(calls, outcomes, strict=True):
            call.loop.call_soon_threadsafe(_tell, call.future, result, failure)

    def _one(self, work: Work[Any]) -> tuple[Any, Exception | None]:
        self._connection.execute("SAVEPOINT one")
        try:
            result, failure = work(self._connection), None
        except Exception as error:
            if is_away(error):
                raise
            self._connection.execute("ROLLBACK TO one")
            result, failure = None, error
        self._connection.execute("RELEASE one")
        return result, failure


def is_away(error: Exception) -> bool:
    """Whether the database, not the call, is at fault: locked, full, unreadable, corrupt."""
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _AWAY


def away(error: Exception) -> RetryLaterError:
    return RetryLaterError(f"the database does not answer: {error}", help="see to the disk and to who locks the file")


def closed() -> RetryLaterError:
    return RetryLaterError("the database is closed", help="cepd is stopping; try again")


def _tell(future: "asyncio.Future[Any]", result: Any, failure: Exception | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(result)
    else:
        future.set_exception(failure)
