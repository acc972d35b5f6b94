"""Whatever is in the store, a dispatcher that sleeps as long as `next_due` says misses nothing.

The oracle is the claim itself, tried and undone at every instant.
"""

import asyncio
from functools import partial
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.model.delivery import Draft
from cepd.model.terms import Terms
from cepd.ports import Tally
from cepd.stores.operations import perform
from cepd.stores.outbox import claim
from cepd.stores.sqlite import execute
from cepd.stores.store import SqlStore
from tests.support.alerts import draft
from tests.support.in_memory import InMemory
from tests.support.outbox import SENT, settlement

NOW = 10
END = 26
"""Nothing is later."""

times = st.integers(0, 20)
perhaps = st.none() | times
deliveries = st.fixed_dictionaries(
    {
        "target": st.sampled_from(["ops", "mail"]),
        "key": st.sampled_from("xy"),
        "kind": st.sampled_from(["fired", "fired", "resolved"]),
        "state": st.sampled_from(["pending", "pending", "pending", "sending", "sent"]),
        "attempts": st.integers(0, 2),
        "next_at": times,
        "deadline": perhaps,
        "urgent": st.booleans(),
        "fell_back": st.booleans(),
        "lease_until": times,
        "on_unknown": st.sampled_from(["resend", "hold"]),
    }
)
holds = st.fixed_dictionaries({"paused_until": perhaps, "open_until": perhaps, "trials": st.integers(1, 2)})
states = st.fixed_dictionaries(
    {
        "deliveries": st.lists(deliveries, min_size=1, max_size=7),
        "targets": st.fixed_dictionaries(
            {"ops": st.none() | holds, "mail": st.none() | holds, "sms": st.none() | holds}
        ),
        "per_target": st.integers(1, 2),
    }
)


def store_with(state: dict[str, Any]) -> InMemory:
    database = InMemory()
    for number, one in enumerate(state["deliveries"]):
        _insert(database, number, **one)
    for target, held in state["targets"].items():
        if held is not None:
            database.connection.execute(
                "INSERT INTO target (target, paused_until, open_until, trials, failures) VALUES (?, ?, ?, ?, 3)",
                (target, held["paused_until"], held["open_until"], held["trials"]),
            )
    return database


def _insert(database: InMemory, number: int, *, key: str, on_unknown: str, **values: Any) -> None:
    terms = Terms(on_unknown=on_unknown)  # type: ignore[arg-type]
    fallback: Draft = draft(f"f{number}", target="sms", order_key=f"sms:{key}", terms=terms)
    row = {
        **values,
        "id": f"d{number}",
        "firing_id": "a1",
        "rule_id": "cpu",
        "action": 0,
        "type": "notify",
        "order_key": f"{values['target']}:{key}",
        "request": b"{}",
        "terms": msgspec.json.encode(terms).decode(),
        "lease": 4,
        "due_at": 0,
        "tries": values["attempts"] + (values["state"] == "sending"),
        "fallback": None if values["fell_back"] else msgspec.json.encode(fallback),
    }
    if values["state"] != "sending":
        del row["lease_until"]
    places = ", ".join(f":{name}" for name in row)
    database.connection.execute(f"INSERT INTO delivery ({', '.join(row)}) VALUES ({places})", row)
    database.connection.execute("INSERT INTO delivery_alert (delivery_id, alert_id) VALUES (?, 'a1')", (row["id"],))


def standing(database: InMemory) -> dict[str, tuple[Any, ...]]:
    found = database.connection.execute("SELECT id, state, tries, fell_back FROM delivery")
    return {row["id"]: tuple(row) for row in found}


def does_something(database: InMemory, at: int, per_target: int) -> bool:
    """A retry that is superseded is nothing that anybody waits for."""
    before = standing(database)
    database.connection.execute("BEGIN")
    perform(claim(at, per_target, "one", Tally()), partial(execute, database.connection))
    after = standing(database)
    database.connection.execute("ROLLBACK")
    return any(row != before.get(name) and row[1] != "superseded" for name, row in after.items())


async def check(state: dict[str, Any]) -> None:
    database = store_with(state)
    store, per_target = SqlStore(database), state["per_target"]
    while await store.claim(NOW, per_target):
        pass
    due = await store.next_due(NOW)
    assert due is None or due > NOW
    for at in range(NOW + 1, END):
        if does_something(database, at, per_target):
            assert due is not None and due <= at, f"at {at} a claim finds something"  # noqa: PT018
            break
    await database.close()


@settings(max_examples=400, deadline=None)
@given(states)
def test_nothing_that_only_time_holds_back_is_missed(state: dict[str, Any]) -> None:
    asyncio.run(check(state))


@settings(max_examples=100, deadline=None)
@given(states)
def test_it_comes_to_an_end(state: dict[str, Any]) -> None:
    """Sleeping until it is due, and nothing else, ends with nothing owed: each look gets on."""

    async def run() -> None:
        database = store_with(state)
        store, now, looks = SqlStore(database), NOW, 0
        while True:
            claimed = await store.claim(now, state["per_target"])
            for one in claimed:
                await store.settle(settlement(one, SENT, now))
            if not claimed:
                due = await store.next_due(now)
                if due is None:
                    break
                assert due > now
                now = due
            looks += 1
            assert looks < 100
        counts = await store.counts()
        assert not counts.oldest_pending
        assert {of for _, of in counts.deliveries} <= {"dead", "unknown"}
        await database.close()

    asyncio.run(run())
