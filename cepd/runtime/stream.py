"""What happens to alerts, for any number of those who watch: each reads from the store, page by page, at its own pace.

So nobody has a queue that can overflow, and who is slow holds up nobody. Whoever stands at the same place gets the same
page, which was read and put into bytes once. While nobody watches, the store is not asked.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from cepd.model.errors import OverloadedError, RetryLaterError
from cepd.ports import Notice, Store
from cepd.runtime.patience import set_within
from cepd.telemetry.metrics import Metrics, Sample

log = logging.getLogger(__name__)

ROWS = 200
"""Of a page."""
PAGES = 32
"""Pages that are kept for those who come after."""
MOST = 1_000
"""Who may watch at a time."""
APART = 0.02
"""Seconds between two looks at the end of the stream."""
PAUSE = 1.0
"""Seconds until the next look after the store was away."""


class Line(NamedTuple):
    """One notice, in bytes for the wire; `rule_id` and `severity` are its alert's."""

    rule_id: str
    severity: str
    text: bytes


class Page(NamedTuple):
    """`last`: up to where it tells everything that is kept. `oldest`: see `cepd.ports.stream.NoticePage`."""

    lines: Sequence[Line]
    last: int
    oldest: int | None


class Stream:
    """`end` is the newest number that may be read: everything up to it can be seen in the store."""

    def __init__(
        self, store: Store, metrics: Metrics, encode: Callable[[Notice], Line], look_every: float | None = None
    ) -> None:
        """After `look_every` seconds it looks even if it was not woken: others write to the same store."""
        self._store = store
        self._metrics = metrics
        self._encode = encode
        self._look_every = look_every
        self._woken = asyncio.Event()
        self._advanced = asyncio.Event()
        self._pages: OrderedDict[int, Page] = OrderedDict()
        self._reads: dict[int, asyncio.Task[Page]] = {}
        self.end = 0
        self.watchers = 0

    def wake(self) -> None:
        """Something may have been written."""
        if self.watchers:
            self._woken.set()

    async def run(self) -> None:
        """Follows the end of the stream while somebody watches. Never ends by itself."""
        away = False
        while True:
            await self._due()
            try:
                await self.look()
            except RetryLaterError as error:
                if not away:
                    log.error("stream stands still", extra={"reason": error.message})
                away = True
                self._woken.set()
                await asyncio.sleep(PAUSE)
            else:
                if away:
                    log.info("stream goes on")
                away = False
                await asyncio.sleep(APART)

    async def look(self) -> int:
        """The end of the stream as it is now. RetryLaterError."""
        end = await self._store.stream_end()
        if end > self.end:
            self.end = end
            self.stir()
        return self.end

    async def beyond(self, after: int, within: float) -> bool:
        """Whether there is something behind `after`; waits for it for `within` seconds."""
        return self.end > after or (await set_within(self._advanced, within) and self.end > after)

    async def page(self, after: int) -> Page:
        """The next one behind `after`, which is before `end`. RetryLaterError."""
        found = self._pages.get(after)
        if found is not None:
            self._pages.move_to_end(after)
            return found
        reading = self._reads.get(after)
        if reading is None:
            reading = self._reads[after] = asyncio.create_task(self._read(after))
            reading.add_done_callback(lambda read: self._over(after, read))
        return await asyncio.shield(reading)

    def stir(self) -> None:
        """Ends every wait for something new."""
        self._advanced.set()
        self._advanced = asyncio.Event()

    def refuse_more(self) -> None:
        """OverloadedError where as many watch as may."""
        if self.watchers >= MOST:
            raise OverloadedError(f"{MOST} clients follow the stream already", help="close some, or come back later")

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Somebody is there. OverloadedError where as many are as may, whatever was asked before."""
        self.refuse_more()
        self.watchers += 1
        self._woken.set()
        try:
            yield
        finally:
            self.watchers -= 1

    def missed(self) -> None:
        """Counts that somebody was told of rows that are kept no more."""
        self._metrics.count("cepd_stream_gaps_total")

    def samples(self) -> Iterator[Sample]:
        yield "cepd_stream_clients", (), self.watchers

    async def _due(self) -> None:
        if await set_within(self._woken, self._look_every if self.watchers else None):
            self._woken.clear()

    def _over(self, after: int, read: "asyncio.Task[Page]") -> None:
        """Where nobody waits any more, nobody else takes note of how it ended."""
        del self._reads[after]
        if not read.cancelled():
            read.exception()

    async def _read(self, after: int) -> Page:
        read = await self._store.stream_page(after, self.end, ROWS)
        page = Page([self._encode(notice) for notice in read.notices], read.last, read.oldest)
        if page.oldest is None:
            self._pages[after] = page
            if len(self._pages) > PAGES:
                self._pages.popitem(last=False)
        return page
