"""What the port Store promises of runs and of what they say, over every implementation of it."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from cepd.model.delivery import Draft, Outcome
from cepd.model.errors import ConflictError
from cepd.model.execution import Execution, NewRun, Progress, Run, StepDone
from cepd.model.happenings import Listening, of_alert
from cepd.ports import Recording, Store
from tests.support.alerts import alert, draft, ended

Run_ = Callable[[Callable[[Store], Awaitable[None]]], None]


def a_run(exec_id: str = "x1", firing_id: str | None = "a1", **more: Any) -> Run:
    values: dict[str, Any] = {
        "rule_id": "cpu",
        "alert_id": firing_id,
        "status": "started",
        "condition_met": True,
        "started_at": 100,
        "executed_by": "ada",
        "asked": {"type": "manual", "payload": {"n": [1, None, "é"]}},
        "revision": "v1",
        "generation": "g1",
    }
    return Run(exec_id=exec_id, firing_id=firing_id, **(values | more))


async def record(store: Store, run: Run, *drafts: Draft, alone: bool = False) -> None:
    alerts = [] if run.firing_id is None else [alert(run.firing_id)]
    await store.record(Recording(seq=1, alerts=alerts, runs=[NewRun(run=run, drafts=drafts, alone=alone)]))


async def attempt(store: Store, **more: Any) -> None:
    """One try of everything that is due."""
    for delivery in await store.claim(now=1_000, per_target=100):
        await ended(store, delivery, **more)


async def found(store: Store, exec_id: str = "x1") -> Execution:
    execution = await store.execution(exec_id)
    assert execution is not None
    return execution


def test_what_cepd_tells_its_own_rules_is_no_action_of_a_run(run_store: Run_) -> None:
    heard = Listening(frozenset({"cepd.alert"}))
    happening = of_alert(alert("a1"), "a1", 100, heard)
    assert happening is not None

    async def work(store: Store) -> None:
        run = NewRun(run=a_run(), drafts=[draft("d1", "a1")], alone=True)
        await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=[happening], runs=[run]))
        assert (await found(store)).status == "pending", "its rule was not running already"
        assert [action.target for action in (await found(store)).actions] == ["ops"]
        unasked = of_alert(alert("a2"), "a2", 100, heard)
        assert unasked is not None
        await store.record(Recording(seq=2, alerts=[alert("a2")], drafts=[unasked]))
        assert [one.exec_id for one in await store.executions("cpu", 9)] == ["x1"]

    run_store(work)


def test_a_run_is_told_as_it_was_asked_for_and_as_its_first_try_ended(run_store: Run_) -> None:
    async def work(store: Store) -> None:
        assert await store.execution("x1") is None
        await record(store, a_run(), draft("d1", "a1"))
        pending = await found(store)
        assert (pending.status, pending.duration) == ("pending", None)
        assert (pending.executed_by, pending.revision, pending.generation) == ("ada", "v1", "g1")
        assert pending.trigger == {"type": "manual", "payload": {"n": [1, None, "é"]}}
        await attempt(store, at=2_100)
        done = await found(store)
        assert (done.status, done.condition_met, done.duration, done.error_message) == ("success", True, 2_000, None)
        [action] = done.actions
        assert (action.action_type, action.target, action.delivery_id, action.status) == (
            "notify",
            "ops",
            "d1",
            "success",
        )
        assert await store.executions("cpu", 50) == [done]
        assert await store.executions("other", 50) == []

    run_store(work)


def test_a_retry_does_not_change_how_a_run_ended(run_store: Run_) -> None:
    async def work(store: Store) -> None:
        await record(store, a_run(), draft("d1", "a1"), draft("d2", "a1"))
        failed = Outcome(result="retryable", detail="HTTP 503")
        await attempt(store, state="pending", next_at=5, outcome=failed)
        first = await found(store)
        assert (first.status, first.error_message) == ("fail", "HTTP 503")
        await attempt(store)
        assert await found(store) == first

    run_store(work)


def test_a_recorded_run_is_not_recorded_again(run_store: Run_) -> None:
    async def work(store: Store) -> None:
        await record(store, a_run(), draft("d1", "a1"))
        await record(store, a_run(executed_by="bob"), draft("d9", "a1"))
        assert [one.id for one in await store.claim(now=1_000, per_target=9)] == ["d1"]
        assert (await found(store)).executed_by == "ada"

    run_store(work)


@pytest.mark.parametrize("status", ["dry_run", "fail", "skipped"])
def test_a_run_that_did_nothing_owes_nothing(run_store: Run_, status: Any) -> None:
    async def work(store: Store) -> None:
        await record(store, a_run(firing_id=None, status=status, condition_met=None, error_message="why"))
        execution = await found(store)
        assert (execution.status, execution.error_message, execution.duration) == (status, "why", 0)
        assert execution.condition_met is None
        assert await store.claim(now=1_000, per_target=9) == []

    run_store(work)


def test_a_run_that_is_to_be_alone_is_skipped_until_each_first_try_of_the_other_has_ended(run_store: Run_) -> None:
    async def work(store: Store) -> None:
        async def again(number: int) -> str:
            name = f"x{number}"
            await record(store, a_run(name, f"a{number}"), draft(f"d{number}", f"a{number}"), alone=True)
            return (await found(store, name)).status

        await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=[draft("d1", "a1"), draft("e1", "a1")]))
        assert await again(2) == "skipped"
        assert (await found(store, "x2")).error_message == "rule already running"
        first, second = await store.claim(now=1_000, per_target=9)
        await ended(store, first)
        assert await again(3) == "skipped"
        await ended(store, second, state="pending", next_at=9_000, outcome=Outcome(result="retryable"))
        assert await again(4) == "pending", "a retry is no run"
        assert await again(2) == "skipped", "what was decided stays"
        assert [one.id for one in await store.claim(now=1_000, per_target=9)] == ["d4"]

    run_store(work)


def test_runs_of_one_recording_are_decided_one_after_the_other(run_store: Run_) -> None:
    async def work(store: Store) -> None:
        def of(n: int, rule: str) -> NewRun:
            owed = draft(f"d{n}", f"a{n}", rule_id=rule)
            return NewRun(run=a_run(f"x{n}", f"a{n}", rule_id=rule), drafts=[owed], alone=True)

        runs = [of(1, "cpu"), of(2, "cpu"), of(3, "disk")]
        await store.record(Recording(seq=1, alerts=[alert(f"a{n}") for n in (1, 2, 3)], runs=runs))
        assert [(await found(store, f"x{n}")).status for n in (1, 2, 3)] == ["pending", "skipped", "pending"]

    run_store(work)


def test_firings_that_nobody_asked_for_are_runs_too_by_what_they_owe(run_store: Run_) -> None:
    async def work(store: Store) -> None:
        kept = alert("a1", generation="g7", revision="v7")
        both = [draft("d1", "a1", due_at=100), draft("d2", "a1", target="log", due_at=100)]
        await store.record(Recording(seq=1, alerts=[kept, alert("a2")], drafts=both))
        await store.record(Recording(seq=2, drafts=[draft("d3", "a2", due_at=300)]))
        await record(store, a_run("x1", "a3", started_at=200), draft("d4", "a3", due_at=200))
        newest = await store.executions("cpu", 50)
        assert [one.exec_id for one in newest] == ["a2", "x1", "a1"]
        assert [one.exec_id for one in await store.executions("cpu", 2)] == ["a2", "x1"]
        told = newest[-1]
        assert (told.status, told.executed_by, told.condition_met) == ("pending", "cepd", True)
        assert (told.generation, told.revision) == ("g7", "v7")
        assert told.trigger == {"type": "fired", "alert_id": "a1"}
        assert [action.delivery_id for action in told.actions] == ["d1", "d2"]
        assert await store.execution("a1") is None, "only what was asked for has a row"

    run_store(work)


def test_a_firing_that_owes_very_many_hides_no_other(run_store: Run_) -> None:
    async def work(store: Store) -> None:
        await store.record(Recording(seq=1, alerts=[alert("a1")], drafts=[draft("d0", "a1", due_at=1)]))
        many = [draft(f"m{number}", "a2", due_at=2) for number in range(450)]
        await store.record(Recording(seq=2, alerts=[alert("a2")], drafts=many))
        newest = await store.executions("cpu", 50)
        assert [(one.exec_id, len(one.actions)) for one in newest] == [("a2", 450), ("a1", 1)]

    run_store(work)


def test_a_fallback_is_no_action_of_the_run(run_store: Run_) -> None:
    async def work(store: Store) -> None:
        await record(store, a_run(), draft("d1", "a1", fallback=draft("d2", "a1", target="mail")))
        await attempt(store, state="dead", outcome=Outcome(result="permanent", detail="404"), falls_back=True)
        await attempt(store)
        execution = await found(store)
        assert (execution.status, len(execution.actions)) == ("fail", 1)

    run_store(work)


def test_what_was_dropped_before_its_first_try_has_failed(run_store: Run_) -> None:
    async def work(store: Store) -> None:
        await record(store, a_run(), draft("d1", "a1"))
        await store.drop("d1", by="ada", at=400)
        execution = await found(store)
        assert (execution.status, execution.error_message, execution.duration) == ("fail", "dropped by ada", 300)

    run_store(work)


def test_the_result_of_a_chained_run_is_a_reference_of_the_action_that_asked_for_it(run_store: Run_) -> None:
    async def work(store: Store) -> None:
        await record(store, a_run("x1", "a1"), draft("d1", "a1", type="trigger_rule", depth=2))
        [delivery] = await store.claim(now=1_000, per_target=9)
        assert delivery.depth == 2
        await record(store, a_run("d1", None, rule_id="next", status="dry_run", condition_met=False))
        await ended(store, delivery)
        [action] = (await found(store)).actions
        assert action.references == {
            "trigger_result": {
                "status": "dry_run",
                "condition_met": False,
                "duration_ms": 0,
                "references": {
                    "trigger": {"type": "manual", "payload": {"n": [1, None, "é"]}},
                    "action": {},
                    "other_actions": [],
                },
            }
        }

    run_store(work)


def test_progress_is_kept_by_whoever_holds_the_delivery(run_store: Run_) -> None:
    async def work(store: Store) -> None:
        done = StepDone(step=0, part=0, action_type="notify", target="ops", duration_ms=3)
        progress = msgspec.json.encode(Progress(steps=[done], references={"output": {"n": 1}}))
        await record(store, a_run(), draft("d1", "a1", type="multi_action"))
        with pytest.raises(ConflictError):
            await store.keep_progress("d1", 0, progress)
        [delivery] = await store.claim(now=1_000, per_target=9)
        assert delivery.progress is None
        await store.keep_progress("d1", delivery.tries, progress)
        with pytest.raises(ConflictError):
            await store.keep_progress("d1", delivery.tries + 1, progress)
        await ended(store, delivery, state="pending", next_at=5, outcome=Outcome(result="retryable"))
        [again] = await store.claim(now=1_000, per_target=9)
        assert again.progress == progress
        [action] = (await found(store)).actions
        assert action.references == {"output": {"n": 1}, "steps": [msgspec.to_builtins(done)]}

    run_store(work)
