"""Intake over HTTP: a body becomes journaled slices, and its sender hears of them once they are on disk."""

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from cepd.intake.body import Line, Parsed, Rejected, read_body
from cepd.intake.envelope import read_envelope
from cepd.intake.horizon import Horizon
from cepd.model.errors import CepdError, OverloadedError, RetryLaterError, TooLargeError
from cepd.runtime.feed import Feed
from cepd.telemetry.metrics import Metrics

SLICE = 2_000
"""Events that go through before the loop has its turn."""
INLINE_BYTES = 64 * 1024
"""Larger bodies, and compressed ones, are read in a thread."""
INPUT = "http"


class Receipt(msgspec.Struct, frozen=True):
    accepted: int
    duplicates: int
    rejected: Sequence[Rejected]


class Inbox:
    """`closed` says in words why nothing is taken now; None: it is open."""

    def __init__(self, feed: Feed, horizon: Horizon, metrics: Metrics) -> None:
        self._feed = feed
        self._horizon = horizon
        self._metrics = metrics
        self._unwritten: set[asyncio.Future[None]] = set()
        self.closed: str | None = "the daemon is starting"

    async def submit(self, body: bytes, content_type: str | None, content_encoding: str | None, source: str) -> Receipt:
        """Takes the events of one body; returns when they, and the originals of its duplicates, are on disk.

        `source` is the source of events that name none. Raises InputError and TooLargeError for the body as a whole,
        OverloadedError while too much waits, RetryLaterError where the disk refuses: a part may then be in already,
        and of that part events with an id of their own are duplicates at the next try.
        """
        try:
            parsed = await self._parse(body, content_type, content_encoding)
            receipt, written = await self._admit(parsed, source)
        except CepdError as error:
            self._metrics.count("cepd_events_rejected_total", _reason(error))
            raise
        if written:
            await asyncio.wait(written)
            for future in written:
                future.result()
        self._count(receipt)
        return receipt

    async def reset(self, rule_id: str, key: str) -> None:
        """A rule forgets the anomaly baseline of the key with this text; returns when the row is on disk.

        RetryLaterError while nothing is taken, or where the disk refuses.
        """
        self._check_open()
        await self._feed.reset(rule_id, key).synced

    def _check_open(self) -> None:
        if self.closed is not None:
            raise RetryLaterError(self.closed, help="send again in a moment")

    async def _parse(self, body: bytes, content_type: str | None, content_encoding: str | None) -> Parsed:
        self._check_open()
        read = partial(read_body, body, content_type=content_type, content_encoding=content_encoding)
        if len(body) <= INLINE_BYTES and not content_encoding:
            return read()
        return await asyncio.to_thread(read)

    async def _admit(self, parsed: Parsed, source: str) -> tuple[Receipt, set[asyncio.Future[None]]]:
        """Pushes what is new, slice by slice; with the writes that the receipt waits for."""
        events, size = len(parsed.lines), sum(len(line.data) for line in parsed.lines)
        self._feed.reserve(events, size)
        accepted = 0
        written: set[asyncio.Future[None]] = set()
        try:
            for part in _slices(parsed.lines):
                if accepted:
                    await asyncio.sleep(0)
                fresh = self._fresh(part, source)
                if len(fresh) < len(part):
                    written |= self._unwritten
                if fresh:
                    written.add(self._push(fresh, source))
                accepted += len(fresh)
                events -= len(fresh)
                size -= sum(len(line) for line in fresh)
        finally:
            self._feed.release(events, size)
        return Receipt(accepted, len(parsed.lines) - accepted, parsed.rejected), written

    def _fresh(self, lines: Sequence[Line], source: str) -> list[bytes]:
        fresh = []
        for line in lines:
            envelope = read_envelope(line.data, source)
            if self._horizon.admit(envelope.source, envelope.id, line.data) == "new":
                fresh.append(line.data)
        return fresh

    def _push(self, lines: list[bytes], source: str) -> asyncio.Future[None]:
        written = self._feed.batch(lines, input=INPUT, source=source).synced
        self._unwritten.add(written)
        written.add_done_callback(partial(self._written, lines, source))
        return written

    def _written(self, lines: list[bytes], source: str, written: asyncio.Future[None]) -> None:
        """Events that did not reach the disk are new again. Until this ran, their duplicates wait for the write."""
        if written.cancelled() or written.exception() is not None:
            for line in lines:
                envelope = read_envelope(line, source)
                self._horizon.forget(envelope.source, envelope.id, line)
        self._unwritten.discard(written)

    def _count(self, receipt: Receipt) -> None:
        self._metrics.count("cepd_events_received_total", by=receipt.accepted)
        self._metrics.count("cepd_events_duplicates_total", by=receipt.duplicates)
        if receipt.rejected:
            self._metrics.count("cepd_events_rejected_total", "line", by=len(receipt.rejected))


def _slices(lines: Sequence[Line]) -> Iterator[Sequence[Line]]:
    return (lines[start : start + SLICE] for start in range(0, len(lines), SLICE))


def _reason(error: CepdError) -> str:
    """The label of a refused body, one of few."""
    if isinstance(error, TooLargeError):
        return "too_large"
    if isinstance(error, OverloadedError):
        return "overloaded"
    return "unavailable" if isinstance(error, RetryLaterError) else "body"
