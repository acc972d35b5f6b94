"""Executions go by their age, and beyond so many of a rule; on rows that are written past the port."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cepd.ports import Recording, Store
from cepd.ports.retention import Trim
from cepd.stores import postgresql, sqlite
from tests.support.alerts import alert, draft
from tests.support.postgres import server

Opened = tuple[Store, Callable[[str], object]]
"""A store, and what runs a statement in its database."""


async def on_sqlite(folder: Path) -> Opened:
    store = sqlite.open_store(folder / "cepd.db")

    def write(statement: str) -> None:
        with sqlite3.connect(folder / "cepd.db") as connection:
            connection.execute(statement)
        connection.close()

    return store, write


async def on_postgresql(folder: Path) -> Opened:
    url = server().database()
    return await postgresql.open_store(url, "one"), lambda statement: server().sql(statement, url.rpartition("/")[2])


def row(exec_id: str, rule_id: str, started_at: int, alert_id: str = "gone") -> str:
    return f"('{exec_id}', '{rule_id}', 'started', {started_at}, '{alert_id}', 'rule', '{{}}', '', '')"


@pytest.mark.parametrize("opened", [on_sqlite, on_postgresql])
def test_they_go_by_age_and_beyond_so_many_of_a_rule(
    opened: Callable[[Path], Awaitable[Opened]], tmp_path: Path
) -> None:
    rows = [row(f"x{n}", "busy", n) for n in range(6)] + [row("y", "calm", 3), row("z", "busy", 0, "a1")]

    async def run() -> None:
        store, write = await opened(tmp_path)
        await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=[draft("d1", "a1")]))
        write(
            "INSERT INTO execution (exec_id, rule_id, status, started_at, alert_id, executed_by, asked,"
            f" revision, generation) VALUES {', '.join(rows)}"
        )

        async def trim(before: int, per_rule: int | None = None, final_before: int = 0) -> int:
            asked = Trim(table="execution", most=500, before=before, per_rule=per_rule, final_before=final_before)
            return await store.trim(asked)

        try:
            assert await trim(before=2) == 2
            assert await trim(before=0, per_rule=3, final_before=3) == 1, "x2; of x3 nobody knows yet"
            assert await trim(before=0, per_rule=2, final_before=10) == 2, "z is the newest, and x5"
            assert await trim(before=0, per_rule=2, final_before=10) == 0
            assert await trim(before=10) == 2, "x5 and y"
            assert await trim(before=10**9) == 0, "what z owes is not over"
        finally:
            await store.close()

    asyncio.run(run())
