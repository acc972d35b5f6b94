"""What the port Store promises of alerts, over every implementation of it. Deliveries: test_store_deliveries."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import msgspec
import pytest

from cepd.model.alert import Fold
from cepd.model.errors import ConflictError, InputError, NotFoundError, RetryLaterError
from cepd.model.json import Json
from cepd.ports import AlertPage, AlertQuery, Recording, Store
from tests.support.acknowledging import acknowledge
from tests.support.alerts import alert, draft

Run = Callable[[Callable[[Store], Awaitable[None]]], None]


async def ids(store: Store, **query: Json) -> list[str]:
    return [found.event_id for found in (await store.alerts(AlertQuery(**query))).alerts]


def test_an_alert_comes_back_as_it_was_recorded(run_store: Run) -> None:
    written = [
        alert("a1", window=(5, 9), generation="g", revision="r", values={"n": 2**62, "f": 0.1}, source_event_ids=()),
        alert("a2", window=(5, None), kind="storm", payload="{not json", key={}, recorded_at=3, severity="info"),
        alert("a3", payload=None, summary="' \" % {x} \U0001f600", key={"'; DROP TABLE alert; --": "x"}),
        alert("a4", payload={"big": 10**30, "deep": [[[{}]]], "": True}),
    ]

    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=written, at=77))
        for one in written:
            expected = msgspec.structs.replace(one, recorded_at=one.recorded_at or 77)
            assert (await store.alert(one.event_id)).alert == expected
        page = await store.alerts(AlertQuery())
        assert [found.event_id for found in page.alerts] == ["a4", "a3", "a2", "a1"]
        assert page.next_cursor is None
        assert page.channels == {"a1": {}, "a2": {}, "a3": {}, "a4": {}}

    run_store(work)


def test_recording_twice_changes_nothing(run_store: Run) -> None:
    recording = Recording(
        seq=9,
        alerts=[alert("a1")],
        folds=[Fold("a1", 3, 30)],
        drafts=[draft("d1"), draft("d2")],
        at=5,
    )

    async def work(store: Store) -> None:
        await store.record(recording)
        first = await store.alert("a1")
        assert (first.alert.count, first.alert.last_at) == (3, 30)
        assert [found.id for found in first.deliveries] == ["d1", "d2"]
        await acknowledge(store, "a1", by="alice", at=6, note=None, steal=False)
        claimed = await store.claim(now=100, per_target=1)
        await store.record(msgspec.structs.replace(recording, at=99, alerts=[alert("a1", summary="other", count=9)]))
        again = await store.alert("a1")
        assert again.alert == msgspec.structs.replace(first.alert, acked_by="alice", acked_at=6, ack_source="api")
        assert [found.state for found in again.deliveries] == ["sending", "pending"]
        assert [found.id for found in claimed] == ["d1"]

    run_store(work)


@pytest.mark.parametrize(
    ("folds", "count", "last_at", "resolved"),
    [
        ([Fold("a1", 5, 50), Fold("a1", 3, 30)], 5, 50, False),
        ([Fold("a1", 5, 50), Fold("a1", 5, 40)], 5, 50, False),
        ([Fold("a1", 5, 50, True), Fold("a1", 5, 50, False)], 5, 50, True),
        ([Fold("a1", 5, 50, True), Fold("a1", 4, 40, False)], 5, 50, True),
        ([Fold("a1", 1, 10, True)], 1, 10, True),
        ([Fold("a1", 5, 50, True), Fold("a1", 6, 60, False)], 6, 60, False),
        ([Fold("a1", 0, 99, True)], 1, 10, False),
        ([Fold("missing", 5, 50)], 1, 10, False),
    ],
)
def test_a_fold_only_raises(run_store: Run, folds: list[Fold], count: int, last_at: int, resolved: bool) -> None:
    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=[alert("a1", last_at=10)]))
        for number, fold in enumerate(folds):
            await store.record(Recording(seq=2 + number, folds=[fold]))
        found = (await store.alert("a1")).alert
        assert (found.count, found.last_at, found.resolved) == (count, last_at, resolved)

    run_store(work)


def test_a_fold_never_touches_the_acknowledgement(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=[alert("a1")]))
        await acknowledge(store, "a1", by="alice", at=7, note="mine", steal=False)
        await store.record(Recording(seq=2, folds=[Fold("a1", 8, 80, True)]))
        found = (await store.alert("a1")).alert
        assert (found.acked_by, found.acked_at, found.ack_note, found.count) == ("alice", 7, "mine", 8)
        assert found.state == "resolved"

    run_store(work)


def test_a_recording_is_whole_or_not_at_all(run_store: Run) -> None:
    async def work(store: Store) -> None:
        broken = draft("d2", due_at=2**80)
        with pytest.raises((OverflowError, asyncpg.DataError)):
            await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=[draft("d1"), broken]))
        with pytest.raises(NotFoundError):
            await store.alert("a1")
        assert await store.claim(now=1000, per_target=10) == []
        await store.record(Recording(seq=1, alerts=[alert("a1")]))

    run_store(work)


def test_an_error_of_one_call_does_not_reach_those_beside_it(run_store: Run) -> None:
    async def work(store: Store) -> None:
        good = [store.record(Recording(seq=n, alerts=[alert(f"a{n}")])) for n in range(1, 20)]
        bad = [acknowledge(store, "none", by="x", at=1, note=None, steal=False) for _ in range(5)]
        results = await asyncio.gather(*good[:10], *bad, *good[10:], return_exceptions=True)
        assert [type(result) for result in results] == [type(None)] * 10 + [NotFoundError] * 5 + [type(None)] * 9
        assert len(await ids(store)) == 19

    run_store(work)


def test_pages_stay_put_while_new_alerts_arrive(run_store: Run) -> None:
    async def work(store: Store) -> None:
        for number in range(10):
            await store.record(Recording(seq=number, alerts=[alert(f"a{number}", time=100 - number)]))
        seen: list[str] = []
        cursor = None
        for arriving in range(10, 30):
            page: AlertPage = await store.alerts(AlertQuery(limit=3, cursor=cursor))
            seen += [found.event_id for found in page.alerts]
            cursor = page.next_cursor
            if cursor is None:
                break
            await store.record(Recording(seq=arriving, alerts=[alert(f"a{arriving}")]))
        assert seen == [f"a{number}" for number in reversed(range(10))]

    run_store(work)


def test_a_page_that_just_fits_has_no_next_one(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=[alert("a1"), alert("a2")]))
        assert (await store.alerts(AlertQuery(limit=2))).next_cursor is None
        assert (await store.alerts(AlertQuery(limit=1))).next_cursor is not None

    run_store(work)


@pytest.mark.parametrize("cursor", ["", "x", "1", "é", "YWxlcnQ6MQ==", "YWxlcnQ6MDE", "YWxlcnQ6LTE", "A" * 500, "\x00"])
def test_a_cursor_of_others_is_refused(run_store: Run, cursor: str) -> None:
    async def work(store: Store) -> None:
        with pytest.raises(InputError, match="is not a cursor"):
            await store.alerts(AlertQuery(cursor=cursor))

    run_store(work)


def test_filters_agree_with_a_plain_loop(run_store: Run) -> None:
    written = [
        alert(f"a{n}", rule_id="rs"[n % 2], severity=["low", "high", "info"][n % 3], time=n, resolved=n % 5 == 0)
        for n in range(60)
    ]
    queries: list[dict[str, Json]] = [
        {"rule_id": "r"},
        {"severity": ("high",)},
        {"severity": ("high", "info")},
        {"state": "open"},
        {"state": "acked"},
        {"state": "resolved"},
        {"acked": True},
        {"acked": False, "rule_id": "s"},
        {"since": 10, "until": 20},
        {"since": 59},
        {"until": 1},
        {"rule_id": "r", "severity": ("low",), "state": "open", "since": 7},
        {"rule_id": "' OR 1=1 --"},
    ]

    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=written))
        for n in range(0, 60, 4):
            await acknowledge(store, f"a{n}", by="alice", at=1, note=None, steal=False)
        everything = [(await store.alert(f"a{n}")).alert for n in reversed(range(60))]
        for query in queries:
            expected = [
                one.event_id
                for one in everything
                if one.rule_id == query.get("rule_id", one.rule_id)
                and one.severity in query.get("severity", (one.severity,))
                and one.state == query.get("state", one.state)
                and (one.acked_by is not None) == query.get("acked", one.acked_by is not None)
                and query.get("since", 0) <= one.time < query.get("until", 1000)
            ]
            assert await ids(store, limit=1000, **query) == expected
        with pytest.raises(InputError, match="no state"):
            await store.alerts(AlertQuery(state="gone"))

    run_store(work)


def test_an_acknowledgement_belongs_to_one_person_until_it_is_taken_over(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=[alert("a1")]))
        first = await acknowledge(store, "a1", by="alice", at=11, note="mine", steal=False)
        assert (first.state, first.acked_by, first.acked_at, first.ack_note) == ("acked", "alice", 11, "mine")
        assert await acknowledge(store, "a1", by="alice", at=12, note="again", steal=True) == first
        with pytest.raises(ConflictError, match="alice"):
            await acknowledge(store, "a1", by="bob", at=13, note=None, steal=False)
        stolen = await acknowledge(store, "a1", by="bob", at=14, note=None, steal=True)
        assert (stolen.acked_by, stolen.acked_at, stolen.ack_note) == ("bob", 14, None)
        found = await store.alert("a1")
        assert found.alert == stolen
        assert [(one.at, one.kind, one.by, one.before, one.after, one.note) for one in found.history] == [
            (11, "ack", "alice", "open", "acked", "mine"),
            (14, "steal", "bob", "acked", "acked", None),
        ]
        with pytest.raises(NotFoundError):
            await acknowledge(store, "none", by="bob", at=1, note=None, steal=True)

    run_store(work)


def test_a_resolved_alert_can_be_acknowledged_and_stays_resolved(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=[alert("a1", resolved=True)]))
        found = await acknowledge(store, "a1", by="alice", at=11, note=None, steal=True)
        assert (found.state, found.acked_by) == ("resolved", "alice")
        change = (await store.alert("a1")).history[0]
        assert (change.kind, change.before, change.after) == ("ack", "resolved", "resolved")

    run_store(work)


def test_of_many_who_acknowledge_at_once_one_has_it(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=[alert("a1")]))
        tries = [acknowledge(store, "a1", by=f"p{n}", at=n, note=None, steal=False) for n in range(20)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(result, ConflictError) for result in results) == 19
        assert len((await store.alert("a1")).history) == 1

    run_store(work)


def test_after_close_it_asks_to_come_back(run_store: Run) -> None:
    async def work(store: Store) -> None:
        pending = asyncio.create_task(store.record(Recording(seq=1, alerts=[alert("a1")])))
        await asyncio.sleep(0)
        await store.close()
        await store.close()
        await pending
        for call in (
            store.record(Recording(seq=2)),
            store.alerts(AlertQuery()),
            store.claim(now=1, per_target=1),
        ):
            with pytest.raises(RetryLaterError):
                await call

    run_store(work)


def test_what_is_unacknowledged_is_counted_by_severity(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await store.record(
            Recording(
                seq=1,
                alerts=[
                    alert("a1", severity="high"),
                    alert("a2", severity="high"),
                    alert("a3", severity="low"),
                    alert("a4", severity="info", resolved=True),
                ],
            )
        )
        await acknowledge(store, "a2", by="alice", at=1, note=None, steal=False)
        assert (await store.counts()).unacked == {"high": 1, "low": 1}

    run_store(work)


def test_the_newest_recorded_row_is_known_and_can_be_taken_back(run_store: Run) -> None:
    async def work(store: Store) -> None:
        assert await store.recorded() == 0
        await store.rewind(3)
        assert await store.recorded() == 0
        for seq, newest in ((5, 5), (9, 9), (2, 9)):
            await store.record(Recording(seq=seq))
            assert await store.recorded() == newest
        for seq, newest in ((12, 9), (4, 4)):
            await store.rewind(seq)
            assert await store.recorded() == newest
        await store.record(Recording(seq=6))
        assert await store.recorded() == 6

    run_store(work)
