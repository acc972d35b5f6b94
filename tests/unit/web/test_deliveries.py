"""Deliveries over HTTP, with the real store: the list, one whole, sent again, dropped."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from cepd.model.delivery import Outcome
from cepd.model.secret import SecretRef
from cepd.model.terms import BreakerSpec, Terms
from cepd.ports import Recording
from cepd.stores.sqlite import open_store
from cepd.stores.store import SqlStore
from cepd.web.auth import TokenFile
from cepd.webhooks import Call
from tests.support.alerts import SECOND, alert, draft, ended
from tests.support.web import NOW, asking, services

Ask = Callable[..., Coroutine[Any, Any, httpx2.Response]]
TERMS = Terms(breaker=BreakerSpec(failure_threshold=1_000))
DOWN = Outcome(result="retryable", detail="HTTP 503: gone fishing", status=503)
CALL = Call(
    method="POST",
    url=SecretRef(env="HOOK_URL"),
    headers={"authorization": SecretRef(file="/run/token"), "x-team": "ops"},
    body='{"text": "lost ghp_abcdefghijklmnopqrstuvwxyz"}',
)


def with_deliveries(
    tmp_path: Path, scenario: Callable[[Ask, SqlStore], Coroutine[Any, Any, None]], **more: Any
) -> None:
    """Over a store in which d1 (key a) died and d2 to mail is owed."""

    async def run() -> None:
        store = open_store(tmp_path / "cepd.db")
        try:
            d1 = draft("d1", order_key="a", request=msgspec.json.encode(CALL), terms=TERMS, due_at=NOW)
            d2 = draft("d2", order_key="b", target="mail", rule_id="disk", terms=TERMS, due_at=NOW + 60 * SECOND)
            await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=[d1, d2], at=NOW))
            (claimed,) = await store.claim(NOW, 9)
            await ended(store, claimed, state="dead", outcome=DOWN, attempts=5, at=NOW + SECOND)

            async def ask(method: str, path: str, **request: Any) -> httpx2.Response:
                return await asking(services(store=store, **more), method, path, **request)

            await scenario(ask, store)
        finally:
            await store.close()

    asyncio.run(run())


def test_the_list_is_newest_first_and_says_what_became_of_each(tmp_path: Path) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        found = (await ask("GET", "/cep/deliveries")).json()
        assert [one["delivery_id"] for one in found["deliveries"]] == ["d2", "d1"]
        assert found["next_cursor"] is None
        assert found["deliveries"][1] == {
            "delivery_id": "d1",
            "event_id": "a1",
            "rule_id": "cpu",
            "kind": "fired",
            "target": "ops",
            "type": "notify",
            "action": 0,
            "state": "dead",
            "reason": "HTTP 503: gone fishing",
            "tries": 1,
            "due_at": "2026-01-01T00:00:00Z",
            "next_at": None,
            "deadline": None,
            "settled_at": "2026-01-01T00:00:01Z",
            "fell_back": False,
            "fallback_of": None,
            "redriven_by": None,
            "redriven_at": None,
        }
        assert found["deliveries"][0]["next_at"] == "2026-01-01T00:01:00Z"

    with_deliveries(tmp_path, scenario)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("state=dead", ["d1"]),
        ("state=pending", ["d2"]),
        ("state=sent", []),
        ("target=mail", ["d2"]),
        ("channel=ops", ["d1"]),
        ("channel=ops&target=ops", ["d1"]),
        ("rule_id=disk", ["d2"]),
        ("event_id=a1", ["d2", "d1"]),
        ("event_id=none", []),
        ("from=2026-01-01T00:01:00Z", ["d2"]),
        ("to=2026-01-01T00:01:00Z", ["d1"]),
    ],
)
def test_filters_choose(tmp_path: Path, query: str, ids: list[str]) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        found = (await ask("GET", f"/cep/deliveries?{query}")).json()
        assert [one["delivery_id"] for one in found["deliveries"]] == ids

    with_deliveries(tmp_path, scenario)


@pytest.mark.parametrize(
    ("query", "detail", "help"),
    [
        ("sate=dead", "'sate' is not known", "did you mean 'state'?"),
        ("state=deed", "'state' cannot be 'deed'", "did you mean 'dead'?"),
        ("target=a&channel=b", "'target' and 'channel' differ", "give one"),
        ("from=20&to=10", "'from' is later than 'to'", "earlier"),
        ("limit=0", "'limit' cannot be '0'", "from 1 to 1000"),
        ("cursor=x", "'x' is not a cursor", "next_cursor"),
    ],
)
def test_a_bad_query_is_told(tmp_path: Path, query: str, detail: str, help: str) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        answer = await ask("GET", f"/cep/deliveries?{query}")
        assert answer.status_code == 400
        assert detail in answer.json()["detail"]
        assert help in answer.json()["help"]

    with_deliveries(tmp_path, scenario)


def test_pages_follow_one_another(tmp_path: Path) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        first = (await ask("GET", "/cep/deliveries?limit=1")).json()
        second = (await ask("GET", f"/cep/deliveries?limit=1&cursor={first['next_cursor']}")).json()
        assert [one["delivery_id"] for one in (*first["deliveries"], *second["deliveries"])] == ["d2", "d1"]
        assert second["next_cursor"] is None

    with_deliveries(tmp_path, scenario)


def test_one_shows_its_attempts_and_what_it_sends_without_secrets(tmp_path: Path) -> None:
    async def scenario(ask: Ask, _: SqlStore) -> None:
        found = (await ask("GET", "/cep/deliveries/d1")).json()
        assert (found["order_key"], found["state"]) == ("a", "dead")
        assert [(one["number"], one["result"], one["status"]) for one in found["attempts"]] == [(1, "retryable", 503)]
        sent = msgspec.json.decode(found["request"])
        assert sent["url"] == {"env": "HOOK_URL", "file": None}
        assert sent["headers"] == {"authorization": {"env": None, "file": "/run/token"}, "x-team": "ops"}
        assert sent["body"] == '{"text": "lost ' + "*" * len("ghp_abcdefghijklmnopqrstuvwxyz") + '"}'
        assert found["request_size"] == len(msgspec.json.encode(CALL))
        assert (await ask("GET", "/cep/deliveries/d2")).json()["request"] is None, "it is no text"
        missing = await ask("GET", "/cep/deliveries/none")
        assert (missing.status_code, missing.json()["detail"]) == (404, "there is no delivery none")

    with_deliveries(tmp_path, scenario)


def test_what_died_is_sent_again_at_once(tmp_path: Path) -> None:
    woken: list[str] = []

    async def scenario(ask: Ask, store: SqlStore) -> None:
        answer = await ask("POST", "/cep/deliveries/d1/redrive")
        found = answer.json()
        assert (answer.status_code, found["state"], found["tries"]) == (200, "pending", 1)
        assert (found["redriven_by"], found["redriven_at"]) == ("local", "2026-01-01T00:00:00Z")
        assert woken == ["now"]
        assert [one.id for one in await store.claim(NOW, 9)] == ["d1"]

    with_deliveries(tmp_path, scenario, wake_dispatcher=lambda: woken.append("now"))


def test_what_cannot_be_sent_again_says_its_state_and_what_to_do(tmp_path: Path) -> None:
    woken: list[str] = []

    async def scenario(ask: Ask, store: SqlStore) -> None:
        assert (await ask("POST", "/cep/deliveries/none/redrive")).status_code == 404
        await store.record(
            Recording(seq=2, drafts=[draft("d3", order_key="a", kind="resolved", terms=TERMS, due_at=NOW)], at=NOW)
        )
        (claimed,) = await store.claim(NOW, 9)
        await ended(store, claimed)
        sent = await ask("POST", "/cep/deliveries/d3/redrive")
        assert (sent.status_code, sent.json()["state"]) == (409, "sent")
        assert "dead, unknown or expired" in sent.json()["help"]
        late = await ask("POST", "/cep/deliveries/d1/redrive", json={"by": "alice"})
        assert (late.status_code, late.json()["state"]) == (409, "dead")
        assert "d3 (resolved)" in late.json()["detail"]
        assert "force" in late.json()["help"]
        assert woken == []
        forced = await ask("POST", "/cep/deliveries/d1/redrive", json={"by": "alice", "force": True})
        assert (forced.status_code, forced.json()["redriven_by"], woken) == (200, "alice", ["now"])

    with_deliveries(tmp_path, scenario, wake_dispatcher=lambda: woken.append("now"))


def test_what_is_dropped_frees_what_waited_behind_it(tmp_path: Path) -> None:
    woken: list[str] = []

    async def scenario(ask: Ask, _: SqlStore) -> None:
        answer = await ask("POST", "/cep/deliveries/d2/drop", json={"note": "known", "by": "alice"})
        assert (answer.status_code, answer.json()["state"]) == (200, "suppressed")
        assert answer.json()["reason"] == "dropped by alice: known"
        assert woken == ["now"]
        again = await ask("POST", "/cep/deliveries/d2/drop")
        assert (again.status_code, again.json()["state"], again.json()["help"]) == (
            409,
            "suppressed",
            "it was dropped before",
        )
        assert (await ask("POST", "/cep/deliveries/none/drop")).status_code == 404

    with_deliveries(tmp_path, scenario, wake_dispatcher=lambda: woken.append("now"))


def test_many_are_sent_again_after_a_look(tmp_path: Path) -> None:
    woken: list[str] = []
    d1 = {"delivery_id": "d1", "event_id": "a1", "rule_id": "cpu", "kind": "fired", "target": "ops"}

    async def scenario(ask: Ask, store: SqlStore) -> None:
        asked = {"filter": {"target": "ops"}, "max": 5}
        looked = await ask("POST", "/cep/deliveries/redrive", json={**asked, "dry_run": True})
        assert looked.json() == {"dry_run": True, "deliveries": [d1], "overtaken": [], "more": False}
        assert (await store.delivery("d1")).delivery.state == "dead"
        assert woken == []
        done = await ask("POST", "/cep/deliveries/redrive", json=asked)
        assert (done.status_code, done.json()["deliveries"], woken) == (200, [d1], ["now"])
        again = await ask("POST", "/cep/deliveries/redrive", json=asked)
        assert (again.json()["deliveries"], woken) == ([], ["now"])

    with_deliveries(tmp_path, scenario, wake_dispatcher=lambda: woken.append("now"))


def test_what_was_overtaken_is_listed_with_what_overtook_it(tmp_path: Path) -> None:
    async def scenario(ask: Ask, store: SqlStore) -> None:
        await store.record(
            Recording(seq=2, drafts=[draft("d3", order_key="a", kind="resolved", terms=TERMS, due_at=NOW)], at=NOW)
        )
        (claimed,) = await store.claim(NOW, 9)
        await ended(store, claimed)
        found = (await ask("POST", "/cep/deliveries/redrive", json={"filter": {}})).json()
        assert found["deliveries"] == []
        assert [(one["delivery_id"], one["overtaken_by"]) for one in found["overtaken"]] == [("d1", "d3")]
        forced = (await ask("POST", "/cep/deliveries/redrive", json={"filter": {}, "force": True})).json()
        assert [one["delivery_id"] for one in forced["deliveries"]] == ["d1"]

    with_deliveries(tmp_path, scenario)


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/cep/deliveries/redrive", {}, "filter"),
        ("/cep/deliveries/redrive", {"filter": {"state": "sent"}}, "sent"),
        ("/cep/deliveries/redrive", {"filter": {"chanel": "ops"}}, "chanel"),
        ("/cep/deliveries/redrive", {"filter": {}, "max": 0}, "max"),
        ("/cep/deliveries/redrive", {"filter": {}, "dryrun": True}, "dryrun"),
        ("/cep/deliveries/d1/redrive", {"forced": True}, "forced"),
        ("/cep/deliveries/d1/drop", {"note": 5}, "note"),
    ],
)
def test_a_body_that_does_not_fit_changes_nothing(tmp_path: Path, path: str, body: dict[str, Any], said: str) -> None:
    async def scenario(ask: Ask, store: SqlStore) -> None:
        answer = await ask("POST", path, json=body)
        assert answer.status_code == 400
        assert said in answer.json()["detail"]
        assert (await store.delivery("d1")).delivery.state == "dead"

    with_deliveries(tmp_path, scenario)


def test_who_may_read_may_not_send_again_or_drop(tmp_path: Path) -> None:
    entries = "".join(
        f"  - {{name: {name}, sha256: {hashlib.sha256(name.encode()).hexdigest()}, roles: [{roles}]}}\n"
        for name, roles in (("viewer", "read, ack"), ("boss", "admin"))
    )
    (tmp_path / "tokens.yaml").write_text(f"tokens:\n{entries}")

    async def scenario(ask: Ask, _: SqlStore) -> None:
        viewer, boss = ({"Authorization": f"Bearer {name}"} for name in ("viewer", "boss"))
        assert (await ask("GET", "/cep/deliveries", headers=viewer)).status_code == 200
        for path in ("/cep/deliveries/d1/redrive", "/cep/deliveries/d1/drop", "/cep/deliveries/redrive"):
            refused = await ask("POST", path, headers=viewer, json={})
            assert (refused.status_code, "admin" in refused.json()["detail"]) == (403, True)
        done = await ask("POST", "/cep/deliveries/d1/redrive", headers=boss)
        assert done.json()["redriven_by"] == "boss"

    with_deliveries(tmp_path, scenario, tokens=TokenFile(tmp_path / "tokens.yaml"))
