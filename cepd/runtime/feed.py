"""The queue in front of the engine: frames get their number, go to the journal and wait here, in one turn of the loop.

So the order of the journal is the order in which the engine takes frames. Everything that writes the journal writes
it through here: intake, runs that were asked for, ticks, swaps, the resume at start.
"""

import asyncio
from collections import deque
from dataclasses import dataclass, field

import msgspec

from cepd.model.duration import SECOND
from cepd.model.errors import OverloadedError, RetryLaterError
from cepd.model.execution import Asked
from cepd.model.frame import Frame, FrameKind
from cepd.model.size import format_size
from cepd.model.stop import Wish
from cepd.ports import Clock, Journal
from cepd.runtime.deployment import Deployment

CAPACITY_EVENTS = 100_000
CAPACITY_BYTES = 64 * 1024 * 1024


@dataclass(slots=True, eq=False)
class Item:
    """One frame on its way. `deployment` comes with a swap."""

    frame: Frame
    synced: asyncio.Future[None]
    """Ends when the frame is on disk; fails with RetryLaterError, and then the frame must not be applied."""
    deployment: Deployment | None = None
    finished: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the frame is applied, or never will be."""


class Feed:
    """`length` events of `size` bytes were let in and are not applied yet; what is over a capacity is refused."""

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        *,
        capacity_events: int = CAPACITY_EVENTS,
        capacity_bytes: int = CAPACITY_BYTES,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._queue: asyncio.Queue[Item] = asyncio.Queue()
        self._waiting: deque[Frame] = deque()
        self.capacity_events = capacity_events
        self.capacity_bytes = capacity_bytes
        self.refused: str | None = None
        """Why the disk did not take the newest frame; None where it did."""
        self.length = 0
        self.size = 0
        self._pressed = clock.now() - SECOND

    @property
    def full(self) -> str | None:
        """Why the journal takes no more events, in words; None where it does."""
        if self._journal.size < self._journal.limit:
            return None
        return f"the journal holds {format_size(self._journal.size)}, as much as it may (--journal-limit)"

    def reserve(self, events: int, size: int) -> None:
        """Makes room for events that will come. OverloadedError where there is none; an empty queue takes any.
        RetryLaterError where the journal is full."""
        if self.full is not None:
            self.press()
            raise RetryLaterError(self.full, help="it lets rows go once the store has recorded them", after=5.0)
        full = self.length + events > self.capacity_events or self.size + size > self.capacity_bytes
        if full and self.length:
            raise OverloadedError(
                f"{self.length} events wait for the engine", help="send again later, in smaller bodies", after=1.0
            )
        self.length += events
        self.size += size

    def release(self, events: int, size: int) -> None:
        """Gives room back: the events are applied, or never came."""
        self.length -= events
        self.size -= size

    def batch(self, body: bytes, events: int, *, input: str, source: str) -> Item:
        """Lines joined by newlines, an event each, for which room was reserved; applying them gives it back."""
        return self._push("batch", input=input, source=source, count=events, body=body)

    def tick(self) -> Item:
        return self._push("tick")

    def resume(self) -> Item:
        return self._push("resume")

    def swap(self, deployment: Deployment) -> Item:
        return self._push("swap", digest=deployment.digest, deployment=deployment)

    def target(self, asked: Asked, body: bytes, *, source: str) -> Item:
        """One event for one rule, for which room was reserved; applying it gives it back."""
        return self._push(
            "target",
            source=source,
            count=1,
            rule_id=asked.rule_id,
            run=asked.exec_id,
            by=asked.by,
            depth=asked.depth,
            body=body,
        )

    def reset(self, rule_id: str, key: str) -> Item:
        """The rule forgets the anomaly baseline of one key, which is given as its text."""
        return self._push("reset", rule_id=rule_id, body=key.encode())

    def disable(self, rule_id: str, wish: Wish) -> Item:
        """The rule opens no alerts for some time; in place of what holds of it already."""
        return self._push("disable", rule_id=rule_id, body=msgspec.json.encode(wish))

    def enable(self, rule_id: str) -> Item:
        """That is over before its time; nothing happens where the rule is not disabled."""
        return self._push("enable", rule_id=rule_id)

    def try_again(self) -> None:
        """After a refusal, when nothing comes by itself: a tick shows whether the disk takes frames again."""
        if self._queue.empty():
            self.tick()

    def press(self) -> None:
        """While the journal is full: only behind a new row there are new snapshots, for which it lets older rows go. At
        most one row a second, however many ask."""
        now = self._clock.now()
        if now - self._pressed >= SECOND:
            self._pressed = now
            self.try_again()

    async def take(self, within: float | None) -> Item | None:
        """The next frame; None where none came within so many seconds (None: wait for ever)."""
        if self._queue.empty():
            try:
                async with asyncio.timeout(within):
                    item = await self._queue.get()
            except TimeoutError:
                return None
        else:
            item = self._queue.get_nowait()
        self._waiting.popleft()
        return item

    def waiting(self) -> list[Frame]:
        """The frames that were not taken yet, in order."""
        return list(self._waiting)

    def done(self, item: Item) -> None:
        """A taken item was applied, or never will be."""
        if item.frame.kind in ("batch", "target"):
            self.release(item.frame.count, len(item.frame.body))
        item.finished.set()
        self._queue.task_done()

    async def drained(self) -> None:
        """Ends when everything pushed so far was taken and is done."""
        await self._queue.join()

    def _push(
        self,
        kind: FrameKind,
        *,
        input: str = "",
        source: str = "",
        count: int = 0,
        rule_id: str = "",
        run: str = "",
        by: str = "",
        depth: int = 0,
        digest: str = "",
        body: bytes = b"",
        deployment: Deployment | None = None,
    ) -> Item:
        frame = Frame(
            seq=self._journal.next_seq,
            clock=self._clock.now(),
            kind=kind,
            input=input,
            source=source,
            first=self._journal.next_event,
            origin=self._journal.id,
            count=count,
            rule_id=rule_id,
            run=run,
            by=by,
            depth=depth,
            digest=digest,
            body=body,
        )
        item = Item(frame, asyncio.ensure_future(self._journal.append(frame)), deployment)
        item.synced.add_done_callback(self._written)
        self._queue.put_nowait(item)
        self._waiting.append(frame)
        return item

    def _written(self, synced: asyncio.Future[None]) -> None:
        if not synced.cancelled():
            error = synced.exception()
            self.refused = None if error is None else str(error)
