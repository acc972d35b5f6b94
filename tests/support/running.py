"""Rules at work that can be asked to run: the whole pipeline with its runs and a dispatcher, on real parts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from cepd import plugins
from cepd.model.delivery import Delivery, Outcome
from cepd.model.duration import SECOND
from cepd.model.execution import Asked, Execution
from cepd.model.rule import ActionSpec, EventTrigger, Rule
from cepd.runtime.deployment import perform
from cepd.runtime.dispatcher import Dispatcher
from cepd.runtime.runs import Runs
from tests.support.pipeline import Pipeline, deployment_of, pipeline
from tests.support.rows import rule


def on_call(rule_id: str, *actions: dict[str, Any], **parts: Any) -> Rule:
    """A rule that fires on what is sent to it by name."""
    specs = tuple(ActionSpec(options["type"], options) for options in actions)
    return rule(rule_id, trigger=EventTrigger(event_type=()), actions=specs, **parts)


@dataclass
class Running:
    parts: Pipeline
    runs: Runs
    tried: list[Delivery]

    async def run(self, rule_id: str, payload: dict[str, Any], exec_id: str = "x1", **more: Any) -> Execution:
        within = more.pop("within", 10 * SECOND)
        asked = Asked(exec_id=exec_id, rule_id=rule_id, payload=payload, by="ada", **more)
        return await self.runs.run(asked, within)

    async def try_it(self, delivery: Delivery) -> Outcome:
        """As the dispatcher would."""
        deployment = self.parts.machine.deployment
        tools = msgspec.structs.replace(deployment.tools, runs=self.runs)
        return await perform(delivery, replace(deployment, tools=tools), plugins.plugin)


@asynccontextmanager
async def running(
    data_dir: Path, *rules: Rule, send: Callable[[Delivery], Awaitable[Outcome]] | None = None, **options: Any
) -> AsyncIterator[Running]:
    """`send` is the world: it tries what is no chain and no list of steps. None: nothing is tried."""
    async with pipeline(data_dir, deployment_of(*rules), **options) as parts:
        machine = parts.machine
        runs = Runs(
            parts.store, parts.feed, parts.clock, deployment=lambda: machine.deployment, written=parts.recorder.written
        )
        found = Running(parts, runs, [])

        async def attempt(delivery: Delivery) -> Outcome:
            found.tried.append(delivery)
            assert send is not None
            own = delivery.type in ("trigger_rule", "trigger", "multi_action")
            return await (found.try_it(delivery) if own else send(delivery))

        dispatcher = Dispatcher(
            parts.store, parts.clock, attempt, lambda: 1.0, longest_sleep=0.01, settled=runs.settled
        )
        task = None if send is None else asyncio.create_task(dispatcher.run())
        try:
            yield found
        finally:
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


def with_running(data_dir: Path, work: Callable[[Running], Awaitable[None]], *rules: Rule, **options: Any) -> None:
    async def main() -> None:
        async with running(data_dir, *rules, **options) as found:
            await work(found)

    asyncio.run(main())


async def arrives(delivery: Delivery) -> Outcome:
    return Outcome(result="sent")
