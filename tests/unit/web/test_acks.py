"""What people do to one alert over HTTP, with the real store: each route, and each way to be refused."""

import asyncio
import sys
import unicodedata
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cepd.model.alert import Fold
from cepd.ports import Recording
from cepd.stores.sqlite import open_store
from cepd.stores.store import SqlStore
from cepd.web.acks import Name
from tests.support.stored import NOW, SECOND, Ask, with_alerts
from tests.support.web import ask, services

ROUTES = ("ack", "unack", "resolve", "notes", "verdict")
LEAST = {"notes": {"note": "n"}, "verdict": {"verdict": None}}


def test_an_acknowledgement_has_an_end_and_says_through_what_it_came(tmp_path: Path) -> None:
    async def scenario(ask: Ask, store: SqlStore) -> None:
        body = {"by": "alice", "until": "2026-01-01T01:00:00+00:30", "source": "cli", "note": "looking"}
        answer = await ask("POST", "/cep/events/e1/ack", json=body)
        assert (answer.status_code, answer.json()["ack_until"]) == (200, "2026-01-01T00:30:00Z")
        detail = (await ask("GET", "/cep/events/e1")).json()
        assert (detail["ack_source"], detail["ack_note"], detail["state"]) == ("cli", "looking", "acked")
        assert detail["history"][0] == {
            "at": "2026-01-01T00:00:00Z",
            "kind": "ack",
            "by": "alice",
            "source": "cli",
            "before": "open",
            "after": "acked",
            "note": "looking",
            "until": "2026-01-01T00:30:00Z",
            "verdict": None,
        }
        extended = await ask("POST", "/cep/events/e1/ack", json={"by": "alice", "until": NOW / SECOND + 7200})
        assert extended.json()["ack_until"] == "2026-01-01T02:00:00Z"
        await store.lapse(NOW + 7200 * SECOND)
        detail = (await ask("GET", "/cep/events/e1")).json()
        assert (detail["state"], detail["acked_by"], detail["ack_until"]) == ("open", None, None)
        assert [(line["kind"], line["by"], line["source"]) for line in detail["history"]] == [
            ("ack", "alice", "cli"),
            ("extend", "alice", "api"),
            ("lapse", "cepd", "cepd"),
        ]

    with_alerts(tmp_path, scenario)


def test_it_is_given_back_by_its_holder_or_taken_from_them(tmp_path: Path) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        assert (await ask("POST", "/cep/events/e1/unack")).json()["state"] == "open"
        await ask("POST", "/cep/events/e1/ack", json={"by": "alice"})
        refused = await ask("POST", "/cep/events/e1/unack", json={"by": "bob"})
        assert (refused.status_code, refused.json()["holder"]) == (409, "alice")
        answer = await ask("POST", "/cep/events/e1/unack", json={"by": "bob", "steal": True, "note": "she is away"})
        assert (answer.status_code, answer.json()["state"], answer.json()["acked_by"]) == (200, "open", None)
        last = (await ask("GET", "/cep/events/e1")).json()["history"][-1]
        assert (last["kind"], last["by"], last["note"]) == ("unack", "bob", "she is away")

    with_alerts(tmp_path, scenario)


def test_a_resolved_alert_is_closed_for_good(tmp_path: Path) -> None:
    async def scenario(ask: Ask, store: SqlStore) -> None:
        await ask("POST", "/cep/events/e1/ack", json={"by": "alice"})
        refused = await ask("POST", "/cep/events/e1/resolve", json={"by": "bob"})
        assert (refused.status_code, refused.json()["holder"]) == (409, "alice")
        answer = await ask("POST", "/cep/events/e1/resolve", json={"by": "alice", "note": "disk replaced"})
        found = answer.json()
        assert (found["state"], found["resolved_by"], found["resolved_at"]) == (
            "resolved",
            "alice",
            "2026-01-01T00:00:00Z",
        )
        await store.record(Recording(seq=3, folds=[Fold("e1", 9, NOW + SECOND)], at=NOW))
        assert (await ask("POST", "/cep/events/e1/resolve", json={"by": "bob"})).json() == {
            **found,
            "count": 9,
            "last_at": "2026-01-01T00:00:01Z",
        }
        for path in ("ack", "unack"):
            gone = await ask("POST", f"/cep/events/e1/{path}", json={"by": "bob", "steal": True})
            assert gone.status_code == 410
            assert "alice resolved e1 at 2026-01-01T00:00:00Z" in gone.json()["detail"]
        assert [one["event_id"] for one in (await ask("GET", "/cep/events?state=resolved")).json()["events"]] == ["e1"]

    with_alerts(tmp_path, scenario)


def test_what_the_rule_resolved_can_be_acknowledged_but_not_for_a_time(tmp_path: Path) -> None:
    async def scenario(ask: Ask, store: SqlStore) -> None:
        await store.record(Recording(seq=3, folds=[Fold("e1", 3, NOW, True)], at=NOW + SECOND))
        refused = await ask("POST", "/cep/events/e1/ack", json={"until": NOW / SECOND + 60})
        assert (refused.status_code, "is resolved" in refused.text) == (409, True)
        answer = (await ask("POST", "/cep/events/e1/ack")).json()
        assert (answer["state"], answer["acked_by"], answer["resolved_by"]) == ("resolved", "local", None)
        assert answer["resolved_at"] == "2026-01-01T00:00:01Z"

    with_alerts(tmp_path, scenario)


def test_notes_and_verdicts_are_kept(tmp_path: Path) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        assert (await ask("POST", "/cep/events/e1/notes", json={"note": "same as last week"})).status_code == 200
        judged = await ask("POST", "/cep/events/e1/verdict", json={"verdict": "false_positive", "by": "bob"})
        assert judged.json()["verdict"] == "false_positive"
        detail = (await ask("GET", "/cep/events/e1")).json()
        assert (detail["verdict_by"], detail["state"]) == ("bob", "open")
        assert [(line["kind"], line["note"], line["verdict"]) for line in detail["history"]] == [
            ("note", "same as last week", None),
            ("verdict", None, "false_positive"),
        ]
        found = (await ask("GET", "/cep/events?verdict=false_positive")).json()["events"]
        assert [one["event_id"] for one in found] == ["e1"]
        assert (await ask("POST", "/cep/events/e1/verdict", json={"verdict": None})).json()["verdict"] is None

    with_alerts(tmp_path, scenario)


def test_a_request_that_is_sent_twice_under_a_key_is_carried_out_once(tmp_path: Path) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        headers = {"Idempotency-Key": "8d1f-42"}
        for _ in range(2):
            answer = await ask("POST", "/cep/events/e1/notes", json={"note": "once"}, headers=headers)
            assert answer.status_code == 200
        other = await ask("POST", "/cep/events/e1/notes", json={"note": "else"}, headers=headers)
        assert (other.status_code, "key of another request" in other.text) == (409, True)
        assert len((await ask("GET", "/cep/events/e1")).json()["history"]) == 1
        for key in ("", "a b", "x" * 256):
            refused = await ask("POST", "/cep/events/e1/ack", headers={"Idempotency-Key": key})
            assert (refused.status_code, "Idempotency-Key" in refused.text) == (400, True)

    with_alerts(tmp_path, scenario)


@pytest.mark.parametrize("route", ROUTES)
def test_an_alert_that_is_not_there_is_404(tmp_path: Path, route: str) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        for event_id in ("none", "%00", "e1%27%20OR%201=1"):
            answer = await ask("POST", f"/cep/events/{event_id}/{route}", json=LEAST.get(route, {}))
            assert answer.status_code == 404

    with_alerts(tmp_path, scenario)


@pytest.mark.parametrize(
    ("route", "body", "word"),
    [
        ("ack", {"until": "tomorrow"}, "'until' is not a time"),
        ("ack", {"until": "2025-12-31T00:00:00Z"}, "would have ended"),
        ("ack", {"until": True}, "until"),
        ("ack", {"source": "slack"}, "source"),
        ("ack", {"untl": 1}, "did you mean 'until'"),
        ("unack", {"until": 1}, "'until' is not known"),
        ("resolve", {"by": ""}, "by"),
        ("resolve", {"by": "ad\u202enim"}, "by"),
        ("resolve", {"by": "\u200badmin"}, "by"),
        ("resolve", {"by": "admin\ufeff"}, "by"),
        ("resolve", {"by": "ad\x85min"}, "by"),
        ("resolve", {"note": "x" * 2_001}, "note"),
        ("notes", {}, "note"),
        ("notes", {"note": " \n"}, "note"),
        ("notes", {"note": "n", "steal": True}, "'steal' is not known"),
        ("verdict", {}, "verdict"),
        ("verdict", {"verdict": "maybe"}, "verdict"),
    ],
)
def test_a_body_that_does_not_fit_changes_nothing(tmp_path: Path, route: str, body: Any, word: str) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        answer = await ask("POST", f"/cep/events/e1/{route}", json=body)
        assert (answer.status_code, word in answer.text) == (400, True), answer.text
        assert (await ask("GET", "/cep/events/e1")).json()["history"] == []

    with_alerts(tmp_path, scenario)


def test_each_acknowledgement_is_counted_with_how_long_it_was_waited_for(tmp_path: Path) -> None:
    seen: list[tuple[str, str, int | None]] = []

    def count(source: str, severity: str, waited: int | None) -> None:
        seen.append((source, severity, waited))

    async def scenario(ask: Ask, store: SqlStore) -> None:
        for body in ({"by": "alice"}, {"by": "alice"}, {"by": "bob"}, {"by": "bob", "steal": True, "source": "cli"}):
            await ask("POST", "/cep/events/e1/ack", json=body)
        await ask("POST", "/cep/events/e1/notes", json={"note": "n"})
        await store.record(Recording(seq=3, folds=[Fold("e2", 3, NOW, True)], at=NOW))
        await ask("POST", "/cep/events/e2/ack")

    with_alerts(tmp_path, scenario, acknowledged=count, recorded_at=NOW - 90 * SECOND)
    assert seen == [("api", "critical", 90 * SECOND), ("cli", "critical", None), ("api", "medium", None)]


def test_a_store_that_is_away_is_503(tmp_path: Path) -> None:
    store = open_store(tmp_path / "cepd.db")
    asyncio.run(store.close())
    for route in ROUTES:
        answer = ask(services(store=store), "POST", f"/cep/events/e1/{route}", json=LEAST.get(route, {}))
        assert (answer.status_code, "retry-after" in answer.headers) == (503, True)


def test_a_name_holds_nothing_that_cannot_be_seen() -> None:
    everything = map(chr, range(sys.maxunicode + 1))
    unseen = [char for char in everything if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")]
    for char in unseen:
        for name in (char, f"{char}b", f"a{char}b", f"a{char}"):
            with pytest.raises(msgspec.ValidationError):
                msgspec.convert(name, Name)
    for name in ("a", "ab", "Zoë van Dijk", "日本", "\U0001f600", "o'neil@example.com", "a - b"):
        assert msgspec.convert(name, Name) == name
