"""What the port Store promises of deliveries that people send again or drop, over every implementation of it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from cepd.model.delivery import Delivery, Outcome
from cepd.model.errors import ConflictError, NotFoundError
from cepd.model.terms import BreakerSpec, Terms
from cepd.ports import DeliveryQuery, Recording, RedriveQuery, Store
from tests.support.alerts import SECOND, alert, draft, ended

Run = Callable[[Callable[[Store], Awaitable[None]]], None]

DOWN = Outcome(result="retryable", detail="HTTP 503", status=503)
UNHEARD = Outcome(result="unknown", detail="no answer came")
TERMS = Terms(delays=(SECOND,), breaker=BreakerSpec(failure_threshold=1_000))


async def owe(store: Store, *names: str, kind: str = "fired", key: str = "k", **more: object) -> None:
    drafts = [draft(name, kind=kind, order_key=key, **{"terms": TERMS, **more}) for name in names]
    await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=drafts))


async def come_to(store: Store, state: str, *, outcome: Outcome = DOWN, now: int = 1000, **more: object) -> str:
    """Claims the one delivery that may go next, and settles it."""
    (claimed,) = await store.claim(now=now, per_target=9)
    await ended(store, claimed, state=state, outcome=outcome, **more)
    return claimed.id


async def sent(store: Store) -> str:
    return await come_to(store, "sent", outcome=Outcome(result="sent", status=204))


async def state_of(store: Store, delivery_id: str) -> str:
    return (await store.delivery(delivery_id)).delivery.state


def ids(deliveries: list[Delivery]) -> list[str]:
    return [delivery.id for delivery in deliveries]


def test_what_died_goes_out_again_under_the_same_id_with_all_its_tries(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, "d1", terms=Terms(delays=(), keep_trying=5 * SECOND))
        await come_to(store, "dead", attempts=5)
        again = await store.redrive("d1", by="alice", at=9 * SECOND)
        assert (again.state, again.attempts, again.tries, again.next_at) == ("pending", 0, 1, 9 * SECOND)
        assert (again.deadline, again.reason, again.settled_at) == (None, None, None)
        assert (again.redriven_by, again.redriven_at) == ("alice", 9 * SECOND)
        assert await store.claim(now=9 * SECOND - 1, per_target=9) == []
        (claimed,) = await store.claim(now=9 * SECOND, per_target=9)
        assert (claimed.id, claimed.tries) == ("d1", 2)
        await ended(store, claimed)
        found = await store.delivery("d1")
        assert [one.outcome and one.outcome.result for one in found.attempts] == ["retryable", "sent"]

    run_store(work)


def test_only_what_is_over_without_having_been_sent_can_be_sent_again(run_store: Run) -> None:
    async def work(store: Store) -> None:
        with pytest.raises(NotFoundError, match="no delivery none"):
            await store.redrive("none", by="alice", at=1)
        await owe(store, "d1")
        with pytest.raises(ConflictError, match="d1 is pending"):
            await store.redrive("d1", by="alice", at=1)
        (claimed,) = await store.claim(now=1000, per_target=9)
        with pytest.raises(ConflictError, match="d1 is sending"):
            await store.redrive("d1", by="alice", at=1)
        await ended(store, claimed)
        with pytest.raises(ConflictError, match="d1 is sent") as refused:
            await store.redrive("d1", by="alice", at=1, force=True)
        assert "dead, unknown or expired" in refused.value.help

    run_store(work)


def test_what_is_dropped_is_not_owed_and_cannot_come_back(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, "d1", "d2")
        await come_to(store, "dead")
        dropped = await store.drop("d1", by="alice", at=7, note="told by phone")
        assert (dropped.state, dropped.reason, dropped.settled_at) == (
            "suppressed",
            "dropped by alice: told by phone",
            7,
        )
        assert (await store.drop("d2", by="bob", at=8)).reason == "dropped by bob"
        assert await store.claim(now=10**9, per_target=9) == []
        for call in (store.redrive("d1", by="alice", at=9), store.drop("d1", by="alice", at=9)):
            with pytest.raises(ConflictError, match="d1 is suppressed"):
                await call
        with pytest.raises(NotFoundError):
            await store.drop("none", by="alice", at=9)
        assert dict(store.tally.outcomes) == {("ops", "dead"): 1, ("ops", "suppressed"): 2}

    run_store(work)


def test_a_begin_does_not_go_out_behind_its_end(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, "begin")
        await come_to(store, "dead")
        await owe(store, "end", kind="resolved")
        await sent(store)
        with pytest.raises(ConflictError, match=r"begin \(fired\) was overtaken: end \(resolved\)") as refused:
            await store.redrive("begin", by="alice", at=1)
        assert "force" in refused.value.help
        assert await state_of(store, "begin") == "dead"
        assert (await store.redrive("begin", by="alice", at=1, force=True)).state == "pending"

    run_store(work)


def test_a_begin_goes_out_ahead_of_the_end_that_waits(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, "begin")
        await come_to(store, "dead")
        await owe(store, "end", kind="resolved")
        await come_to(store, "pending", next_at=5000)
        await store.redrive("begin", by="alice", at=2000)
        assert ids(await store.claim(now=9000, per_target=9)) == ["begin"]
        assert await store.claim(now=9000, per_target=9) == []

    run_store(work)


@pytest.mark.parametrize("state", ["dead", "pending", "unknown"])
def test_an_end_of_which_nobody_heard_may_have_arrived(run_store: Run, state: str) -> None:
    async def work(store: Store) -> None:
        await owe(store, "begin")
        await come_to(store, "dead")
        await owe(store, "end", kind="resolved")
        await come_to(store, state, outcome=UNHEARD, next_at=5000)
        with pytest.raises(ConflictError, match="overtaken"):
            await store.redrive("begin", by="alice", at=1)

    run_store(work)


def test_an_end_that_is_being_tried_may_arrive(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, "begin")
        await come_to(store, "dead")
        await owe(store, "end", kind="resolved")
        assert ids(await store.claim(now=1000, per_target=9)) == ["end"]
        with pytest.raises(ConflictError, match="overtaken"):
            await store.redrive("begin", by="alice", at=1)

    run_store(work)


def test_neither_begin_nor_end_goes_out_behind_the_next_begin(run_store: Run) -> None:
    """A begin alone would open what nobody closes, an end would seem to be that of the begin before it."""

    async def work(store: Store) -> None:
        await owe(store, "begin")
        await come_to(store, "dead")
        await owe(store, "end", kind="resolved")
        await come_to(store, "dead")
        await owe(store, "again")
        await sent(store)
        for name in ("begin", "end"):
            with pytest.raises(ConflictError, match=r"again \(fired\)"):
                await store.redrive(name, by="alice", at=1)

    run_store(work)


def test_where_no_end_is_told_a_message_may_be_late_and_other_keys_do_not_matter(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await owe(store, "d1")
        await come_to(store, "dead")
        await owe(store, "d2")
        await sent(store)
        await owe(store, "end", kind="resolved", key="other")
        await sent(store)
        assert (await store.redrive("d1", by="alice", at=1)).state == "pending"

    run_store(work)


async def many(store: Store) -> None:
    """Dead: d0 to d3 to ops, m0 to mail, and `begin`, which its end has overtaken. Unknown: u0."""
    await owe(store, "begin", key="b")
    await come_to(store, "dead")
    await owe(store, "end", kind="resolved", key="b")
    await sent(store)
    for name in ("d0", "d1", "d2", "d3"):
        await owe(store, name, key=name, rule_id="disk" if name == "d3" else "cpu")
        await come_to(store, "dead")
    await owe(store, "m0", key="m0", target="mail")
    await come_to(store, "dead")
    await owe(store, "u0", key="u0")
    await come_to(store, "unknown", outcome=UNHEARD)


def test_many_are_sent_again_oldest_first_and_as_many_as_were_asked_for(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await many(store)
        looked = await store.redrive_all(RedriveQuery(target="ops", most=2), by="alice", at=9, dry_run=True)
        assert (ids(looked.deliveries), looked.more) == (["d0", "d1"], True)
        assert [(one.delivery.id, one.by) for one in looked.overtaken] == [("begin", "end")]
        assert await state_of(store, "d0") == "dead"
        done = await store.redrive_all(RedriveQuery(target="ops", most=2), by="alice", at=9)
        assert done == looked
        assert [await state_of(store, name) for name in ("d0", "d1", "d2")] == ["pending", "pending", "dead"]
        rest = await store.redrive_all(RedriveQuery(most=3, rule_id="cpu"), by="alice", at=9)
        assert (ids(rest.deliveries), rest.more) == (["d2", "m0"], False)
        assert (await store.delivery("m0")).delivery.redriven_by == "alice"

    run_store(work)


def test_many_are_chosen_by_state_and_force_takes_the_overtaken_too(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await many(store)
        assert ids((await store.redrive_all(RedriveQuery(state="unknown"), by="a", at=9)).deliveries) == ["u0"]
        for state in ("sent", "pending", "suppressed"):
            none = await store.redrive_all(RedriveQuery(state=state, force=True), by="a", at=9)
            assert (none.deliveries, none.overtaken, none.more) == ([], [], False)
        forced = await store.redrive_all(RedriveQuery(rule_id="cpu", target="ops", force=True), by="a", at=9)
        assert (ids(forced.deliveries), forced.overtaken) == (["begin", "d0", "d1", "d2"], [])

    run_store(work)


def test_pages_of_what_went_wrong_are_newest_first(run_store: Run) -> None:
    async def work(store: Store) -> None:
        await many(store)
        first = await store.deliveries(DeliveryQuery(state="dead", target="ops", limit=3))
        assert ids(first.deliveries) == ["d3", "d2", "d1"]
        second = await store.deliveries(DeliveryQuery(state="dead", target="ops", cursor=first.next_cursor))
        assert (ids(second.deliveries), second.next_cursor) == (["d0", "begin"], None)
        assert ids((await store.deliveries(DeliveryQuery(state="unknown"))).deliveries) == ["u0"]
        assert ids((await store.deliveries(DeliveryQuery(rule_id="disk"))).deliveries) == ["d3"]

    run_store(work)


def test_a_claim_at_the_same_moment_takes_the_begin_or_keeps_it_from_going_out(run_store: Run) -> None:
    async def work(store: Store) -> None:
        for number in range(20):
            begin, end, key = f"begin{number}", f"end{number}", f"k{number}"
            await owe(store, begin, key=key)
            await come_to(store, "dead")
            await owe(store, end, kind="resolved", key=key)
            redrive = store.redrive_all(RedriveQuery(), by="alice", at=1000)
            claim = store.claim(now=1000, per_target=9)
            done, (claimed,) = await asyncio.gather(redrive, claim)
            if claimed.id == begin:
                assert ids(done.deliveries) == [begin]
            else:
                assert (claimed.id, done.deliveries) == (end, [])
                await store.drop(begin, by="alice", at=1000)
            await ended(store, claimed)
            if claimed.id == begin:
                assert await sent(store) == end

    run_store(work)


def test_what_is_dropped_at_the_moment_of_a_claim_is_either(run_store: Run) -> None:
    async def work(store: Store) -> None:
        for number in range(20):
            await owe(store, f"d{number}", key=f"k{number}")
            dropping = store.drop(f"d{number}", by="alice", at=1000)
            dropped, claimed = await asyncio.gather(
                dropping, store.claim(now=1000, per_target=9), return_exceptions=True
            )
            assert not isinstance(claimed, BaseException)
            if isinstance(dropped, ConflictError):
                assert ids(claimed) == [f"d{number}"]
                await ended(store, claimed[0])
            else:
                assert claimed == []
                assert await state_of(store, f"d{number}") == "suppressed"

    run_store(work)
