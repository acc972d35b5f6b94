"""Intake over HTTP: a body becomes journaled slices, and its sender hears of them once they are on disk."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

import msgspec

from cepd.intake.body import Parsed, Rejected, read_parts
from cepd.intake.envelope import read_envelope, read_given
from cepd.intake.horizon import Horizon
from cepd.intake.inflate import inflate
from cepd.intake.limits import DEFAULT_LIMITS
from cepd.intake.own import without_own
from cepd.model.errors import CepdError, OverloadedError, RetryLaterError, TooLargeError
from cepd.model.happenings import OWN
from cepd.model.instant import format_instant
from cepd.model.stop import Wish
from cepd.runtime.feed import Feed
from cepd.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

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
            parts = await self._read(body, content_type, content_encoding)
            receipt, written = await self._admit(parts, source)
        except CepdError as error:
            self._metrics.count("cepd_events_rejected_total", _reason(error))
            raise
        for future in written:
            await asyncio.shield(future)
        self._count(receipt)
        return receipt

    async def tell(self, line: bytes) -> None:
        """Takes in one of cepd's own happenings; returns when it, or the original where it is a duplicate, is on disk.

        RetryLaterError while nothing is taken, too much waits, or the disk refuses.
        """
        self.check_open()
        self._feed.reserve(1, len(line))
        if self._horizon.admit_all([line], [read_given(line)], OWN):
            written = {self._push(line, 1, OWN, OWN)}
        else:
            self._feed.release(1, len(line))
            written = set(self._unwritten)
        for future in written:
            await asyncio.shield(future)

    async def reset(self, rule_id: str, key: str) -> None:
        """A rule forgets the anomaly baseline of the key with this text; returns when the row is on disk.

        RetryLaterError while nothing is taken, or where the disk refuses.
        """
        self.check_open()
        await self._feed.reset(rule_id, key).synced

    async def disable(self, rule_id: str, wish: Wish) -> None:
        """As `reset`: a rule is disabled for some time."""
        self.check_open()
        await self._feed.disable(rule_id, wish).synced
        about = {"rule": rule_id, "by": wish.by, "until": format_instant(wish.until), "reason": wish.reason}
        log.warning("rule disabled", extra=about)

    async def enable(self, rule_id: str, by: str) -> None:
        """As `reset`: a rule is no longer disabled."""
        self.check_open()
        await self._feed.enable(rule_id).synced
        log.warning("rule enabled", extra={"rule": rule_id, "by": by})

    def check_open(self) -> None:
        """RetryLaterError while nothing is taken."""
        if self.closed is not None:
            raise RetryLaterError(self.closed, help="send again in a moment")

    async def _read(self, body: bytes, content_type: str | None, content_encoding: str | None) -> list[Parsed]:
        """The loop has its turn between parts. Only inflating is left to a thread: what takes time in the rest of it
        holds the interpreter, wherever it runs."""
        self.check_open()
        plain = partial(inflate, body, content_encoding, DEFAULT_LIMITS)
        text = await asyncio.to_thread(plain) if content_encoding else plain()
        parts: list[Parsed] = []
        for part in read_parts(text, content_type):
            if parts:
                await asyncio.sleep(0)
            parts.append(without_own(part))
        return parts

    async def _admit(self, parts: list[Parsed], source: str) -> tuple[Receipt, set[asyncio.Future[None]]]:
        """Pushes what is new, part by part, and lets go of each; with the writes that the receipt waits for."""
        total = events = sum(len(part.data) for part in parts)
        size = sum(len(part.body) for part in parts)
        self._feed.reserve(events, size)
        rejected = [one for part in parts for one in part.rejected]
        accepted = 0
        written: set[asyncio.Future[None]] = set()
        parts.reverse()
        try:
            while parts:
                part = parts.pop()
                fresh = self._horizon.admit_all(part.data, part.given, source)
                body = part.body
                if len(fresh) < len(part.data):
                    written |= self._unwritten
                    body = b"\n".join(fresh)
                if fresh:
                    written.add(self._push(body, len(fresh), source))
                accepted += len(fresh)
                events -= len(fresh)
                size -= len(body)
                if parts:
                    await asyncio.sleep(0)
        finally:
            self._feed.release(events, size)
        return Receipt(accepted, total - accepted, rejected), written

    def _push(self, body: bytes, events: int, source: str, name: str = INPUT) -> asyncio.Future[None]:
        written = self._feed.batch(body, events, input=name, source=source).synced
        self._unwritten.add(written)
        written.add_done_callback(partial(self._written, body, source))
        return written

    def _written(self, body: bytes, source: str, written: asyncio.Future[None]) -> None:
        """Events that did not reach the disk are new again. Until this ran, their duplicates wait for the write."""
        if written.cancelled() or written.exception() is not None:
            for line in body.split(b"\n"):
                envelope = read_envelope(line, source)
                self._horizon.forget(envelope.source, envelope.id, line)
        self._unwritten.discard(written)

    def _count(self, receipt: Receipt) -> None:
        self._metrics.count("cepd_events_received_total", by=receipt.accepted)
        self._metrics.count("cepd_events_duplicates_total", by=receipt.duplicates)
        if receipt.rejected:
            self._metrics.count("cepd_events_rejected_total", "line", by=len(receipt.rejected))


def _reason(error: CepdError) -> str:
    """The label of a refused body, one of few."""
    if isinstance(error, TooLargeError):
        return "too_large"
    if isinstance(error, OverloadedError):
        return "overloaded"
    return "unavailable" if isinstance(error, RetryLaterError) else "body"
