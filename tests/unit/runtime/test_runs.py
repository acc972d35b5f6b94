"""Runs that somebody asked for: through the journal, once for each id, and told by what the store holds."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from cepd.engine.expressions import parse_expression
from cepd.model.delivery import Delivery, Outcome
from cepd.model.duration import HOUR, SECOND
from cepd.model.errors import ConflictError, InputError, NotFoundError, OverloadedError
from cepd.model.rule import Aggregate, EventTrigger, MetricTrigger, Suppress, Window
from cepd.model.stop import Wish
from cepd.ports import Store
from cepd.runtime.runs import Runs
from tests.support.alerts import ended
from tests.support.dispatching import FlakyStore, until
from tests.support.pipeline import deployment_of, pipeline, replayed
from tests.support.rows import rule
from tests.support.running import Running, arrives, on_call, with_running

NOTIFY = {"type": "notify", "channels": ["ops"]}
R = on_call("r", NOTIFY)


def test_a_run_fires_its_rule_alone_and_is_told_with_what_it_did(tmp_path: Path) -> None:
    async def work(running: Running) -> None:
        execution = await running.run("r", {"n": 5, "id": "mine"})
        assert (execution.status, execution.condition_met, execution.executed_by) == ("success", True, "ada")
        assert execution.trigger == {
            "type": "manual",
            "exec_id": "x1",
            "depth": 0,
            "payload": {"n": 5, "id": "mine"},
        }
        assert [action.target for action in execution.actions] == ["ops"]
        assert execution.generation == running.parts.machine.deployment.digest
        [alert] = await running.parts.settled()
        assert alert.rule_id == "r"
        assert alert.source_event_ids == ("x1",), "it is known by its run, whatever the payload calls itself"
        assert (running.parts.feed.length, running.parts.feed.size) == (0, 0)

    with_running(tmp_path, work, R, rule("other"), send=arrives)


def test_conditions_that_are_not_met_make_it_a_dry_run(tmp_path: Path) -> None:
    async def work(running: Running) -> None:
        execution = await running.run("r", {"n": 1})
        assert (execution.status, execution.condition_met, execution.duration) == ("dry_run", False, 0)
        assert await running.parts.settled() == []

    with_running(tmp_path, work, on_call("r", NOTIFY, when="n > 1"), send=arrives)


def test_a_rule_that_is_disabled_at_run_time_is_not_active(tmp_path: Path) -> None:
    async def work(running: Running) -> None:
        wish = Wish(running.parts.clock.now() + HOUR, "kim", "maintenance")
        await running.parts.inbox.disable("r", wish)
        stopped = await running.run("r", {"n": 5}, "x1")
        assert (stopped.status, stopped.error_message) == (
            "fail",
            "Target rule is not active: it is disabled at run time",
        )
        assert await running.parts.settled() == []
        await running.parts.inbox.enable("r", "kim")
        assert (await running.run("r", {"n": 5}, "x2")).status == "success"

    with_running(tmp_path, work, R, send=arrives)


def test_a_windowed_rule_takes_the_payload_as_its_whole_window(tmp_path: Path) -> None:
    windowed = rule(
        "r",
        trigger=EventTrigger(event_type=("host.cpu",)),
        window=Window("tumbling", size=300 * SECOND),
        aggregate={"total": Aggregate("sum", "n")},
        having=parse_expression("total > 4"),
    )

    async def work(running: Running) -> None:
        assert (await running.run("r", {"n": 5}, "x1")).status == "success"
        assert (await running.run("r", {"n": 4}, "x2")).status == "dry_run"
        [alert] = await running.parts.settled()
        assert alert.values == {"total": 5}
        assert isinstance(alert.payload, dict)
        assert alert.payload["type"] == "host.cpu", "an event of the rule's own type"

    with_running(tmp_path, work, windowed, send=arrives)


def test_who_asks_again_gets_the_same_run_at_once_and_later(tmp_path: Path) -> None:
    async def work(running: Running) -> None:
        found = await asyncio.gather(*(running.run("r", {"n": 5}) for _ in range(5)))
        assert all(one == found[0] for one in found)
        assert await running.run("r", {"n": 5}) == found[0]
        assert len(await running.parts.settled()) == 1
        assert len(running.tried) == 1
        for rule_id, payload in (("r", {"n": 6}), ("r", {}), ("r", {"n": 5, "type": "x"}), ("s", {"n": 5})):
            with pytest.raises(ConflictError, match="another payload"):
                await running.run(rule_id, payload)

    with_running(tmp_path, work, R, on_call("s", NOTIFY), send=arrives)


def test_the_same_payload_in_another_order_is_the_same(tmp_path: Path) -> None:
    metric = rule("r", trigger=MetricTrigger(metric="n", op=">", threshold=1, event_type=("cpu",)))

    async def work(running: Running) -> None:
        first = await running.run("r", {"n": 5, "m": {"a": 1, "b": 2}})
        assert await running.run("r", {"m": {"b": 2, "a": 1}, "n": 5}) == first

    with_running(tmp_path, work, metric, send=arrives)


def test_a_run_whose_alert_is_suppressed_is_skipped(tmp_path: Path) -> None:
    async def work(running: Running) -> None:
        assert (await running.run("r", {}, "x1")).status == "success"
        second = await running.run("r", {}, "x2")
        assert (second.status, second.condition_met) == ("skipped", True)
        assert "suppressed" in (second.error_message or "")
        [alert] = await running.parts.settled()
        assert alert.count == 2

    with_running(tmp_path, work, on_call("r", NOTIFY, suppress=Suppress(HOUR)), send=arrives)


def test_a_run_in_a_storm_is_skipped_and_the_storm_is_told(tmp_path: Path) -> None:
    async def work(running: Running) -> None:
        statuses = [(await running.run("r", {"time": 1_767_225_600}, f"x{n}")).status for n in range(4)]
        assert statuses == ["success", "success", "skipped", "skipped"]
        assert [one.kind for one in await running.parts.settled()] == ["fired", "fired", "storm"]

    with_running(tmp_path, work, on_call("r", NOTIFY, max_alerts=2), send=arrives)


def test_a_payload_without_a_usable_key_fails(tmp_path: Path) -> None:
    async def work(running: Running) -> None:
        execution = await running.run("r", {"host": {"a": 1}})
        assert (execution.status, execution.condition_met) == ("fail", True)
        assert "group_by" in (execution.error_message or "")

    with_running(tmp_path, work, on_call("r", NOTIFY, group_by=("host",)), send=arrives)


def test_what_cannot_run_is_refused_by_name(tmp_path: Path) -> None:
    async def work(running: Running) -> None:
        with pytest.raises(NotFoundError, match=r"^Target rule not found"):
            await running.run("s", {})
        with pytest.raises(InputError, match=r"^rule chain too deep"):
            await running.run("r", {}, depth=6)
        assert (await running.run("r", {}, depth=5)).status == "success"

    with_running(tmp_path, work, R, send=arrives)


def test_a_reload_that_comes_first_is_told(tmp_path: Path) -> None:
    """The rule was there when it was asked for, and is gone when its turn comes."""

    async def work(running: Running) -> None:
        parts = running.parts
        before = parts.machine.deployment
        without = deployment_of(on_call("s", NOTIFY), name="two", previous=before)
        running.runs._deployment = lambda: before  # however soon the swap is applied
        parts.feed.swap(without)
        execution = await running.run("r", {})
        assert (execution.status, execution.condition_met) == ("fail", None)
        assert (execution.error_message or "").startswith("Target rule is not active")

    with_running(tmp_path, work, R, send=arrives)


def test_who_waits_too_long_hears_that_it_is_pending(tmp_path: Path) -> None:
    free = asyncio.Event()

    async def hang(delivery: Delivery) -> Outcome:
        await free.wait()
        return Outcome(result="sent")

    async def work(running: Running) -> None:
        early = await running.run("r", {}, within=SECOND // 20)
        assert (early.status, early.duration) == ("pending", None)
        later = asyncio.create_task(running.run("r", {}))
        free.set()
        assert (await later).status == "success"

    with_running(tmp_path, work, R, send=hang)


def test_a_run_that_is_not_even_recorded_is_pending_too(tmp_path: Path) -> None:
    async def work(running: Running) -> None:
        early = await running.run("r", {}, within=SECOND // 20)
        assert (early.status, early.condition_met) == ("pending", None)

    with_running(tmp_path, work, R, running=("recorder",))


def test_what_another_daemon_has_tried_is_seen_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cepd.runtime.runs.LOOK", 0.02)

    async def work(running: Running) -> None:
        waiting = asyncio.create_task(running.run("r", {}))
        store = running.parts.store
        claimed: list[Delivery] = []

        async def owed() -> bool:
            claimed.extend(await store.claim(running.parts.clock.now(), 9))
            return bool(claimed)

        await until(owed)
        await ended(store, claimed[0])
        assert (await waiting).status == "success"

    with_running(tmp_path, work, R)


def test_progress_is_kept_once_the_store_is_back(tmp_path: Path) -> None:
    async def work(running: Running) -> None:
        parts = running.parts
        flaky = FlakyStore(parts.store, keep_progress=2)
        runs = Runs(
            cast(Store, flaky),
            parts.feed,
            parts.clock,
            deployment=lambda: parts.machine.deployment,
            written=parts.recorder.written,
        )
        await running.run("r", {}, within=SECOND // 20)
        [delivery] = await parts.store.claim(parts.clock.now(), 9)
        await runs.keep(delivery.id, delivery.tries, b"{}")
        assert flaky.calls["keep_progress"] == 3
        assert (await parts.store.delivery(delivery.id)).delivery.progress == b"{}"
        with pytest.raises(ConflictError):
            await runs.keep(delivery.id, delivery.tries + 1, b"{}")

    with_running(tmp_path, work, R)


def test_too_many_waiting_events_refuse_a_run(tmp_path: Path) -> None:
    async def work(running: Running) -> None:
        running.parts.feed.reserve(1, 1)
        with pytest.raises(OverloadedError):
            await running.run("r", {})

    with_running(tmp_path, work, R, capacity_events=1)


def test_a_run_in_the_journal_is_recorded_by_a_replay(tmp_path: Path) -> None:
    """The process ends after the row was written, before it was applied."""

    async def work(running: Running) -> None:
        assert (await running.run("r", {"n": 5}, within=SECOND // 20, depth=2)).status == "pending"

    with_running(tmp_path, work, R, running=("recorder",))

    async def again() -> None:
        async with pipeline(tmp_path, deployment_of(R), running=("recorder",)) as parts:
            await replayed(parts, lambda digest, before: _none())
            execution = await parts.store.execution("x1")
            assert execution is not None
            assert (execution.trigger["depth"], execution.trigger["type"]) == (2, "chained")
            assert (execution.status, len(execution.actions)) == ("pending", 1)
            [delivery] = await parts.store.claim(parts.clock.now(), 9)
            assert delivery.depth == 2

    asyncio.run(again())


def _none() -> Any:
    raise AssertionError("there is no swap in this journal")
