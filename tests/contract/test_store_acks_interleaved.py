"""Any interleaving of what people do, what the engine folds in, and ends that come keeps this of an alert:

1. What is refused changes nothing: no field, no line of history, no row of the stream.
2. The same again by the same person, a note excepted, changes nothing.
3. All fields of the acknowledgement are there, or none; `ack_until` and the note only with them.
4. What a person resolved stays resolved by that person since then, whatever is folded in.
5. Count and last time never fall, and no act touches them.
6. History read from the start gives who holds the alert now and its verdict, and `before` of each acknowledgement says
   whether somebody held it then.
7. An acknowledgement is never held at or beyond its end once an act or `lapse` came then, unless the alert is resolved.
8. Each line of history is one row of the stream, of its kind and in its order; further rows say that the
   rule resolved the alert, each time that it did.
9. What the alert says is what its state says: resolved, else acked where it is held, else open.
"""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.model.act import ACTS, NOTICES, Act
from cepd.model.alert import Alert, AlertChange, Fold
from cepd.model.errors import ConflictError, GoneError, InputError
from cepd.policies.acks import lapsed
from cepd.ports import AlertDetail, Recording, Store
from tests.contract.conftest import STORES
from tests.support.alerts import alert
from tests.support.streams import notices

PEOPLE = st.sampled_from(["alice", "bob", "carol"])
WAITS = st.integers(0, 4)

ACT_STEPS = st.fixed_dictionaries(
    {"kind": st.sampled_from(["ack", "ack", "ack", "unack", "resolve", "note"]), "by": PEOPLE, "steal": st.booleans()},
    optional={"ends_in": st.integers(-1, 6), "key": st.sampled_from(["k1", "k2"])},
)
VERDICT_STEPS = st.fixed_dictionaries(
    {
        "kind": st.just("verdict"),
        "by": PEOPLE,
        "verdict": st.sampled_from(["true_positive", "false_positive", None]),
    }
)
FOLD_STEPS = st.fixed_dictionaries(
    {"kind": st.just("fold"), "count": st.integers(0, 8), "last_at": st.integers(0, 40), "resolved": st.booleans()}
)
STEPS = st.lists(st.tuples(WAITS, ACT_STEPS | VERDICT_STEPS | FOLD_STEPS | st.just({"kind": "lapse"})), max_size=14)

Play = Callable[[Callable[[Store, str], Awaitable[None]]], None]


@pytest.fixture(scope="module", params=STORES.values(), ids=STORES.keys())
def play(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """Runs each scenario over the same store, with the id of an alert of its own."""
    directory: Path = tmp_path_factory.mktemp("store")
    numbers = itertools.count()
    with asyncio.Runner() as runner:
        store = runner.run(request.param(directory))
        yield lambda scenario: runner.run(scenario(store, f"a{next(numbers)}"))
        runner.run(store.close())


async def stored(store: Store, event_id: str) -> tuple[AlertDetail, list[str]]:
    kinds = [kind for kind, _, _ in await notices(store, event_id)]
    return await store.alert(event_id), [kind for kind in kinds if kind in NOTICES.values()]


def act_of(step: dict[str, Any], now: int) -> Act:
    ends_in = step.get("ends_in")
    until = now + ends_in if ends_in is not None and step["kind"] == "ack" else None
    said = {name: step[name] for name in ("kind", "by", "steal", "key", "verdict") if name in step}
    return msgspec.convert({**said, "at": now, "until": until}, Act)


@settings(max_examples=100, deadline=None)
@given(steps=STEPS)
def test_one_after_another(play: Play, steps: list[tuple[int, dict[str, Any]]]) -> None:
    async def scenario(store: Store, event_id: str) -> None:
        now = 10
        await store.record(Recording(seq=1, alerts=[alert(event_id, last_at=1)], at=now))
        for wait, step in steps:
            now += wait
            before, rows = await stored(store, event_id)
            if step["kind"] == "fold":
                await store.record(
                    Recording(seq=1, folds=[Fold(event_id, step["count"], step["last_at"], step["resolved"])], at=now)
                )
            elif step["kind"] == "lapse":
                await store.lapse(now)
            else:
                await check_act(store, event_id, act_of(step, now), before, rows)
            after, _ = await stored(store, event_id)
            check_passage(before.alert, after.alert, acted=step["kind"] not in ("fold", "lapse"))
            await check_state(store, event_id)
            if step["kind"] == "lapse":
                assert lapsed(after.alert, now) is None

    play(scenario)


@settings(max_examples=40, deadline=None)
@given(steps=st.lists(ACT_STEPS, min_size=2, max_size=8))
def test_all_at_once(play: Play, steps: list[dict[str, Any]]) -> None:
    async def scenario(store: Store, event_id: str) -> None:
        await store.record(Recording(seq=1, alerts=[alert(event_id)], at=10))
        calls: list[Awaitable[object]] = [store.change(event_id, act_of(step, 10)) for step in steps]
        folds = [Fold(event_id, number, 20, bool(number % 2)) for number in (2, 3)]
        calls += [store.record(Recording(seq=1, folds=[fold], at=10)) for fold in folds]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert not [one for one in results if isinstance(one, Exception) and not isinstance(one, InputError)]
        assert (await store.alert(event_id)).alert.count == 3
        await check_state(store, event_id)

    play(scenario)


async def check_act(store: Store, event_id: str, act: Act, before: AlertDetail, rows: list[str]) -> None:
    (changed,) = await asyncio.gather(store.change(event_id, act), return_exceptions=True)
    if isinstance(changed, BaseException):
        refused = isinstance(changed, ConflictError | GoneError)
        assert refused or (isinstance(changed, InputError) and act.until is not None and act.until <= act.at)
        assert await stored(store, event_id) == (before, rows)
        return
    after, told = await stored(store, event_id)
    assert after.alert == changed.alert
    assert after.alert.state == "resolved" or lapsed(after.alert, act.at) is None
    if changed.kind is not None:
        assert ACTS[changed.kind] == act.kind
        assert (after.history[-1].kind, after.history[-1].by) == (changed.kind, act.by)
    if act.kind != "note":
        assert (await store.change(event_id, act)).kind is None
        assert await stored(store, event_id) == (after, told)


def check_passage(before: Alert, after: Alert, *, acted: bool) -> None:
    assert (after.count, after.last_at) == (before.count, before.last_at) or not acted
    assert after.count >= before.count
    if before.resolved_by is not None:
        assert (after.resolved, after.resolved_by, after.resolved_at) == (True, before.resolved_by, before.resolved_at)


async def check_state(store: Store, event_id: str) -> None:
    found, told = await stored(store, event_id)
    is_so = found.alert
    held = is_so.acked_by is not None
    assert (is_so.acked_at is not None, is_so.ack_source is not None) == (held, held)
    assert held or (is_so.ack_note, is_so.ack_until) == (None, None)
    assert is_so.state == ("resolved" if is_so.resolved else "acked" if held else "open")
    assert is_so.resolved == (is_so.resolved_at is not None)
    assert read_back(found.history) == (is_so.acked_by, is_so.ack_until, is_so.verdict, is_so.resolved_by)
    lines = [NOTICES[line.kind] for line in found.history]
    assert [kind for kind in told if kind != "resolved"] == [kind for kind in lines if kind != "resolved"]
    assert told.count("resolved") >= lines.count("resolved")


def read_back(history: list[AlertChange]) -> tuple[str | None, int | None, str | None, str | None]:
    """(holder, end, verdict, who resolved it), from the lines alone."""
    holder: str | None = None
    until: int | None = None
    verdict: str | None = None
    resolver: str | None = None
    for line in history:
        assert line.before == "resolved" or line.before == ("open" if holder is None else "acked")
        match line.kind:
            case "ack" | "steal" | "extend":
                assert (holder is None, holder == line.by) == (line.kind == "ack", line.kind == "extend")
                holder, until = line.by, line.until
            case "unack" | "lapse":
                assert holder is not None
                assert line.kind == "unack" or line.at == until
                holder, until = None, None
            case "verdict":
                verdict = line.verdict
            case "resolve":
                assert resolver is None
                resolver = line.by
    return holder, until, verdict, resolver
