"""Statements that run at each look of the dispatcher read what is owed, however much history there is."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from cepd.stores.sqlite import open_store
from cepd.stores.statements import load_statements


@pytest.mark.parametrize(
    ("statement", "filters", "indexes"),
    [
        ("claimable", (), {"delivery_pending", "delivery_unfinished"}),
        ("next_due", (), {"delivery_pending", "delivery_unfinished", "delivery_leased", "delivery_ends"}),
        ("deliveries_page", ("delivery_where_revivable",), {"delivery_revivable"}),
        ("revived", ("delivery_where_revivable",), {"delivery_revivable", "delivery_resolves", "delivery_over"}),
    ],
)
def test_a_statement_is_served_by_its_indexes(
    tmp_path: Path, statement: str, filters: tuple[str, ...], indexes: set[str]
) -> None:
    asyncio.run(open_store(tmp_path / "cepd.db").close())
    known = load_statements("deliveries", "redrive", "sqlite")
    text = known[statement].format(filters=" ".join(known[name] for name in filters))
    values = {"target": "ops", "now": 1, "limit": 1, "owner": "", "before": 9, "state": "dead"}
    connection = sqlite3.connect(tmp_path / "cepd.db")
    try:
        plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]
    finally:
        connection.close()
    assert {name for name in indexes if any(f"INDEX {name}" in line for line in plan)} == indexes
    assert not [line for line in plan if line == "SCAN delivery"]
