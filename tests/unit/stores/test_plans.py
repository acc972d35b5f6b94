"""Statements that run at each look of the dispatcher, or that people repeat, do not read all history."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from cepd.stores.sqlite import open_store
from cepd.stores.statements import STEMS, load_statements


@pytest.mark.parametrize(
    ("statement", "filters", "indexes"),
    [
        ("claimable", (), {"delivery_pending", "delivery_unfinished"}),
        ("next_due", (), {"delivery_pending", "delivery_unfinished", "delivery_leased", "delivery_ends"}),
        ("deliveries_page", ("delivery_where_revivable",), {"delivery_revivable"}),
        ("revived", ("delivery_where_revivable",), {"delivery_revivable", "delivery_resolves", "delivery_over"}),
        ("alerts_by_delivery", ("delivery_where_revivable",), {"delivery_revivable"}),
        ("alerts_by_delivery", ("delivery_where_unfinished",), {"delivery_targets"}),
        ("alerts_page", ("where_among",), {"sqlite_autoindex_alert_1"}),
        ("owed_by_rule", (), {"delivery_of_rule", "execution_of_firing"}),
    ],
)
def test_a_statement_is_served_by_its_indexes(
    tmp_path: Path, statement: str, filters: tuple[str, ...], indexes: set[str]
) -> None:
    asyncio.run(open_store(tmp_path / "cepd.db").close())
    known = load_statements(*STEMS, "sqlite")
    text = known[statement].format(filters=" ".join(known[name] for name in filters))
    values = {"target": "ops", "now": 1, "limit": 1, "owner": "", "before": 9, "state": "dead"} | {
        "among": "[]",
        "rule_id": "cpu",
    }
    connection = sqlite3.connect(tmp_path / "cepd.db")
    try:
        plan = [str(row[3]) for row in connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]
    finally:
        connection.close()
    assert {name for name in indexes if any(f"INDEX {name} " in f"{line} " for line in plan)} == indexes
    assert not [line for line in plan if line in ("SCAN delivery", "SCAN alert")]
