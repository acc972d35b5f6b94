"""What rules hear of deliveries, breakers and ACKs is owed in the transaction in which it happens, in every store."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from cepd.model.act import Act
from cepd.model.delivery import Delivery, Outcome
from cepd.model.happenings import DEEPEST, DELIVERY_TYPE, NOBODY, OWN, Listening
from cepd.model.terms import BreakerSpec, Terms
from cepd.ports import AlertQuery, DeliveryQuery, Recording, Store
from tests.support.acknowledging import acknowledge
from tests.support.alerts import SECOND, alert, draft, ended

Run = Callable[[Callable[[Store], Awaitable[None]]], None]

ALL = Listening(frozenset({"cepd.delivery_failed", "cepd.breaker_opened", "cepd.ack"}), frozenset({"listener"}))
DIES: dict[str, Any] = {"outcome": Outcome(result="permanent", detail="HTTP 404", status=404), "state": "dead"}
FAILS: dict[str, Any] = {"outcome": Outcome(result="retryable", detail="HTTP 503"), "state": "pending"}


async def told(store: Store) -> list[dict[str, Any]]:
    """The happenings that are owed, oldest first."""
    page = await store.deliveries(DeliveryQuery(target=OWN))
    found = page.deliveries[::-1]
    assert {(one.type, one.target) for one in found} <= {(DELIVERY_TYPE, OWN)}
    events = [msgspec.json.decode(one.request) for one in found]
    assert [one.id for one in found] == [event["id"] for event in events]
    return events


async def one_claimed(store: Store, now: int = 1000, listening: Listening = ALL, **more: Any) -> Delivery:
    await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=[draft("d1", **more)]))
    (claimed,) = await store.claim(now, 9, listening)
    return claimed


def test_a_delivery_that_dies_is_told_with_its_alert(run_store: Run) -> None:
    async def work(store: Store) -> None:
        claimed = await one_claimed(store)
        await ended(store, claimed, **DIES, at=5 * SECOND, listening=ALL)
        (event,) = await told(store)
        event.pop("id")
        assert event == {
            "type": "cepd.delivery_failed",
            "source": "cepd",
            "time": "1970-01-01T00:00:05Z",
            "alert_id": "a1",
            "rule_id": "cpu",
            "rule_name": "CPU high",
            "severity": "high",
            "summary": "summary of a1",
            "key": {"host": "web-1"},
            "depth": 1,
            "channel": "ops",
            "action": "notify",
            "delivery_id": "d1",
            "retry": 0,
            "state": "dead",
            "reason": "HTTP 404",
            "fallback": None,
        }

    run_store(work)


def test_nobody_is_told_what_nobody_hears(run_store: Run) -> None:
    async def work(store: Store) -> None:
        claimed = await one_claimed(store, listening=NOBODY)
        await ended(store, claimed, **DIES, listening=Listening(frozenset({"cepd.ack"})))
        await acknowledge(store, "a1", by="kim", at=9, note=None, steal=False)
        assert await told(store) == []

    run_store(work)


def test_a_try_that_is_followed_by_others_is_no_failure_and_the_last_one_counts_them(run_store: Run) -> None:
    async def work(store: Store) -> None:
        claimed = await one_claimed(store)
        for at in (2_000, 3_000, 4_000):
            await ended(store, claimed, **FAILS, at=at, next_at=at, listening=Listening(frozenset(ALL.types)))
            (claimed,) = await store.claim(at, 9, ALL) if at < 4_000 else (claimed,)
        assert [event["type"] for event in await told(store)] == ["cepd.breaker_opened"]

    run_store(work)


def test_a_redriven_delivery_that_dies_again_is_told_again(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await ended(store, await one_claimed(store), **DIES, listening=ALL)
        await store.redrive("d1", by="kim", at=3000)
        again = [one for one in await store.claim(3000, 9, ALL) if one.id == "d1"]
        await ended(store, again[0], **DIES, listening=ALL)
        assert [event["retry"] for event in await told(store)] == [0, 1]
        assert len({event["id"] for event in await told(store)}) == 2

    run_store(work)


def test_a_breaker_that_opens_is_told_once(run_store: Run) -> None:
    async def work(store: Store) -> None:
        terms = Terms(breaker=BreakerSpec(failure_threshold=2, timeout=30 * SECOND))
        claimed = await one_claimed(store, terms=terms)
        await ended(store, claimed, **FAILS, next_at=1000, listening=ALL)
        (claimed,) = await store.claim(1000, 9, ALL)
        assert await told(store) == []
        settled = await ended(store, claimed, **FAILS, at=2 * SECOND, next_at=2 * SECOND, listening=ALL)
        assert settled.breaker == "opened"
        (event,) = await told(store)
        assert (event["type"], event["channel"], event["failures"], event["retry"], event["until"]) == (
            "cepd.breaker_opened",
            "ops",
            2,
            1,
            "1970-01-01T00:00:32Z",
        )
        later = 40 * SECOND
        (trial,) = [one for one in await store.claim(later, 9, ALL) if one.id == "d1"]
        await ended(store, trial, **FAILS, at=later, next_at=later, listening=ALL)
        assert len(await told(store)) == 1, "it never closed"

    run_store(work)


def test_what_a_claim_gives_up_is_told(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await one_claimed(store, terms=Terms(timeout=SECOND, on_unknown="hold"))
        lapsed = 100 * SECOND
        expires = draft("d2", terms=Terms(keep_trying=SECOND))
        await store.record(Recording(seq=2, drafts=[expires]))
        found = await store.claim(lapsed, 9, ALL)
        assert [(one.type, one.id) for one in found] == [(DELIVERY_TYPE, (await told(store))[0]["id"])]
        assert {(event["delivery_id"], event["state"]) for event in await told(store)} == {
            ("d1", "unknown"),
            ("d2", "expired"),
        }

    run_store(work)


def test_what_a_start_finds_cut_off_for_good_is_told(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await one_claimed(store, terms=Terms(on_unknown="hold"))
        assert await store.reclaim(9 * SECOND, ALL) == 1
        assert [(event["delivery_id"], event["state"]) for event in await told(store)] == [("d1", "unknown")]

    run_store(work)


def test_what_falls_back_before_an_open_breaker_goes_out_at_once(run_store: Run) -> None:
    async def work(store: Store) -> None:
        terms = Terms(breaker=BreakerSpec(failure_threshold=1, timeout=900 * SECOND))
        await ended(store, await one_claimed(store, terms=terms), **DIES | FAILS, next_at=500 * SECOND, listening=ALL)
        instead = draft("d3", target="mail")
        await store.record(Recording(seq=2, drafts=[draft("d2", urgent=True, fallback=instead)]))
        claimed = await store.claim(3000, 9, ALL)
        assert {one.id for one in claimed if one.type != DELIVERY_TYPE} == {"d3"}
        failed = [event for event in await told(store) if event["type"] == "cepd.delivery_failed"]
        assert [(event["delivery_id"], event["fallback"]) for event in failed] == [("d2", "mail")]

    run_store(work)


def test_an_ack_is_told_once(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=[alert("a1")]))
        for _ in range(2):
            await acknowledge(store, "a1", by="kim", at=7 * SECOND, note="on it", steal=False, listening=ALL)
        (event,) = await told(store)
        assert (event["type"], event["by"], event["note"], event["alert_id"], event["severity"]) == (
            "cepd.ack",
            "kim",
            "on it",
            "a1",
            "high",
        )
        await acknowledge(store, "a1", by="lee", at=8 * SECOND, note=None, steal=True, listening=ALL)
        assert [event["by"] for event in await told(store)] == ["kim", "lee"]

    run_store(work)


def test_of_many_acks_each_is_told_and_nothing_else_that_people_do(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=[alert(name) for name in ("a1", "a2", "a3")]))
        act = Act(kind="ack", by="kim", at=7 * SECOND)
        await store.change_all(["a1", "none"], act, dry_run=True, listening=ALL)
        assert await told(store) == []
        await store.change_all(["a1", "none"], act, listening=ALL)
        query = AlertQuery(limit=9, state="open")
        await store.change_matching(query, act, dry_run=True, listening=ALL)
        await store.change_matching(query, act, listening=ALL)
        assert sorted(event["alert_id"] for event in await told(store)) == ["a1", "a2", "a3"]
        await store.change("a1", Act(kind="ack", by="kim", at=8 * SECOND, until=9 * SECOND), ALL)
        await store.change("a2", Act(kind="unack", by="kim", at=8 * SECOND), ALL)
        await store.change("a3", Act(kind="resolve", by="kim", at=8 * SECOND), ALL)
        assert len(await told(store)) == 3

    run_store(work)


def test_what_a_listener_leads_to_is_deeper_by_one(run_store: Run) -> None:
    async def work(store: Store) -> None:
        payloads = {
            "deeper": {"type": "cepd.delivery_failed", "depth": 3},
            "other": {"type": "host.cpu", "depth": 3},
            "window": {"channel": "ops"},
        }
        alerts = [alert(name, rule_id="listener", payload=payload) for name, payload in payloads.items()]
        drafts = [draft(f"of {name}", name, rule_id="listener") for name in (*payloads, "gone")]
        await store.record(Recording(seq=1, alerts=alerts, drafts=drafts))
        for claimed in await store.claim(1000, 9, ALL):
            await ended(store, claimed, **DIES, listening=ALL)
        assert {event["alert_id"]: event["depth"] for event in await told(store)} == {
            "deeper": 4,
            "other": 1,
            "window": DEEPEST + 1,
            "gone": DEEPEST + 1,
        }

    run_store(work)


def test_a_happening_that_is_given_up_is_no_happening(run_store: Run) -> None:
    async def work(store: Store) -> None:
        claimed = await one_claimed(store, type=DELIVERY_TYPE, target=OWN, terms=Terms(breaker=BreakerSpec(1)))
        await ended(store, claimed, **DIES, listening=ALL)
        assert len((await store.deliveries(DeliveryQuery())).deliveries) == 1

    run_store(work)
