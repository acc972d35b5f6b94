"""Many alerts acknowledged in one request, with the real store: by ids, by a filter, and as a dry run."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cepd.ports import Recording
from cepd.stores.store import SqlStore
from tests.support.stored import FIRST, NOW, Ask, with_alerts

PATH = "/cep/events/ack"


def test_of_each_id_it_says_what_came_of_it(tmp_path: Path) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        await ask("POST", "/cep/events/e1/ack", json={"by": "bob"})
        answer = await ask("POST", PATH, json={"ids": ["e2", "none", "e1"], "by": "alice", "note": "storm"})
        assert (answer.status_code, answer.json()) == (
            200,
            {
                "dry_run": False,
                "results": [
                    {"event_id": "e2", "status": 200, "changed": True, "detail": None, "holder": "alice"},
                    {
                        "event_id": "none",
                        "status": 404,
                        "changed": False,
                        "detail": "there is no alert none",
                        "holder": None,
                    },
                    {
                        "event_id": "e1",
                        "status": 409,
                        "changed": False,
                        "detail": "bob acknowledged e1 at 2026-01-01T00:00:00Z",
                        "holder": "bob",
                    },
                ],
                "more": False,
            },
        )
        again = (await ask("POST", PATH, json={"ids": ["e2"], "by": "alice"})).json()["results"]
        assert again == [{"event_id": "e2", "status": 200, "changed": False, "detail": None, "holder": "alice"}]
        (line,) = (await ask("GET", "/cep/events/e2")).json()["history"]
        assert (line["by"], line["note"]) == ("alice", "storm")
        await ask("POST", "/cep/events/e2/resolve", json={"by": "alice"})
        stolen = (await ask("POST", PATH, json={"ids": ["e1", "e2"], "by": "carol", "steal": True})).json()["results"]
        assert [(one["status"], one["changed"]) for one in stolen] == [(200, True), (410, False)]

    with_alerts(tmp_path, scenario)


def test_a_dry_run_changes_and_counts_nothing(tmp_path: Path) -> None:
    seen: list[object] = []

    async def scenario(ask: Ask, _: SqlStore) -> None:
        for chosen in ({"ids": ["e1"]}, {"filter": {"rule_id": "cpu"}}):
            answer = (await ask("POST", PATH, json={**chosen, "dry_run": True})).json()
            assert answer["dry_run"] is True
            assert [(one["event_id"], one["changed"], one["holder"]) for one in answer["results"]] == [
                ("e1", True, "local")
            ]
            assert (await ask("GET", "/cep/events/e1")).json()["history"] == []
        assert seen == []
        await ask("POST", PATH, json={"ids": ["e1", "e2"]})
        assert len(seen) == 2

    with_alerts(tmp_path, scenario, acknowledged=lambda *counted: seen.append(counted))


def test_a_filter_goes_on_to_what_is_still_open(tmp_path: Path) -> None:
    async def scenario(ask: Ask, store: SqlStore) -> None:
        others = [msgspec.structs.replace(FIRST, event_id=f"f{n}") for n in range(3)]
        await store.record(Recording(seq=3, alerts=others, at=NOW))
        request = {"filter": {"severity": ["critical", "high"]}, "max": 3}
        taken = [(await ask("POST", PATH, json=request)).json() for _ in range(3)]
        assert [[one["event_id"] for one in answer["results"]] for answer in taken] == [["f2", "f1", "f0"], ["e1"], []]
        assert [answer["more"] for answer in taken] == [True, False, False]
        assert (await ask("GET", "/cep/events/e2")).json()["acked_by"] is None

    with_alerts(tmp_path, scenario)


@pytest.mark.parametrize(
    ("filter", "ids"),
    [
        ({"rule_id": "cpu"}, ["e1"]),
        ({"severity": "warning"}, ["e2"]),
        ({"severity": "warning,critical"}, ["e2", "e1"]),
        ({"state": "open", "acked": False}, ["e2", "e1"]),
        ({"acked": True}, []),
        ({"from": "2026-01-01T00:00:10Z"}, ["e2"]),
        ({"from": 1767225600, "to": 1767225600.5}, ["e1"]),
        ({"channel_state": "pending"}, ["e1"]),
        ({"verdict": "none", "q": "web-1"}, ["e2", "e1"]),
        ({"q": "nowhere"}, []),
    ],
)
def test_filters_are_those_of_the_list(tmp_path: Path, filter: dict[str, Any], ids: list[str]) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        answer = (await ask("POST", PATH, json={"filter": filter})).json()
        assert [one["event_id"] for one in answer["results"]] == ids

    with_alerts(tmp_path, scenario)


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({}, "either ids or a filter"),
        ({"ids": ["e1"], "filter": {"state": "open"}}, "either ids or a filter"),
        ({"ids": []}, "ids"),
        ({"ids": ["e1", "e1"]}, "'e1' is given twice"),
        ({"ids": ["e1"], "max": 5}, "'max' goes with a filter"),
        ({"ids": [str(n) for n in range(1_001)]}, "ids"),
        ({"ids": "e1"}, "ids"),
        ({"filter": {}}, "the filter is empty"),
        ({"filter": {"stat": "open"}}, "stat"),
        ({"filter": {"state": "closed"}}, "the filter 'state' cannot be 'closed'"),
        ({"filter": {"severity": []}}, "the filter 'severity' is empty"),
        ({"filter": {"severity": ["hgih"]}}, "'severity' cannot hold 'hgih'"),
        ({"filter": {"from": "now"}}, "the filter 'from' is not a time"),
        ({"filter": {"acked": "yes"}}, "acked"),
        ({"filter": {"state": "open"}, "max": 1_001}, "max"),
        ({"filter": {"state": "open"}, "max": 0}, "max"),
        ({"filter": {"state": "open"}, "dry_run": 1}, "dry_run"),
        ({"ids": ["e1"], "until": "2025-01-01T00:00:00Z"}, "would have ended"),
        ({"ids": ["none"], "until": "2025-01-01T00:00:00Z"}, "would have ended"),
        ({"filter": {"rule_id": "none"}, "until": "2025-01-01T00:00:00Z"}, "would have ended"),
        ({"filter": {"rule_id": "none"}, "until": "2025-01-01T00:00:00Z", "dry_run": True}, "would have ended"),
    ],
)
def test_what_does_not_fit_changes_nothing(tmp_path: Path, body: dict[str, Any], word: str) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        answer = await ask("POST", PATH, json=body)
        assert (answer.status_code, word in answer.text) == (400, True), answer.text
        assert (await ask("GET", "/cep/events?acked=true")).json()["events"] == []

    with_alerts(tmp_path, scenario)


def test_a_key_holds_for_each_alert(tmp_path: Path) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        for expected in (True, False):
            answer = await ask("POST", PATH, json={"ids": ["e1", "e2"]}, headers={"Idempotency-Key": "k"})
            assert [one["changed"] for one in answer.json()["results"]] == [expected, expected]
            await ask("POST", "/cep/events/e1/unack")

    with_alerts(tmp_path, scenario)
