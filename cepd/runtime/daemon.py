"""The order in which the daemon's parts start and stop; what they do is theirs.

A part that ends by itself is a fault: the daemon ends with it, at once, and the next start replays the journal. So
there is no way to run on with half of the parts.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from cepd.intake.horizon import Horizon
from cepd.model.duration import SECOND, Span
from cepd.model.errors import RetryLaterError, StartError
from cepd.model.execution import Asked, Execution
from cepd.ports import Clock, Journal, Progress, Quarantine, Snapshots, Store
from cepd.runtime.dispatcher import Dispatcher
from cepd.runtime.feed import Feed
from cepd.runtime.heartbeat import Heartbeat
from cepd.runtime.inbox import Inbox
from cepd.runtime.lapses import end_acknowledgements
from cepd.runtime.machine import Machine
from cepd.runtime.patience import patiently
from cepd.runtime.processor import Processor
from cepd.runtime.recorder import Recorder
from cepd.runtime.recovery import Restore, begin, lost, replay
from cepd.runtime.reloader import Reloaded, Reloader
from cepd.runtime.retention import Sweeper
from cepd.runtime.runs import Runs
from cepd.runtime.snapshots import Snapshotter
from cepd.runtime.stream import Stream
from cepd.runtime.watcher import Watcher
from cepd.telemetry.sdnotify import notify

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Daemon:
    """`drain` is how long a stop waits for what is under way. `reload` is what a changed tree, or a signal, calls."""

    clock: Clock
    journal: Journal
    snapshots: Snapshots
    store: Store
    horizon: Horizon
    feed: Feed
    runs: Runs
    machine: Machine
    inbox: Inbox
    recorder: Recorder
    processor: Processor
    snapshotter: Snapshotter
    dispatcher: Dispatcher
    stream: Stream
    sweeper: Sweeper
    reloader: Reloader
    watcher: Watcher
    heartbeat: Heartbeat
    restore: Restore
    progress: Progress
    quarantine: Quarantine
    kept_files: Callable[[str], Mapping[str, bytes]]
    reload: Callable[[], Awaitable[Reloaded]]
    drain: Span = 10 * SECOND
    _tasks: list["asyncio.Task[None]"] = field(default_factory=list)
    _watching: "asyncio.Task[None] | None" = None

    @property
    def broken(self) -> str | None:
        """The part that ended by itself, on the way out; None while all of them work."""
        ended = next((task.get_name() for task in self._tasks if task.done()), None)
        return ended and f"{ended} has ended"

    def unready(self) -> str | None:
        """Why no requests should come now, in words; None where they may. Asking tries a disk that refused again, and
        a journal that is full."""
        if self.inbox.closed is not None:
            return self.inbox.closed
        if self.feed.refused is not None:
            self.feed.try_again()
            return f"the journal takes no events: {self.feed.refused}"
        if self.feed.full is not None:
            self.feed.press()
            return self.feed.full
        if self.machine.deployment.digest:
            return None
        return f"no rules are loaded yet: {self.reloader.failure or 'the folder was never good'}"

    async def run_rule(self, asked: Asked, within: Span) -> Execution:
        """As `Runs.run`; RetryLaterError while nothing is taken in."""
        self.inbox.check_open()
        return await self.runs.run(asked, within)

    async def run(self, stop: asyncio.Event, serve: Callable[[], Awaitable[None]]) -> None:
        """Runs until `stop` is set. `serve` answers requests; it ends by itself after `stop`.

        StartError where the daemon cannot begin; anything else that is raised is a fault of one of the parts.
        """
        try:
            async with asyncio.TaskGroup() as parts:
                serving = parts.create_task(_awaited(serve()), name="the web server")
                self._begin(parts, self.heartbeat.run(), "the heartbeat")
                self._begin(parts, self.recorder.run(), "the recorder")
                self._begin(parts, self.stream.run(), "the stream")
                starting = parts.create_task(self._start(parts))
                stopping = parts.create_task(_awaited(stop.wait()))
                await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
                await stopping
                starting.cancel()
                self.inbox.closed = "the daemon is stopping"
                log.info("stopping")
                notify("STOPPING=1")
                await serving
                await self._finish()
                for task in self._tasks:
                    task.cancel()
        except BaseExceptionGroup as group:
            refused = next((error for error in group.exceptions if isinstance(error, StartError)), None)
            raise refused or group from None
        finally:
            await self.journal.close()
            await self.store.close()
        log.info("stopped")

    def _begin(self, parts: asyncio.TaskGroup, running: Awaitable[None], name: str) -> "asyncio.Task[None]":
        task = parts.create_task(_awaited(running), name=name)
        self._tasks.append(task)
        return task

    async def _start(self, parts: asyncio.TaskGroup) -> None:
        if self.journal.damage:
            log.error("journal damaged", extra={"reason": self.journal.damage})
        started = self.clock.now()
        recorded = await patiently(self.store.recorded, _away)
        snapshot = await asyncio.to_thread(
            begin, self.journal, self.snapshots, recorded, self.machine, self.horizon, self.restore
        )
        if reason := await patiently(lambda: lost(self.journal, self.store), _away):
            log.error("journal damaged", extra={"reason": reason})
        recovered = await replay(
            self.journal, self.machine, self.recorder, self.horizon, self.restore, self.progress, self.quarantine
        )
        self.snapshotter.resume(snapshot)
        log.info(
            "recovered",
            extra={
                "snapshot": snapshot.seq if snapshot else None,
                "frames": recovered.frames,
                "events": recovered.events,
                "firings": recovered.firings,
                "seconds": (self.clock.now() - started) / SECOND,
            },
        )
        self._begin(parts, self.snapshotter.run(), "the snapshots")
        self._begin(parts, self.processor.run(), "the processor")
        if self.machine.seq:
            self.feed.resume()
        digest = self.machine.deployment.digest
        self.reloader.resume(await asyncio.to_thread(self.kept_files, digest) if digest else {})
        await self._first_reload()
        listening = self.machine.deployment.listening
        reclaimed = await patiently(lambda: self.store.reclaim(self.clock.now(), listening), _away)
        log.info("deliveries reclaimed", extra={"number": reclaimed})
        self._begin(parts, self.dispatcher.run(), "the dispatcher")
        self._begin(parts, end_acknowledgements(self.store, self.clock), "the ends of acknowledgements")
        self._begin(parts, self.sweeper.run(), "the retention")
        self._watching = self._begin(parts, self._watch(), "the watcher")
        self.inbox.closed = None
        log.info("ready", extra={"revision": self.machine.deployment.revision})
        notify("READY=1")

    async def _first_reload(self) -> None:
        """What ran before the restart runs on without the folder; with neither there is nothing to do."""
        self.watcher.start()
        try:
            reloaded = await self.reload()
        except RetryLaterError:
            return
        if reloaded.decision.outcome == "missing" and not self.machine.deployment.digest:
            problem = reloaded.decision.problems[0]
            raise StartError(problem.message, help="name the folder with the rules, or the link to it")

    async def _watch(self) -> None:
        while True:
            await self.watcher.changed()
            try:
                await self.reload()
            except RetryLaterError:
                continue  # told by the reloader; the next look tries again
            except Exception:  # a tree that trips cepd over must not end what runs
                log.exception("fault in reload")

    async def _finish(self) -> None:
        """Works off what was accepted, as far as the time allows; the rest is in the journal and the store."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.wait({self._watching})
        await asyncio.to_thread(self.watcher.close)
        end = asyncio.get_running_loop().time() + self.drain / SECOND
        try:
            async with asyncio.timeout_at(end):
                await self.feed.drained()
                await self.recorder.drained()
                await self.snapshotter.finish()
        except TimeoutError:
            log.warning("not all was recorded in time; the next start does it")
        await self.dispatcher.drain(max(end - asyncio.get_running_loop().time(), 0.0))


def _away(error: RetryLaterError, pause: float) -> None:
    log.error("store away", extra={"reason": error.message, "retry_in": pause})


async def _awaited(running: Awaitable[object]) -> None:
    await running
