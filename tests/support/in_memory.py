"""The store's own operations and statements over SQLite in memory, without threads: for tests that run thousands."""

import sqlite3
from functools import cache, partial
from typing import TypeVar

from cepd.stores.operations import Operation, perform
from cepd.stores.sqlite import execute
from cepd.stores.statements import load_migrations

T = TypeVar("T")


class InMemory:
    """A Database for SqlStore."""

    def __init__(self) -> None:
        self.connection = _connected()
        _empty().backup(self.connection)
        self.connection.execute("PRAGMA foreign_keys = ON")

    async def write(self, operation: Operation[T]) -> T:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            result = perform(operation, partial(execute, self.connection))
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")
        return result

    async def read(self, operation: Operation[T]) -> T:
        return perform(operation, partial(execute, self.connection))

    async def glance(self, operation: Operation[T]) -> T:
        return await self.read(operation)

    async def close(self) -> None:
        self.connection.close()


def _connected() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.row_factory = sqlite3.Row
    return connection


@cache
def _empty() -> sqlite3.Connection:
    connection = _connected()
    for migration in load_migrations("sqlite"):
        connection.executescript(migration.script)
    return connection
