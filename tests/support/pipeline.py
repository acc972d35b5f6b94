"""Everything from intake to the store over one data directory: real journal, engine, recorder and SQLite."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cepd import plugins
from cepd.config.tree import digest_of
from cepd.intake.horizon import Horizon
from cepd.model.alert import Alert
from cepd.model.channel import ChannelSpec
from cepd.model.duration import HOUR
from cepd.model.generation import Generation
from cepd.model.rule import Rule
from cepd.model.settings import Settings
from cepd.net import GuardedClient
from cepd.ports import AlertQuery, Clock, Store, Tools
from cepd.runtime.clock import SystemClock
from cepd.runtime.deployment import Deployment, deploy
from cepd.runtime.feed import Feed
from cepd.runtime.generations import Generations
from cepd.runtime.inbox import Inbox
from cepd.runtime.machine import Machine
from cepd.runtime.processor import Processor
from cepd.runtime.recorder import Recorder
from cepd.runtime.recovery import Recovered, Restore, replay
from cepd.runtime.snapshots import Snapshotter
from cepd.secrets import ProcessSecrets
from cepd.stores.journal import FileJournal, open_journal
from cepd.stores.progress import MappedProgress, open_progress
from cepd.stores.quarantine import FOLDER, FileQuarantine
from cepd.stores.snapshots import FileSnapshots
from cepd.stores.sqlite import open_store
from cepd.stores.store import SqlStore
from cepd.telemetry.metrics import Metrics
from tests.support.rows import definition
from tests.support.tools import NO_RUNS

OPS = ChannelSpec(name="ops", type="webhook", options={"url": "http://127.0.0.1:9/"}, allow_private=True)


def deployment_of(*rules: Rule, name: str = "one", previous: Deployment | None = None) -> Deployment:
    """The rules with the channel `ops`, under a digest that is a function of `name`."""
    generation = Generation(
        digest=digest_of({name: b""}) if rules else "",
        settings=Settings(),
        definitions=tuple(definition(rule) for rule in rules),
        channels={"ops": OPS},
        files=(),
    )
    tools = Tools(http=GuardedClient(), secrets=ProcessSecrets(), clock=SystemClock(), egress=(), runs=NO_RUNS)
    before = previous.program if previous else None
    return deploy(generation, f"revision-{name}", before, modules=plugins.plugin, tools=tools)


@dataclass
class Pipeline:
    clock: Clock
    journal: FileJournal
    snapshots: FileSnapshots
    generations: Generations
    store: SqlStore
    machine: Machine
    feed: Feed
    horizon: Horizon
    metrics: Metrics
    inbox: Inbox
    recorder: Recorder
    processor: Processor
    snapshotter: Snapshotter
    progress: MappedProgress
    quarantine: FileQuarantine

    async def settled(self) -> list[Alert]:
        """Waits until all that was let in is in the store; the alerts, oldest first."""
        await self.feed.drained()
        await self.recorder.drained()
        page = await self.store.alerts(AlertQuery(limit=1000))
        return page.alerts[::-1]

    async def send(self, *lines: bytes, source: str = "http") -> Any:
        return await self.inbox.submit(b"\n".join(lines), "application/x-ndjson", None, source)


@asynccontextmanager
async def pipeline(
    data_dir: Path,
    deployment: Deployment,
    *,
    clock: Clock | None = None,
    running: tuple[str, ...] = ("recorder", "processor", "snapshotter"),
    through: Callable[[SqlStore], Store] = lambda store: store,
    recorder_capacity: int = 10_000,
    interval: int = HOUR,
    retain: int = 0,
    segment_size: int = 1024 * 1024,
    journal_limit: int = 1 << 30,
    **capacities: int,
) -> AsyncIterator[Pipeline]:
    """Opens the data directory and runs the named tasks; at the end all is dropped as it stands, as a crash would."""
    journal = open_journal(data_dir / "journal", segment_size=segment_size, limit=journal_limit)
    snapshots = FileSnapshots(data_dir / "snapshots")
    generations = Generations(data_dir / "generations")
    store = open_store(data_dir / "cepd.db")
    clock = clock or SystemClock(journal.last_clock)
    metrics = Metrics()
    machine = Machine(deployment)
    feed = Feed(journal, clock, **capacities)
    horizon = Horizon()
    progress = open_progress(data_dir)
    quarantine = FileQuarantine(data_dir / FOLDER)
    recorder = Recorder(
        through(store),
        clock,
        metrics,
        recorded=lambda: None,
        blame=progress.blame,
        capacity=recorder_capacity,
    )
    inbox = Inbox(feed, horizon, metrics)
    inbox.closed = None
    snapshotter = Snapshotter(
        machine,
        feed,
        horizon,
        recorder,
        journal,
        snapshots,
        generations,
        clock,
        metrics,
        interval=interval,
        retain=retain,
    )
    processor = Processor(feed, machine, recorder, clock, snapshotter, progress)
    parts = {"recorder": recorder.run, "processor": processor.run, "snapshotter": snapshotter.run}
    tasks = [asyncio.create_task(parts[name]()) for name in running]
    try:
        yield Pipeline(
            clock,
            journal,
            snapshots,
            generations,
            store,
            machine,
            feed,
            horizon,
            metrics,
            inbox,
            recorder,
            processor,
            snapshotter,
            progress,
            quarantine,
        )
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        await journal.close()
        await store.close()
        for error in ended:
            if not isinstance(error, asyncio.CancelledError):
                raise AssertionError("a part has ended") from error


async def replayed(running: Pipeline, restore: Restore) -> Recovered:
    return await replay(
        running.journal,
        running.machine,
        running.recorder,
        running.horizon,
        restore,
        running.progress,
        running.quarantine,
    )
