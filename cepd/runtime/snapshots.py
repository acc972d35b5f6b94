"""Snapshots of the running daemon: cut between two rows, written beside the loop, and the journal trimmed behind them.

One becomes valid only after everything that its rows made fire is in the store. Two are kept, and the journal back to
the older one, so that a start has another where the newer is damaged. They are cut as seldom as it takes to cost less
than 1 % of the time.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from cepd.intake.envelope import read_envelope
from cepd.intake.horizon import Entry, Horizon
from cepd.model.duration import SECOND, Span
from cepd.model.errors import RetryLaterError
from cepd.model.event import identity_of
from cepd.model.frame import Frame
from cepd.model.instant import Instant
from cepd.ports import Clock, Journal, Snapshot, Snapshots
from cepd.runtime.feed import Feed
from cepd.runtime.generations import Generations
from cepd.runtime.machine import Machine
from cepd.runtime.recorder import Recorder
from cepd.runtime.turns import in_turns
from cepd.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

KEPT = 2
SHARE = 100
"""One part in so many of the time may go into snapshots."""


class _Cut(NamedTuple):
    """The snapshot without its horizon and its engine, which is there in pieces; `known` also knows the events of the
    frames that wait behind it."""

    snapshot: Snapshot
    engine: Sequence[bytes]
    known: Iterator[Entry]
    waiting: list[Frame]
    cost: Span
    """How long it took to cut."""


class Snapshotter:
    """`offer` is called between two rows, and none is applied before it ends. The numbers are for the scrape: the
    newest snapshot's clock and size, and for how long rows waited for it, in microseconds."""

    def __init__(
        self,
        machine: Machine,
        feed: Feed,
        horizon: Horizon,
        recorder: Recorder,
        journal: Journal,
        snapshots: Snapshots,
        generations: Generations,
        clock: Clock,
        metrics: Metrics,
        *,
        interval: Span,
        retain: Span,
    ) -> None:
        """`interval` is the least time between two snapshots, `retain` how long the journal's rows are kept beyond
        what a start needs, where they leave half of it free."""
        self._machine = machine
        self._feed = feed
        self._horizon = horizon
        self._recorder = recorder
        self._journal = journal
        self._snapshots = snapshots
        self._generations = generations
        self._clock = clock
        self._metrics = metrics
        self._interval = interval
        self._retain = retain
        self._next = clock.now() + interval
        self._seq: int | None = None
        self._digests: dict[int, str] = {}
        self._cut: _Cut | None = None
        self._wanted = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._clocks: deque[Instant] = deque(maxlen=KEPT)
        self.taken_at: Instant | None = None
        self.size = 0
        self.stall: Span = 0

    def resume(self, snapshot: Snapshot | None) -> None:
        """After the recovery: this one was used, and none is due before its interval has passed."""
        self._next = self._clock.now() + self._interval
        self._seq = 0
        if snapshot is not None:
            self._seq, self.taken_at = snapshot.seq, snapshot.clock
            self._digests[snapshot.seq] = snapshot.digest
            self._clocks.append(snapshot.clock)

    @property
    def final_before(self) -> Instant | None:
        """What was recorded before it is derived again by no start, from the older snapshot either; None where that one
        is not known."""
        return self._clocks[0] if len(self._clocks) == KEPT else None

    async def offer(self) -> None:
        """Cuts a snapshot where one is due."""
        if self._idle.is_set() and self._clock.now() >= self._next and self._is_behind():
            await self._take()

    async def run(self) -> None:
        """Never ends by itself."""
        while True:
            await self._wanted.wait()
            assert self._cut is not None
            began = self._clock.now()
            try:
                await self._write(self._cut)
            except RetryLaterError as error:
                self._metrics.count("cepd_snapshot_errors_total")
                log.error("snapshot failed", extra={"reason": error.message})
            self._next = max(self._next, self._clock.now() + self._interval)
            log.debug("snapshot done", extra={"seconds": (self._clock.now() - began) / SECOND})
            self._cut = None
            self._wanted.clear()
            self._idle.set()

    async def finish(self) -> None:
        """At a stop, when nothing is applied any more: a last one, so that the next start replays nothing."""
        await self._idle.wait()
        if self._is_behind():
            await self._take()
            await self._idle.wait()

    def _is_behind(self) -> bool:
        """Whether rows were applied since the newest snapshot. Before the recovery has ended there is none to take."""
        return self._seq is not None and self._machine.seq > self._seq

    async def _take(self) -> None:
        """The known ids are copied in a turn of their own: that takes some milliseconds."""
        self._idle.clear()
        began = self._clock.now()
        engine = await in_turns(self._machine.engine.saving())
        await asyncio.sleep(0)
        waiting = self._feed.waiting()
        snapshot = Snapshot(
            seq=self._machine.seq,
            clock=self._machine.clock,
            next_event=next((frame.first for frame in waiting), self._journal.next_event),
            digest=self._machine.deployment.digest,
            engine=b"",
            horizon=(),
        )
        self._cut = _Cut(snapshot, engine, self._horizon.entries(), waiting, self._clock.now() - began)
        self._wanted.set()
        await asyncio.sleep(0)

    async def _write(self, cut: _Cut) -> None:
        await self._recorder.recorded(cut.snapshot.seq)
        began = self._clock.now()
        self.size = await asyncio.to_thread(self._store, cut)
        cost = cut.cost + self._clock.now() - began
        self._next = self._clock.now() + SHARE * cost
        self._seq, self.taken_at, self.stall = cut.snapshot.seq, cut.snapshot.clock, cut.cost
        self._clocks.append(cut.snapshot.clock)
        self._metrics.count("cepd_snapshots_total")
        await self._let_go(cut.snapshot)

    def _store(self, cut: _Cut) -> int:
        known = without(cut.known, cut.waiting)
        engine = b"".join(cut.engine)
        return self._snapshots.write(msgspec.structs.replace(cut.snapshot, engine=engine, horizon=known))

    async def _let_go(self, newest: Snapshot) -> None:
        """Of what no start needs any more: older snapshots, the journal's rows before those, its generations."""
        rows = await asyncio.to_thread(self._snapshots.keep, KEPT)
        self._digests[newest.seq] = newest.digest
        self._digests = {seq: self._digests[seq] for seq in rows if seq in self._digests}
        if len(self._digests) == KEPT:
            crowded = self._journal.size > self._journal.limit // 2
            await self._journal.trim(min(rows), self._clock.now() - (0 if crowded else self._retain))
            needed = self._journal.generations | {*self._digests.values(), self._machine.deployment.digest}
            await asyncio.to_thread(self._generations.prune, needed)


def without(known: Iterable[Entry], frames: Sequence[Frame]) -> list[Entry]:
    """The known events but those of these frames, which a start replays, or which never reach the disk."""
    later = {
        identity_of(envelope.source, envelope.id, line, "", 0)
        for frame in frames
        if frame.kind == "batch"
        for line in frame.body.split(b"\n")
        if (envelope := read_envelope(line, frame.source)).id is not None
    }
    return [entry for entry in known if entry[0] not in later]
