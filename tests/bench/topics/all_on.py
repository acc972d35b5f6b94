"""Everything on, in one process: a body through intake, duplicates, journal and an engine with windows; no HTTP.

What opening and closing a data directory costs is left out.
"""

import asyncio
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import uvloop

from cepd.engine.expressions import parse_expression
from cepd.model.duration import MINUTE
from cepd.model.rule import Aggregate, Rule, Window
from cepd.runtime.deployment import Deployment
from cepd.stores.journal import SEGMENT_SIZE
from tests.bench.events import metric_clock, metrics
from tests.bench.measuring import BODY, Load, Size, bodies, costs, decode_only
from tests.bench.mixes import MIXES
from tests.bench.table import Row, share
from tests.bench.targets import ALL_ON
from tests.support.dispatching import HandClock
from tests.support.pipeline import deployment_of, pipeline
from tests.support.rows import rule

RULES = 1_000
WINDOWED = 5
"""One rule of so many has a window; all of them share it, and every event goes in."""
TO_ENGINE = ("processor",)
WITH_STORE = ("processor", "recorder")
"""Tasks that run."""
LONGEST = 60.0
"""Seconds: a task that has failed never ends its work."""


def rows(size: Size) -> Iterator[Row]:
    lines = metrics(2 * size.few)
    for count in size.counts(RULES // 10, RULES):
        yield from with_rules(count, lines, size)


def with_rules(count: int, lines: Sequence[bytes], size: Size) -> Iterator[Row]:
    deployment = deployment_of(*rules_of(count))
    bound, opened, engine, store = costs(
        decode_only(lines),
        Load(len(lines), lambda: partial(sent, deployment, [], WITH_STORE)),
        Load(len(lines), lambda: partial(sent, deployment, lines, TO_ENGINE)),
        Load(len(lines), lambda: partial(sent, deployment, lines, WITH_STORE)),
        rounds=size.rounds,
    )
    yield share(f"all_on {count:,} rules", engine - opened, bound, ALL_ON if count == RULES else None)
    yield share(f"all_on {count:,} rules, alerts stored too", store - opened, bound)


def rules_of(count: int) -> list[Rule]:
    windowed = count // WINDOWED
    return MIXES[0].rules(count - windowed) + [
        rule(
            f"w{number}",
            group_by=("host",),
            window=Window("tumbling", size=MINUTE),
            aggregate={"mean": Aggregate("avg", "value")},
            having=parse_expression(f"mean > {99 + number / windowed:.4f}"),
        )
        for number in range(windowed)
    ]


def sent(deployment: Deployment, lines: Sequence[bytes], running: tuple[str, ...]) -> None:
    """All lines, in bodies of 500, into a data directory of their own; returns when all of it is dealt with."""
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(_send(Path(folder), deployment, lines, running))


async def _send(folder: Path, deployment: Deployment, lines: Sequence[bytes], running: tuple[str, ...]) -> None:
    clock = HandClock(metric_clock(0))
    capacity = len(lines) * len(deployment.program.rules)
    sizes = {"segment_size": SEGMENT_SIZE, "recorder_capacity": capacity}
    async with pipeline(folder, deployment, clock=clock, running=running, **sizes) as parts:
        accepted = 0
        async with asyncio.timeout(LONGEST):
            for body in bodies(lines):
                clock.time = metric_clock(accepted + BODY)
                accepted += (await parts.inbox.submit(body, "application/x-ndjson", None, "bench")).accepted
            await parts.feed.drained()
            if "recorder" in running:
                await parts.recorder.drained()
        assert parts.machine.engine.stats.events == len(lines) == accepted
