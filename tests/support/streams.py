"""The rows of a store's stream, read beside the port."""

from typing import Any

from cepd.ports import Store
from cepd.stores.postgresql import PostgresqlDatabase
from cepd.stores.sqlite import SqliteDatabase
from cepd.stores.store import SqlStore

_ROWS = "SELECT kind, event_id, at FROM stream WHERE event_id LIKE {} ORDER BY seq"


async def notices(store: Store, event_id: str = "%") -> list[tuple[str, str, int]]:
    """(kind, alert, when), oldest first; of one alert, or of all."""
    assert isinstance(store, SqlStore)
    database: Any = store._database
    if isinstance(database, SqliteDatabase):
        return [tuple(row) for row in database._reads.connection.execute(_ROWS.format("?"), (event_id,))]
    assert isinstance(database, PostgresqlDatabase)
    return [tuple(row) for row in await database._pool.fetch(_ROWS.format("$1"), event_id)]
