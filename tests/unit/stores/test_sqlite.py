"""The SQLite file: who may read it, which versions it takes, and what a kill or a lock does to it."""

import asyncio
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cepd.model.errors import NotFoundError, RetryLaterError, StartError
from cepd.ports import Recording
from cepd.stores.operations import Operation, one
from cepd.stores.sqlite import open_store
from cepd.stores.store import SqlStore
from tests.support.acknowledging import acknowledge
from tests.support.alerts import alert, draft


def with_store(path: Path, work: Callable[[SqlStore], Awaitable[None]]) -> None:
    async def main() -> None:
        store = open_store(path)
        try:
            await work(store)
        finally:
            await store.close()

    asyncio.run(main())


async def nothing(store: SqlStore) -> None:
    """Opening and closing is all."""


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "data" / "cepd.db"

    async def work(store: SqlStore) -> None:
        await store.record(Recording(seq=1, alerts=[alert()]))
        found = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        assert found == dict.fromkeys(["cepd.db", "cepd.db-wal", "cepd.db-shm", "cepd.db-lock"], 0o600)

    with_store(path, work)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_it_is_one_daemon_s(tmp_path: Path) -> None:
    async def work(store: SqlStore) -> None:
        for _ in range(2):
            with pytest.raises(StartError, match="another process has the database") as refused:
                open_store(tmp_path / "cepd.db")
            assert "PostgreSQL" in refused.value.help
        await store.record(Recording(seq=1, alerts=[alert()]))

    with_store(tmp_path / "cepd.db", work)
    with_store(tmp_path / "cepd.db", nothing)


def test_what_cannot_be_opened_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "cepd.db"
    path.write_text("this is no database, " * 100)
    for _ in range(2):
        with pytest.raises(StartError, match="cannot be opened"):
            open_store(path)
    path.unlink()
    with_store(path, nothing)


def test_what_was_committed_is_there_at_the_next_start(tmp_path: Path) -> None:
    async def write(store: SqlStore) -> None:
        await store.record(Recording(seq=1, alerts=[alert()], drafts=[draft()]))
        await acknowledge(store, "a1", by="alice", at=5, note=None, steal=False)

    async def read(store: SqlStore) -> None:
        found = await store.alert("a1")
        assert (found.alert.acked_by, len(found.history), len(found.deliveries)) == ("alice", 1, 1)

    with_store(tmp_path / "cepd.db", write)
    with_store(tmp_path / "cepd.db", read)


def test_a_newer_schema_or_no_database_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "cepd.db"
    with_store(path, nothing)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StartError, match="schema 99"):
        open_store(path)
    other = tmp_path / "text.db"
    other.write_text("this is no database, " * 100)
    with pytest.raises(StartError, match="cannot be opened"):
        open_store(other)
    assert other.read_text().startswith("this is no database")
    with pytest.raises(StartError, match="cannot be opened"):
        open_store(tmp_path)


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cepd.stores import sqlite as module
    from cepd.stores.statements import Migration, load_migrations

    path = tmp_path / "cepd.db"
    broken = [*load_migrations("sqlite"), Migration(5, "broken", "CREATE TABLE half (n INTEGER); SELECT nonsense;")]
    monkeypatch.setattr(module, "load_migrations", lambda dialect: broken)
    with pytest.raises(StartError, match="nonsense"):
        open_store(path)
    monkeypatch.undo()
    with_store(path, nothing)
    connection = sqlite3.connect(path)
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    assert connection.execute("PRAGMA user_version").fetchone() == (4,)
    connection.close()
    assert "alert" in names
    assert "half" not in names


DIE = """
import asyncio, os, sqlite3, sys
from pathlib import Path
from cepd.ports import Recording
from cepd.stores.sqlite import open_store
from tests.support.alerts import alert, draft

real, seen = sqlite3.connect, []

def connect(*arguments, **named):
    connection = real(*arguments, **named)
    def trace(statement):
        seen.append(statement)
        if len(seen) > 1 and armed and statement.startswith(sys.argv[2]):
            os._exit(9)
    connection.set_trace_callback(trace)
    return connection

armed = False
sqlite3.connect = connect

async def main():
    global armed
    store = open_store(Path(sys.argv[1]))
    await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=[draft("d1", "a1")]))
    armed = True
    await store.record(Recording(seq=2, alerts=[alert("a2")], drafts=[draft("d2", "a2"), draft("d3", "a2")]))
    print("not killed")

asyncio.run(main())
"""


@pytest.mark.parametrize("statement", ["INSERT INTO alert", "INSERT INTO delivery ", "INSERT INTO meta", "COMMIT"])
def test_a_kill_inside_a_transaction_leaves_no_half_of_it(tmp_path: Path, statement: str) -> None:
    path = tmp_path / "cepd.db"
    died = subprocess.run([sys.executable, "-c", DIE, str(path), statement], capture_output=True, check=False)
    assert died.returncode == 9, died.stdout + died.stderr

    async def look(store: SqlStore) -> None:
        assert len((await store.alert("a1")).deliveries) == 1
        with pytest.raises(NotFoundError):
            await store.alert("a2")
        assert [found.id for found in await store.claim(now=1000, per_target=10)] == ["d1"]
        again = Recording(seq=2, alerts=[alert("a2")], drafts=[draft("d2", "a2"), draft("d3", "a2")])
        await store.record(again)
        assert [found.id for found in await store.claim(now=1000, per_target=10)] == ["d2", "d3"]

    with_store(path, look)


def test_a_database_that_somebody_locks_is_away_and_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "cepd.db"
    real = sqlite3.connect

    def impatient(*arguments: object, **named: object) -> sqlite3.Connection:
        return real(*arguments, **named, factory=Impatient)  # type: ignore[call-overload,no-any-return]

    class Impatient(sqlite3.Connection):
        def execute(self, statement: str, *values: object) -> sqlite3.Cursor:  # type: ignore[override]
            return super().execute(statement.replace("busy_timeout = 5000", "busy_timeout = 20"), *values)

    monkeypatch.setattr(sqlite3, "connect", impatient)

    async def work(store: SqlStore) -> None:
        other = real(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        calls = [store.record(Recording(seq=1, alerts=[alert(f"a{n}")])) for n in range(3)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert [type(result) for result in results] == [RetryLaterError] * 3
        assert "locked" in str(results[0])
        other.execute("ROLLBACK")
        other.close()
        await store.record(Recording(seq=1, alerts=[alert("a1")]))
        assert (await store.alert("a1")).alert.event_id == "a1"

    with_store(path, work)


def test_a_fault_of_ours_is_not_taken_for_a_database_that_is_away(tmp_path: Path) -> None:
    async def work(store: SqlStore) -> None:
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await store._database._writes.run(lambda connection: connection.execute("SELECT * FROM nowhere"))

    with_store(tmp_path / "cepd.db", work)


def test_calls_that_wait_together_share_a_commit(tmp_path: Path) -> None:
    path = tmp_path / "cepd.db"
    commits = 0

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    async def work(store: SqlStore) -> None:
        await store._database._writes.run(lambda connection: connection.set_trace_callback(count))
        calls = [store.record(Recording(seq=n, alerts=[alert(f"a{n}")])) for n in range(1, 101)]
        await asyncio.gather(*calls)

    with_store(path, work)
    assert 1 <= commits <= 20


def test_what_the_daemon_waits_for_does_not_wait_for_what_people_read(tmp_path: Path) -> None:
    async def work(store: SqlStore) -> None:
        await store.record(Recording(seq=1, alerts=[alert()], drafts=[draft(due_at=100)]))
        began, go_on = threading.Event(), threading.Event()

        def slow() -> Operation[int]:
            began.set()
            assert go_on.wait(30)
            return len((yield one("alerts_page", before=9, limit=9)))

        reading = asyncio.create_task(store._database.read(slow()))
        assert await asyncio.to_thread(began.wait, 30)
        behind = asyncio.create_task(store.counts())
        try:
            async with asyncio.timeout(20):
                assert await store.next_due(50) == 100
                assert await store.recorded() == 1
                assert await store.execution("x1") is None
                assert (await store.stream_page(0, await store.stream_end(), 9)).notices
            assert not reading.done()
            assert not behind.done()
        finally:
            go_on.set()
        assert await reading == 1
        await behind

    with_store(tmp_path / "cepd.db", work)


def test_every_commit_is_synced_and_references_are_enforced(tmp_path: Path) -> None:
    async def work(store: SqlStore) -> None:
        def pragmas(connection: sqlite3.Connection) -> list[object]:
            names = ("journal_mode", "synchronous", "foreign_keys")
            return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

        assert await store._database._writes.run(pragmas) == ["wal", 2, 1]

    with_store(tmp_path / "cepd.db", work)


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("lapsed", "delivery"),
        ("past_deadline", "delivery"),
        ("supersede", "delivery"),
        ("supersede", "later"),
        ("urgent", "delivery"),
        ("targets", "delivery"),
        ("claimable", "candidate"),
        ("claimable", "other"),
        ("next_due", "candidate"),
        ("next_due", "other"),
        ("next_due", "delivery"),
    ],
)
def test_a_claim_reads_indexes_only(tmp_path: Path, name: str, table: str) -> None:
    from cepd.stores.statements import load_statements

    path = tmp_path / "cepd.db"
    with_store(path, nothing)
    connection = sqlite3.connect(path)
    statement = load_statements("deliveries")[name]
    values = {"now": 1, "limit": 1, "target": "ops", "owner": "", "reason": ""}
    plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    connection.close()
    assert [step for step in plan if table in step]
    assert all("USING" in step for step in plan if table in step), plan
    assert not [step for step in plan if "TEMP B-TREE" in step], plan
