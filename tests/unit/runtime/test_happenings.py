"""cepd's own happenings: which are made, and how one is heard, once."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from cepd.model.delivery import Outcome
from cepd.model.happenings import DEEPEST, DELIVERY_TYPE, Listening
from cepd.model.rule import EventTrigger, Resolve, SequenceTrigger, Step
from cepd.ports import DeliveryQuery
from cepd.runtime.happenings import Hearing
from cepd.runtime.listening import listening_of
from tests.support.deliveries import a_delivery
from tests.support.pipeline import Pipeline, deployment_of, pipeline
from tests.support.rows import line, rule
from tests.support.running import on_call

HEARS = rule("hears", trigger=EventTrigger(("cepd.alert",)))
EVERY = rule("every", "n > 0")
EPISODIC = rule("episodic", "n > 0", resolve=Resolve())


def happening(number: int = 1, *, depth: int = 1, type: str = "cepd.alert") -> Any:
    event = {"id": f"h{number}", "type": type, "source": "cepd", "depth": depth, "n": 1}
    return a_delivery(type=DELIVERY_TYPE, target="cepd", request=msgspec.json.encode(event))


def lived(tmp_path: Path, work: Callable[[Pipeline, Hearing], Awaitable[None]], *rules: Any, **options: Any) -> None:
    async def scenario() -> None:
        async with pipeline(tmp_path, deployment_of(*rules), **options) as running:
            hearing = Hearing(running.inbox, lambda: running.machine.deployment.listening, running.metrics)
            await work(running, hearing)

    asyncio.run(scenario())


def counted(running: Pipeline, outcome: str) -> bool:
    return f'cepd_happenings_total{{outcome="{outcome}",type="cepd.alert"}} 1.0' in running.metrics.render().decode()


async def owed(running: Pipeline) -> list[dict[str, Any]]:
    page = await running.store.deliveries(DeliveryQuery(target="cepd"))
    return [msgspec.json.decode(one.request) for one in page.deliveries[::-1]]


def test_what_is_heard_is_what_active_rules_name() -> None:
    steps = SequenceTrigger(1, (Step(event_type=("cepd.alert", "x")), Step(role="absent", event_type=("cepd.ack",))))
    found = listening_of([EVERY, HEARS, rule("steps", trigger=steps), rule("x", trigger=EventTrigger(("cepd",)))])
    assert found == Listening(frozenset({"cepd.alert", "cepd.ack"}), frozenset({"hears", "steps"}))


def test_a_rule_that_is_run_by_one_that_hears_counts_as_one_that_hears() -> None:
    steps = [{"type": "trigger", "rule_id": rule_id} for rule_id in ("hears", "z")]
    runs = on_call("hears", {"type": "trigger_rule", "rule_id": "next"}).actions
    others = [on_call("a", *steps), on_call("next", {"type": "multi_action", "actions": steps})]
    found = listening_of([msgspec.structs.replace(HEARS, actions=runs), *others])
    assert found.rules == {"hears", "next", "z"}


def test_an_alert_is_told_as_it_opens_and_as_it_is_resolved(tmp_path: Path) -> None:
    async def work(running: Pipeline, hearing: Hearing) -> None:
        await running.send(line(1, n=1, id="a"), line(2, n=0, id="b"))
        (alert,) = await running.settled()
        first, second = await owed(running)
        assert (first["type"], first["alert_id"], first["rule_id"], first["state"], first["depth"]) == (
            "cepd.alert",
            alert.event_id,
            "episodic",
            "open",
            1,
        )
        assert (second["alert_id"], second["state"]) == (alert.event_id, "resolved")

    lived(tmp_path, work, EPISODIC, HEARS)


def test_nobody_is_told_where_nobody_hears_it(tmp_path: Path) -> None:
    async def work(running: Pipeline, hearing: Hearing) -> None:
        await running.send(line(1, n=1))
        assert len(await running.settled()) == 1
        assert await owed(running) == []

    lived(tmp_path, work, EVERY, rule("other", trigger=EventTrigger(("cepd.ack",))))


def test_the_alert_of_a_rule_that_hears_of_alerts_is_not_told(tmp_path: Path) -> None:
    async def work(running: Pipeline, hearing: Hearing) -> None:
        assert await hearing.perform(happening()) == Outcome(result="sent")
        (alert,) = await running.settled()
        assert (alert.rule_id, alert.source_event_ids) == ("hears", ("h1",))
        assert await owed(running) == []
        assert counted(running, "heard")
        assert counted(running, "too_deep")

    lived(tmp_path, work, HEARS, EVERY)


def test_a_second_try_is_heard_no_second_time(tmp_path: Path) -> None:
    async def work(running: Pipeline, hearing: Hearing) -> None:
        for _ in range(2):
            assert (await hearing.perform(happening())).result == "sent"
        assert len(await running.settled()) == 1
        assert running.feed.length == 0

    lived(tmp_path, work, HEARS)


def test_beyond_the_deepest_nothing_is_heard(tmp_path: Path) -> None:
    async def work(running: Pipeline, hearing: Hearing) -> None:
        assert (await hearing.perform(happening(depth=DEEPEST))).result == "sent"
        outcome = await hearing.perform(happening(2, depth=DEEPEST + 1))
        assert outcome.result == "permanent"
        assert "loop" in outcome.detail
        assert len(await running.settled()) == 1
        assert counted(running, "too_deep") is False, "one is counted for the alert of the rule that hears, too"

    lived(tmp_path, work, HEARS)


def test_one_that_nobody_hears_any_more_is_let_go(tmp_path: Path) -> None:
    async def work(running: Pipeline, hearing: Hearing) -> None:
        assert (await hearing.perform(happening())).result == "sent"
        assert await running.settled() == []
        assert counted(running, "unheard")

    lived(tmp_path, work, EVERY)


def test_it_waits_while_nothing_is_taken_in(tmp_path: Path) -> None:
    async def work(running: Pipeline, hearing: Hearing) -> None:
        running.inbox.closed = "the daemon is stopping"
        outcome = await hearing.perform(happening())
        assert (outcome.result, outcome.retry_after) == ("rate_limited", 1_000_000)
        running.inbox.closed = None
        await running.send(line(1, n=0))
        assert (await hearing.perform(happening())).result == "rate_limited", "the queue is full"
        assert running.feed.length == 1

    lived(tmp_path, work, HEARS, capacity_events=1, running=("recorder",))


def test_others_may_not_send_what_looks_like_one(tmp_path: Path) -> None:
    async def work(running: Pipeline, hearing: Hearing) -> None:
        receipt = await running.send(b'{"type": "cepd.alert", "id": "forged"}', line(1, n=1))
        assert (receipt.accepted, [one.line for one in receipt.rejected]) == (1, [1])
        assert [one.rule_id for one in await running.settled()] == ["every"]

    lived(tmp_path, work, HEARS, EVERY)
