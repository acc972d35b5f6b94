"""Alerts over HTTP, with the real store: the list, its filters and pages, the detail, and who acknowledged what."""

import hashlib
from pathlib import Path

import msgspec
import pytest

from cepd.model.delivery import Outcome
from cepd.ports import Recording
from cepd.stores.store import SqlStore
from cepd.web.auth import TokenFile
from tests.support.alerts import ended
from tests.support.stored import FIRST, NOW, SECOND, Ask, with_alerts

ITEM = {
    "event_id": "e1",
    "rule_id": "cpu",
    "rule_name": "CPU high",
    "severity": "critical",
    "state": "open",
    "ack": "UNACK",
    "summary": "CPU 95 on web-1",
    "key": {"host": "web-1"},
    "time": "2026-01-01T00:00:00Z",
    "last_at": "2026-01-01T00:00:01Z",
    "count": 2,
    "acked_by": None,
    "acked_at": None,
    "ack_until": None,
    "resolved_at": None,
    "resolved_by": None,
    "verdict": None,
    "source_event_ids": ["s1"],
    "channels": {"ops": "pending"},
}


def test_the_list_is_newest_first_and_has_the_shape_of_the_design(tmp_path: Path) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        found = (await ask("GET", "/cep/events")).json()
        assert [one["event_id"] for one in found["events"]] == ["e2", "e1"]
        assert found["events"][1] == ITEM
        assert found["next_cursor"] is None

    with_alerts(tmp_path, scenario)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("rule_id=cpu", ["e1"]),
        ("rule_id=none", []),
        ("severity=critical", ["e1"]),
        ("severity=warning", ["e2"]),
        ("severity=critical,medium", ["e2", "e1"]),
        ("severity=critical&severity=warning&severity=info", ["e2", "e1"]),
        ("severity=info,low", []),
        ("channel_state=pending", ["e1"]),
        ("channel_state=dead", []),
        ("verdict=none", ["e2", "e1"]),
        ("verdict=true_positive", []),
        ("q=cpu%2095", ["e2", "e1"]),
        ("q=WEB-1&rule_id=disk", ["e2"]),
        ("q=%22host%22:%22", []),
        ("q=host", ["e1"]),
        ("q=%25", []),
        ("state=open", ["e2", "e1"]),
        ("state=acked", []),
        ("acked=false", ["e2", "e1"]),
        ("acked=true", []),
        ("from=2026-01-01T00:00:10Z", ["e2"]),
        ("from=2026-01-01T09:00:10%2B09:00", ["e2"]),
        ("to=2026-01-01T00:00:10Z", ["e1"]),
        ("from=1767225600&to=1767225601", ["e1"]),
    ],
)
def test_filters(tmp_path: Path, query: str, ids: list[str]) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        found = (await ask("GET", f"/cep/events?{query}")).json()
        assert [one["event_id"] for one in found["events"]] == ids

    with_alerts(tmp_path, scenario)


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("severity=hgih", "'severity'"),
        ("severity=high,", "'severity'"),
        ("severity=high,hgih", "did you mean 'high'"),
        ("rule_id=a&rule_id=b", "'rule_id' is given twice"),
        ("channel_state=lost", "'channel_state'"),
        ("verdict=maybe", "'verdict'"),
        ("q=", "'q' is empty"),
        (f"q={'x' * 201}", "'q' is longer"),
        ("state=closed", "'state'"),
        ("acked=yes", "'acked'"),
        ("limit=1001", "'limit'"),
        ("from=now", "'from'"),
        ("to=tomorrow", "'to'"),
        ("from=2&to=1", "'from'"),
        ("cursor=zzz", "cursor"),
        ("severty=high", "did you mean 'severity'"),
    ],
)
def test_a_bad_parameter_is_named(tmp_path: Path, query: str, word: str) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        answer = await ask("GET", f"/cep/events?{query}")
        assert answer.status_code == 400
        assert word in answer.text

    with_alerts(tmp_path, scenario)


def test_pages_hold_each_alert_once(tmp_path: Path) -> None:
    async def scenario(ask: Ask, store: SqlStore) -> None:
        first = (await ask("GET", "/cep/events?limit=1")).json()
        third = msgspec.structs.replace(FIRST, event_id="e3")
        await store.record(Recording(seq=3, alerts=[third], at=NOW))
        second = (await ask("GET", f"/cep/events?limit=1&cursor={first['next_cursor']}")).json()
        assert [one["event_id"] for one in first["events"] + second["events"]] == ["e2", "e1"]

    with_alerts(tmp_path, scenario)


def test_the_detail_tells_all_of_it(tmp_path: Path) -> None:
    async def scenario(ask: Ask, store: SqlStore) -> None:
        (claimed,) = await store.claim(NOW, 10)
        outcome = Outcome(result="retryable", detail="503 from ops", status=503)
        await ended(
            store,
            claimed,
            outcome=outcome,
            state="pending",
            next_at=NOW + 5 * SECOND,
            at=NOW + SECOND,
        )
        detail = (await ask("GET", "/cep/events/e1")).json()
        assert {name: detail[name] for name in ITEM} == ITEM
        assert detail["payload"] == {"host": "web-1", "cpu_percent": 95}
        assert detail["values"] == {"avg": 95.5}
        assert detail["window"] == {"start": "2025-12-31T23:59:00Z", "end": "2026-01-01T00:00:00Z"}
        assert (detail["generation"], detail["revision"], detail["pack"]) == ("a" * 64, "v1", "hosts")
        assert detail["condition_evaluated"] is True
        assert detail["deliveries"] == [
            {
                "delivery_id": "d1",
                "kind": "fired",
                "action": 0,
                "type": "notify",
                "target": "ops",
                "state": "pending",
                "reason": "503 from ops",
                "tries": 1,
                "next_at": "2026-01-01T00:00:05Z",
                "settled_at": None,
                "fallback_of": None,
                "fell_back": False,
                "redriven_by": None,
                "redriven_at": None,
                "attempts": [
                    {
                        "number": 1,
                        "started_at": "2026-01-01T00:00:00Z",
                        "ended_at": "2026-01-01T00:00:01Z",
                        "result": "retryable",
                        "status": 503,
                        "detail": "503 from ops",
                    }
                ],
            }
        ]
        other = (await ask("GET", "/cep/events/e2")).json()
        assert (other["payload"], other["window"], other["deliveries"]) == ("{not readable", None, [])

    with_alerts(tmp_path, scenario)


@pytest.mark.parametrize("event_id", ["none", "%00", "e1%27%20OR%201=1", "%F0%9F%98%80", "x" * 5_000])
def test_an_alert_that_is_not_there_is_404(tmp_path: Path, event_id: str) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        assert (await ask("GET", f"/cep/events/{event_id}")).status_code == 404
        assert (await ask("POST", f"/cep/events/{event_id}/ack")).status_code == 404

    with_alerts(tmp_path, scenario)


def test_an_acknowledgement_holds_against_another_until_it_is_stolen(tmp_path: Path) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        first = await ask("POST", "/cep/events/e1/ack", json={"by": "alice", "note": "on it"})
        acked = {"state": "acked", "ack": "ACK", "acked_by": "alice", "acked_at": "2026-01-01T00:00:00Z"}
        assert (first.status_code, first.json()) == (200, {**ITEM, **acked})
        again = await ask("POST", "/cep/events/e1/ack", json={"by": "alice", "note": "still on it"})
        assert (again.status_code, again.json()) == (200, first.json())
        refused = await ask("POST", "/cep/events/e1/ack", json={"by": "bob"})
        assert refused.status_code == 409
        assert (refused.json()["holder"], refused.json()["acked_at"]) == ("alice", "2026-01-01T00:00:00Z")
        stolen = await ask("POST", "/cep/events/e1/ack", json={"by": "bob", "steal": True})
        assert (stolen.status_code, stolen.json()["acked_by"]) == (200, "bob")
        history = (await ask("GET", "/cep/events/e1")).json()["history"]
        rest = {"at": "2026-01-01T00:00:00Z", "source": "api", "after": "acked", "until": None, "verdict": None}
        assert history == [
            {**rest, "kind": "ack", "by": "alice", "before": "open", "note": "on it"},
            {**rest, "kind": "steal", "by": "bob", "before": "acked", "note": None},
        ]
        assert [one["event_id"] for one in (await ask("GET", "/cep/events?acked=true")).json()["events"]] == ["e1"]

    with_alerts(tmp_path, scenario)


def test_without_tokens_and_without_a_name_it_is_local(tmp_path: Path) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        assert (await ask("POST", "/cep/events/e1/ack")).json()["acked_by"] == "local"
        assert (await ask("POST", "/cep/events/e2/ack", content=b"{}")).json()["acked_by"] == "local"

    with_alerts(tmp_path, scenario)


@pytest.mark.parametrize(
    ("token", "by"), [("secret-ack", "oncall"), ("secret-admin", "alice")], ids=["its own name", "admin for another"]
)
def test_with_tokens_only_an_admin_speaks_for_others(tmp_path: Path, token: str, by: str) -> None:
    path = tmp_path / "tokens.yaml"
    rows = [("oncall", "secret-ack", "ack"), ("root", "secret-admin", "admin")]
    path.write_text(
        "tokens:\n"
        + "".join(
            f"- {{name: {name}, sha256: {hashlib.sha256(secret.encode()).hexdigest()}, roles: [{role}]}}\n"
            for name, secret, role in rows
        )
    )

    async def scenario(ask: Ask, _: SqlStore) -> None:
        headers = {"Authorization": f"Bearer {token}"}
        answer = await ask("POST", "/cep/events/e1/ack", json={"by": "alice"}, headers=headers)
        assert answer.json()["acked_by"] == by

    with_alerts(tmp_path, scenario, tokens=TokenFile(path))


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b'{"buy": "me"}', "did you mean 'by'"),
        (b'{"by": 7}', "by"),
        (b'{"by": ""}', "by"),
        (b'{"by": " "}', "by"),
        (b'{"by": "a\\u0000b"}', "by"),
        (b'{"by": "a\\nb"}', "by"),
        (b'{"by": "' + b"x" * 129 + b'"}', "by"),
        (b'{"by": "\\ud800"}', "JSON"),
        (b'{"steal": "yes"}', "steal"),
        (b'"alice"', "object"),
        (b"by=alice", "JSON"),
    ],
)
def test_a_body_that_does_not_fit_changes_nothing(tmp_path: Path, body: bytes, word: str) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        answer = await ask("POST", "/cep/events/e1/ack", content=body)
        assert answer.status_code == 400
        assert word in answer.text
        assert (await ask("GET", "/cep/events/e1")).json()["acked_by"] is None

    with_alerts(tmp_path, scenario)
