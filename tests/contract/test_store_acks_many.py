"""What the port Store promises of many alerts: an act for all of them, those that a filter finds, their counts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from cepd.model.delivery import Outcome
from cepd.model.errors import GoneError, HeldError, InputError, NotFoundError
from cepd.ports import AlertQuery, Recording, Store
from cepd.stores import alerts
from tests.support.acts import act, lines, opened
from tests.support.alerts import alert, draft, ended
from tests.support.streams import notices

Run = Callable[[Callable[[Store], Awaitable[None]]], None]


def test_many_are_changed_each_by_itself(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "open", "mine", "bobs", "closed")
        await store.change("mine", act("ack"))
        await store.change("bobs", act("ack", by="bob"))
        await store.change("closed", act("resolve", by="bob"))
        ids = ["open", "none", "mine", "bobs", "closed"]
        before = await notices(store)
        for dry_run in (True, False):
            outcomes = await store.change_all(ids, act("ack", at=20), dry_run=dry_run)
            assert list(outcomes) == ids
            kinds = [type(one) if isinstance(one, InputError) else one.kind for one in outcomes.values()]
            assert kinds == ["ack", NotFoundError, None, HeldError, GoneError]
            assert (await store.alert("open")).alert.acked_by == (None if dry_run else "alice")
            assert ((await notices(store)) == before) == dry_run
        assert (await notices(store))[len(before) :] == [("acked", "open", 20)]
        assert await lines(store, "bobs") == [(10, "ack", "bob", "open", "acked")]

    run_store(work)


def test_an_id_may_hold_anything(run_store: Run) -> None:
    async def work(store: Store) -> None:
        strange = ["", "\x00", "a1\x00", "'; DROP TABLE alert; --", '"]', "\U0001f600", "x" * 5_000]
        await opened(store, "a1", strange[3])
        outcomes = await store.change_all(["a1", *strange], act("ack"))
        kinds = [isinstance(one, NotFoundError) for one in outcomes.values()]
        assert kinds == [False, True, True, True, False, True, True, True]

    run_store(work)


def test_what_a_query_finds_is_changed_the_newest_first_up_to_its_limit(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1", "a2", "a3")
        await opened(store, "b1", rule_id="other")
        query = AlertQuery(rule_id="cpu", state="open", limit=2)
        outcomes, more = await store.change_matching(query, act("ack"), dry_run=True)
        assert (list(outcomes), more) == (["a3", "a2"], True)
        outcomes, more = await store.change_matching(query, act("ack"))
        assert (list(outcomes), more) == (["a3", "a2"], True)
        outcomes, more = await store.change_matching(query, act("ack"))
        assert (list(outcomes), more) == (["a1"], False)
        assert await store.change_matching(query, act("ack")) == ({}, False)
        assert (await store.alert("b1")).alert.acked_by is None

    run_store(work)


def test_two_who_acknowledge_the_same_many_do_not_stop_each_other(run_store: Run) -> None:
    async def work(store: Store) -> None:
        ids = [f"a{n}" for n in range(40)]
        await opened(store, *ids)
        orders = [ids, ids[::-1], ids[20:] + ids[:20]]
        results = await asyncio.gather(
            *(store.change_all(order, act("ack", by=f"p{n}")) for n, order in enumerate(orders))
        )
        changed = [sum(not isinstance(one, InputError) for one in outcomes.values()) for outcomes in results]
        assert sorted(changed) == [0, 0, 40]

    run_store(work)


def test_more_filters_agree_with_a_plain_loop(run_store: Run) -> None:
    async def work(store: Store) -> None:
        summaries = ["CPU Über 90%", "cpu über", "disk_full", 'say "hi" \\', "한글 경보"]
        keys: list[dict[str, Any]] = [
            {"host": "web-1"},
            {"host": 'a"b\\c'},
            {},
            {"n": 7, "up": True},
            {"host": "\x00é"},
        ]
        written = [alert(f"a{n}", summary=summaries[n], key=keys[n]) for n in range(5)]
        drafts = [draft("d0", "a0"), draft("d1", "a0", order_key="x"), draft("d2", "a1", order_key="y")]
        await store.record(Recording(seq=1, alerts=written, drafts=drafts))
        claimed = {one.id: one for one in await store.claim(now=200, per_target=9)}
        await ended(store, claimed["d0"])
        await ended(store, claimed["d1"], state="dead")
        await store.change("a2", act("verdict", verdict="false_positive"))
        await store.change("a3", act("verdict", verdict="true_positive"))
        for query, expected in (
            ({"channel_state": "sent"}, "0"),
            ({"channel_state": "dead"}, "0"),
            ({"channel_state": "sending"}, "1"),
            ({"channel_state": "pending"}, ""),
            ({"verdict": "false_positive"}, "2"),
            ({"verdict": "true_positive"}, "3"),
            ({"verdict": "none"}, "410"),
            ({"q": "cpu"}, "10"),
            ({"q": "CPU Ü"}, "0"),
            ({"q": "%"}, "0"),
            ({"q": "_"}, "2"),
            ({"q": "WEB-1"}, "0"),
            ({"q": 'A"B\\'}, "1"),
            ({"q": '"HI" \\'}, "3"),
            ({"q": "경보"}, "4"),
            ({"q": "true"}, "3"),
            ({"q": "'; DROP TABLE alert; --"}, ""),
            ({"q": "cpu", "channel_state": "sending", "verdict": "none"}, "1"),
        ):
            found = await store.alerts(msgspec.convert(query, AlertQuery))
            assert "".join(one.event_id[1:] for one in found.alerts) == expected, query

    run_store(work)


@pytest.mark.parametrize("few", [1, alerts.FEW])
def test_alerts_are_found_by_any_of_their_deliveries_be_they_few_or_many(
    run_store: Run, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(alerts, "FEW", few)

    async def work(store: Store) -> None:
        ids = [f"a{n}" for n in range(6)]
        drafts = [draft(f"{one}-{target}", one, target=target) for one in ids for target in ("log", "ops")]
        await store.record(Recording(seq=1, alerts=[alert(one) for one in ids], drafts=drafts))
        claimed = {one.id: one for one in await store.claim(now=200, per_target=9)}
        for name, state in (("a0-log", "dead"), ("a0-ops", "sent"), ("a2-ops", "dead"), ("a3-log", "unknown")):
            await ended(store, claimed[name], state=state)
        for delivery in (claimed[f"{one}-log"] for one in ("a1", "a4")):
            await ended(store, delivery, state="pending", next_at=900, outcome=Outcome(result="retryable"))
        for state, expected in (
            ("dead", "20"),
            ("unknown", "3"),
            ("expired", ""),
            ("pending", "41"),
            ("sending", "54321"),
            ("sent", "0"),
        ):
            query = msgspec.convert({"channel_state": state, "limit": 2}, AlertQuery)
            found = await store.alerts(query)
            told = "".join(one.event_id[1:] for one in found.alerts)
            while found.next_cursor is not None:
                found = await store.alerts(msgspec.structs.replace(query, cursor=found.next_cursor))
                told += "".join(one.event_id[1:] for one in found.alerts)
            assert told == expected, state
        dead = msgspec.convert({"channel_state": "dead"}, AlertQuery)
        outcomes, more = await store.change_matching(dead, act("ack"))
        assert (list(outcomes), more) == (["a2", "a0"], False)

    run_store(work)


def test_what_waits_too_long_and_what_was_judged_are_counted(run_store: Run) -> None:
    async def work(store: Store) -> None:
        empty = await store.ack_counts(1_000)
        assert (empty.overdue, empty.judged) == ({}, {})
        await opened(store, "a1", "a2", "a3", "a4", at=100)
        await opened(store, "b1", at=200, severity="low", rule_id="disk")
        await store.change("a2", act("ack", at=150, until=180))
        await store.change("a3", act("ack", at=150))
        await store.change("a4", act("resolve", at=150))
        await store.lapse(500)
        for before, overdue in ((100, {}), (101, {"high": 1}), (181, {"high": 2}), (201, {"high": 2, "low": 1})):
            assert (await store.ack_counts(before)).overdue == overdue
        for event_id, verdict in (("a1", "true_positive"), ("a2", "false_positive"), ("a3", "false_positive")):
            await store.change(event_id, act("verdict", at=600, verdict=verdict))
        await store.change("b1", act("verdict", at=600, verdict="true_positive"))
        assert (await store.ack_counts(0)).judged == {
            ("cpu", "true_positive"): 1,
            ("cpu", "false_positive"): 2,
            ("disk", "true_positive"): 1,
        }

    run_store(work)
