"""A database of any older cepd is taken forward: what was owed is still owed, on the same terms."""

import sqlite3
from pathlib import Path

import pytest

from cepd.model.terms import Terms
from cepd.stores.statements import load_migrations
from cepd.stores.store import SqlStore
from tests.support.alerts import SECOND
from tests.support.dispatching import with_store

ALERT = """
INSERT INTO alert (event_id, kind, rule_id, rule_name, pack, severity, resolved, summary, key, "values", payload,
  source_event_ids, time, last_at, count, "window", generation, revision, recorded_at, acked_by, acked_at, ack_note)
VALUES ('f1', 'fired', 'cpu', 'CPU', 'hosts', 'high', 0, 'high', '{"host":"a"}', '{}', 'null', '["e1"]', 5, 6, 2,
  'null', 'g', 'r', 7, 'alice', 8, 'mine');
INSERT INTO alert_change (event_id, at, kind, by, before, after, note)
VALUES ('f1', 8, 'ack', 'alice', 'open', 'acked', 'mine');
INSERT INTO delivery (id, firing_id, rule_id, kind, action, type, target, order_key, request, delays, due_at, state,
  attempts, next_at)
VALUES ('tried', 'f1', 'cpu', 'fired', 0, 'notify', 'ops', 'k', x'7B7D', '[1000000,2000000]', 7, 'sending', 1, 9),
  ('fresh', 'f1', 'cpu', 'fired', 1, 'notify', 'mail', 'm', x'7B7D', '[]', 7, 'pending', 0, 7);
INSERT INTO delivery_alert (delivery_id, alert_id) VALUES ('tried', 'f1'), ('fresh', 'f1');
INSERT INTO attempt (delivery_id, number, started_at, ended_at, result, detail)
VALUES ('tried', 1, 7, 8, 'retryable', '503'), ('tried', 2, 9, NULL, NULL, NULL);
INSERT INTO meta (name, value) VALUES ('recorded_seq', 41);
"""
PAUSE = "INSERT INTO pause (target, until) VALUES ('mail', 5000);"
OLDER = range(1, 4)
"""Versions whose databases may be out there. Version 0 is an empty file."""


def at_version(path: Path, version: int) -> None:
    connection = sqlite3.connect(path)
    for migration in load_migrations("sqlite")[:version]:
        connection.executescript(migration.script)
    connection.executescript(ALERT + (PAUSE if version >= 2 else "") + f"PRAGMA user_version = {version};")
    connection.close()


@pytest.mark.parametrize("version", OLDER)
def test_what_an_older_cepd_wrote_is_gone_on_with(tmp_path: Path, version: int) -> None:
    at_version(tmp_path / "cepd.db", version)

    async def test(store: SqlStore) -> None:
        assert await store.recorded() == 41
        detail = await store.alert("f1")
        assert (detail.alert.count, detail.alert.acked_by, detail.alert.trace) == (2, "alice", None)
        assert [(one.kind, one.by, one.after) for one in detail.history] == [("ack", "alice", "acked")]
        assert await store.reclaim(at=100) == 1
        tried, fresh = (await store.alert("f1")).deliveries
        assert (tried.state, tried.attempts, tried.tries, tried.terms) == (
            "pending",
            1,
            2,
            Terms(delays=(1 * SECOND, 2 * SECOND)),
        )
        assert (fresh.state, fresh.tries, fresh.terms) == ("pending", 0, Terms(delays=()))
        assert [one.outcome.result for one in detail.attempts if one.outcome] == ["retryable"]
        held = ["tried"] if version >= 2 else ["tried", "fresh"]
        assert [one.id for one in await store.claim(now=4999, per_target=4)] == held
        assert {one.tries for one in (await store.alert("f1")).deliveries if one.id == "tried"} == {3}

    with_store(tmp_path, test)


def test_the_newest_schema_is_the_same_from_wherever_it_was_reached(tmp_path: Path) -> None:
    async def nothing(store: SqlStore) -> None:
        """Opening is all."""

    shapes = []
    for version in (0, *OLDER):
        folder = tmp_path / str(version)
        folder.mkdir()
        if version:
            at_version(folder / "cepd.db", version)
        with_store(folder, nothing)
        connection = sqlite3.connect(folder / "cepd.db")
        shapes.append(sorted(connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")))
        connection.close()
    assert all(shape == shapes[0] for shape in shapes)
