"""What the port Store promises of what people do to alerts, and of the ends of acknowledgements."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from cepd.model.alert import Fold
from cepd.model.errors import ConflictError, GoneError, HeldError, InputError
from cepd.ports import AlertQuery, Recording, Store
from tests.support.acts import act, lines, opened
from tests.support.alerts import alert
from tests.support.streams import notices

Run = Callable[[Callable[[Store], Awaitable[None]]], None]


async def told(store: Store, kind: str, event_id: str = "a1") -> list[int]:
    return [at for what, which, at in await notices(store) if (what, which) == (kind, event_id)]


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


def test_a_note_that_is_stored_with_another_character_is_the_same_note_again(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1")
        asked = act("note", note="seen \x00 it", key="k")
        assert (await store.change("a1", asked)).kind == "note"
        assert (await store.change("a1", asked)).kind is None
        with pytest.raises(ConflictError, match="key of another request"):
            await store.change("a1", act("note", note="seen it", key="k"))

    run_store(work)


def test_what_was_carried_out_is_answered_again_after_its_end(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await opened(store, "a1")
        await store.change("a1", act("ack", at=10, until=20, key="k"))
        assert (await store.change("a1", act("ack", at=30, until=20, key="k"))).kind is None
        with pytest.raises(InputError, match="would have ended"):
            await store.change("a2", act("ack", at=30, until=20, key="k"))

    run_store(work)
