"""What the port Store promises of what people do to alerts, and of the ends of acknowledgements."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from cepd.model.act import Act
from cepd.model.alert import Fold
from cepd.model.errors import ConflictError, GoneError, HeldError, InputError, NotFoundError
from cepd.ports import AlertQuery, Recording, Store
from tests.support.alerts import alert, draft, ended
from tests.support.streams import notices

Run = Callable[[Callable[[Store], Awaitable[None]]], None]


def act(kind: str, by: str = "alice", at: int = 10, **more: Any) -> Act:
    return msgspec.convert({"kind": kind, "by": by, "at": at, **more}, Act)


async def told(store: Store, kind: str, event_id: str = "a1") -> list[int]:
    return [at for what, which, at in await notices(store) if (what, which) == (kind, event_id)]


async def lines(store: Store, event_id: str = "a1") -> list[tuple[int, str, str, str, str]]:
    history = (await store.alert(event_id)).history
    return [(line.at, line.kind, line.by, line.before, line.after) for line in history]


async def opened(store: Store, *event_ids: str, at: int = 5, **more: Any) -> None:
    await store.record(Recording(seq=1, alerts=[alert(one, **more) for one in event_ids], at=at))


def test_an_acknowledgement_says_through_what_it_came_and_until_when(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1")
        changed = await store.change("a1", act("ack", source="cli", until=99, note="mine"))
        assert (changed.kind, changed.before.state, changed.alert.state) == ("ack", "open", "acked")
        found = await store.alert("a1")
        assert found.alert == changed.alert
        assert (found.alert.acked_by, found.alert.ack_source, found.alert.ack_until) == ("alice", "cli", 99)
        (line,) = found.history
        assert (line.source, line.until, line.note) == ("cli", 99, "mine")
        assert await told(store, "acked") == [10]

    run_store(work)


def test_again_by_the_same_person_changes_nothing_but_another_end(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1")
        await store.change("a1", act("ack", until=99))
        for again in (act("ack", at=11), act("ack", at=12, until=99, note="x"), act("ack", at=13, steal=True)):
            assert (await store.change("a1", again)).kind is None
        extended = await store.change("a1", act("ack", at=14, until=200))
        assert (extended.kind, extended.alert.ack_until, extended.alert.acked_at) == ("extend", 200, 10)
        assert await lines(store) == [
            (10, "ack", "alice", "open", "acked"),
            (14, "extend", "alice", "acked", "acked"),
        ]
        assert await told(store, "acked") == [10, 14]

    run_store(work)


def test_an_end_that_is_over_already_is_refused(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1")
        for until in (9, 10):
            with pytest.raises(InputError, match="would have ended"):
                await store.change("a1", act("ack", until=until))
        assert await lines(store) == []

    run_store(work)


@pytest.mark.parametrize("kind", ["ack", "unack", "resolve"])
def test_what_another_holds_has_to_be_taken_over(run_store: Run, kind: str) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1")
        await store.change("a1", act("ack"))
        with pytest.raises(HeldError, match="alice") as refused:
            await store.change("a1", act(kind, by="bob", at=11))
        assert (refused.value.holder, refused.value.since) == ("alice", 10)
        assert len(await lines(store)) == 1
        changed = await store.change("a1", act(kind, by="bob", at=12, steal=True))
        assert changed.kind == {"ack": "steal", "unack": "unack", "resolve": "resolve"}[kind]

    run_store(work)


def test_what_is_given_back_is_open_and_unacknowledged(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1")
        assert (await store.change("a1", act("unack"))).kind is None
        await store.change("a1", act("ack", until=99, note="n"))
        changed = await store.change("a1", act("unack", at=20, note="not mine"))
        assert changed.alert == msgspec.structs.replace(alert("a1"), recorded_at=5, unacked_since=20)
        assert changed.alert.waits_since == 20
        assert (await lines(store))[-1] == (20, "unack", "alice", "acked", "open")
        assert await told(store, "unacked") == [20]
        assert (await store.change("a1", act("ack", by="bob", at=21))).kind == "ack"

    run_store(work)


def test_an_acknowledgement_ends_at_its_end_whoever_notes_it_and_whenever(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1", "a2", "a3", "a4")
        assert await store.lapse(50) == msgspec.convert({"event_ids": [], "next_at": None}, type(await store.lapse(50)))
        await store.change_all(["a1", "a2"], act("ack", until=60))
        await store.change("a3", act("ack", until=80))
        await store.change("a4", act("ack"))
        early = await store.lapse(59)
        assert (early.event_ids, early.next_at) == ([], 60)
        lapsed = await store.lapse(70)
        assert (sorted(lapsed.event_ids), lapsed.next_at) == (["a1", "a2"], 80)
        assert await lines(store) == [(10, "ack", "alice", "open", "acked"), (60, "lapse", "cepd", "acked", "open")]
        assert (await store.alert("a1")).history[-1].source == "cepd"
        found = (await store.alert("a1")).alert
        assert (found.state, found.acked_by, found.ack_until, found.waits_since) == ("open", None, None, 60)
        assert await told(store, "unacked") == [70]
        assert (await store.lapse(70)).event_ids == []
        assert [one.event_id for one in (await store.alerts(AlertQuery(acked=True))).alerts] == ["a4", "a3"]

    run_store(work)


def test_whoever_changes_an_alert_finds_an_ended_acknowledgement_gone(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1")
        await store.change("a1", act("ack", until=60))
        changed = await store.change("a1", act("ack", by="bob", at=60))
        assert (changed.kind, changed.before.acked_by, changed.before.waits_since) == ("ack", None, 60)
        assert await lines(store) == [
            (10, "ack", "alice", "open", "acked"),
            (60, "lapse", "cepd", "acked", "open"),
            (60, "ack", "bob", "open", "acked"),
        ]
        assert [what for what, _, _ in await notices(store) if what in ("acked", "unacked")] == [
            "acked",
            "unacked",
            "acked",
        ]

    run_store(work)


def test_too_many_ends_at_once_are_taken_in_turns(run_store: Run) -> None:
    async def work(store: Store) -> None:
        ids = [f"a{n}" for n in range(501)]
        await opened(store, *ids)
        await store.change_all(ids, act("ack", until=60))
        first = await store.lapse(61)
        assert (len(first.event_ids), first.next_at) == (500, 60)
        second = await store.lapse(61)
        assert (len(second.event_ids), second.next_at) == (1, None)

    run_store(work)


def test_of_a_resolved_alert_no_acknowledgement_ends(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1")
        await store.change("a1", act("ack", until=60))
        await store.record(Recording(seq=2, folds=[Fold("a1", 2, 20, True)], at=30))
        lapsed = await store.lapse(100)
        assert (lapsed.event_ids, lapsed.next_at) == ([], None)
        found = (await store.alert("a1")).alert
        assert (found.state, found.acked_by, found.resolved_at, found.resolved_by) == ("resolved", "alice", 30, None)

    run_store(work)


def test_what_a_person_resolved_stays_so_and_is_counted_on(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1")
        changed = await store.change("a1", act("resolve", at=12, note="fixed"))
        assert (changed.kind, changed.alert.state) == ("resolve", "resolved")
        assert await told(store, "resolved") == [12]
        for fold in (Fold("a1", 5, 50, False), Fold("a1", 6, 60, True), Fold("a1", 7, 70, False)):
            await store.record(Recording(seq=2, folds=[fold], at=99))
        found = (await store.alert("a1")).alert
        assert (found.state, found.count, found.last_at) == ("resolved", 7, 70)
        assert (found.resolved_by, found.resolved_at) == ("alice", 12)
        assert (await store.change("a1", act("resolve", by="bob", at=13))).kind is None
        assert await lines(store) == [(12, "resolve", "alice", "open", "resolved")]
        await opened(store, "a2")
        assert (await store.alert("a2")).alert.state == "open"

    run_store(work)


def test_what_the_engine_resolved_it_may_open_again_until_a_person_resolves_it(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1")
        await store.record(Recording(seq=2, folds=[Fold("a1", 2, 20, True)], at=30))
        await store.record(Recording(seq=2, folds=[Fold("a1", 2, 20, True)], at=31))
        assert (await store.alert("a1")).alert.resolved_at == 30
        await store.record(Recording(seq=3, folds=[Fold("a1", 3, 30, False)], at=40))
        found = (await store.alert("a1")).alert
        assert (found.state, found.resolved_at) == ("open", None)
        await store.record(Recording(seq=4, folds=[Fold("a1", 4, 40, True)], at=50))
        changed = await store.change("a1", act("resolve", at=60))
        assert (changed.kind, changed.alert.resolved_at, changed.alert.resolved_by) == ("resolve", 50, "alice")
        await store.record(Recording(seq=5, folds=[Fold("a1", 5, 70, False)], at=70))
        assert (await store.alert("a1")).alert.state == "resolved"

    run_store(work)


def test_what_is_closed_takes_notes_and_verdicts_and_nothing_else(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1")
        await store.change("a1", act("ack"))
        await store.change("a1", act("resolve", at=12))
        assert (await store.change("a1", act("ack", at=13))).kind is None
        for refused in (
            act("ack", by="bob", at=13),
            act("ack", by="bob", at=13, steal=True),
            act("ack", at=13, until=99),
            act("unack", at=13),
        ):
            with pytest.raises(GoneError, match="alice resolved a1"):
                await store.change("a1", refused)
        assert (await store.change("a1", act("note", by="bob", at=14, note="n"))).kind == "note"
        assert (await store.change("a1", act("verdict", by="bob", at=15, verdict="true_positive"))).kind == "verdict"

    run_store(work)


def test_an_acknowledgement_of_what_the_engine_resolved_has_no_end(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1", resolved=True)
        with pytest.raises(ConflictError, match="is resolved"):
            await store.change("a1", act("ack", until=99))
        assert (await store.change("a1", act("ack"))).alert.state == "resolved"

    run_store(work)


def test_notes_add_up(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1")
        for at in (10, 11):
            await store.change("a1", act("note", at=at, note="seen \x00 it", source="cli"))
        found = await store.alert("a1")
        assert [(line.kind, line.note, line.source) for line in found.history] == [
            ("note", "seen \ufffd it", "cli"),
            ("note", "seen \ufffd it", "cli"),
        ]
        assert found.alert.state == "open"
        assert await told(store, "noted") == [10, 11]

    run_store(work)


def test_a_verdict_can_be_changed_and_taken_back_and_history_keeps_each(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1")
        for at, by, verdict, kind in (
            (10, "alice", "false_positive", "verdict"),
            (11, "bob", "false_positive", None),
            (12, "bob", "true_positive", "verdict"),
            (13, "alice", None, "verdict"),
            (14, "alice", None, None),
        ):
            assert (await store.change("a1", act("verdict", by, at, verdict=verdict))).kind == kind
        found = await store.alert("a1")
        assert (found.alert.verdict, found.alert.verdict_by) == (None, None)
        assert [(line.at, line.by, line.verdict) for line in found.history] == [
            (10, "alice", "false_positive"),
            (12, "bob", "true_positive"),
            (13, "alice", None),
        ]
        assert await told(store, "judged") == [10, 12, 13]

    run_store(work)


def test_a_request_under_a_key_is_carried_out_once(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1", "a2")
        note = act("note", note="n", key="k1")
        assert [(await store.change("a1", note)).kind for _ in range(3)] == ["note", None, None]
        assert (await store.change("a2", note)).kind == "note"
        ack = act("ack", at=11, until=50, key="k2")
        await store.change("a1", ack)
        await store.change("a1", act("unack", at=12))
        again = await store.change("a1", msgspec.structs.replace(ack, at=60))
        assert (again.kind, again.alert.state) == (None, "open")
        for other in (
            act("note", note="other", key="k1"),
            act("note", by="bob", note="n", key="k1"),
            act("resolve", key="k1"),
            act("ack", at=11, until=51, key="k2"),
        ):
            with pytest.raises(ConflictError, match="key of another request"):
                await store.change("a1", other)
        assert [kind for _, kind, *_ in await lines(store)] == ["note", "ack", "unack"]

    run_store(work)


def test_of_many_who_send_one_key_at_once_one_is_heard(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1")
        note = act("note", note="n", key="k")
        kinds = await asyncio.gather(*(store.change("a1", note) for _ in range(10)))
        assert sorted(str(one.kind) for one in kinds) == ["None"] * 9 + ["note"]

    run_store(work)


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
