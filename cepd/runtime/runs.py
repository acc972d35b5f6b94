"""Runs that somebody waits for: a rule is asked to run through the journal, once, and the store tells how it ended.

Nothing here is remembered over a restart, and nothing needs to be: what is in the journal is recorded at the next start
before any delivery is tried again, and whoever asks again under the same id finds it there.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from cepd.model.delivery import Delivery
from cepd.model.duration import SECOND, Span
from cepd.model.errors import ConflictError, InputError, RetryLaterError
from cepd.model.event import given_type
from cepd.model.execution import Asked, Execution
from cepd.model.json import Json
from cepd.ports import Clock, Store
from cepd.runtime.asked import event_of, target_of
from cepd.runtime.deployment import Deployment
from cepd.runtime.feed import Feed
from cepd.runtime.patience import patiently, set_within

log = logging.getLogger(__name__)

LOOK = 1.0
"""Seconds after which a run is looked at again: another daemon that shares the store may work its actions off."""


class Runs:
    """The port Runs. `written` ends when what a journal row made fire is in the store."""

    def __init__(
        self,
        store: Store,
        feed: Feed,
        clock: Clock,
        *,
        deployment: Callable[[], Deployment],
        written: Callable[[int], Awaitable[None]],
    ) -> None:
        self._store = store
        self._feed = feed
        self._clock = clock
        self._deployment = deployment
        self._written = written
        self._starting: dict[str, asyncio.Task[Execution]] = {}
        self._waiting: dict[str, set[asyncio.Event]] = {}

    async def run(self, asked: Asked, within: Span) -> Execution:
        try:
            async with asyncio.timeout(within / SECOND):
                started = await self._started(asked)
                _check_same(asked, started)
                return await self._ended(started)
        except TimeoutError:
            return await self._store.execution(asked.exec_id) or self._pending(asked)

    async def keep(self, delivery_id: str, attempt: int, progress: bytes) -> None:
        await patiently(lambda: self._store.keep_progress(delivery_id, attempt, progress), _not_kept)

    def settled(self, delivery: Delivery) -> None:
        """A try of a delivery has ended: whoever waits for its run looks again."""
        for ended in self._waiting.get(delivery.firing_id, ()):
            ended.set()

    async def _started(self, asked: Asked) -> Execution:
        """The run once it is recorded. All that ask under one id share one task, which goes on when they give up."""
        task = self._starting.get(asked.exec_id)
        if task is None:
            task = self._starting[asked.exec_id] = asyncio.create_task(self._start(asked))
            task.add_done_callback(lambda ended: self._over(asked.exec_id, ended))
        return await asyncio.shield(task)

    def _over(self, exec_id: str, task: "asyncio.Task[Execution]") -> None:
        """Who waits hears of a failure; who does no longer was told that the run is pending, so it is logged too."""
        del self._starting[exec_id]
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, InputError):
            log.warning("run not started", extra={"run": exec_id, "reason": str(error)})

    async def _start(self, asked: Asked) -> Execution:
        found = await self._store.execution(asked.exec_id)
        if found is not None:
            return found
        body, source = event_of(asked, target_of(asked, self._deployment()))
        self._feed.reserve(1, len(body))
        item = self._feed.target(asked, body, source=source)
        await asyncio.shield(item.synced)
        await item.finished.wait()
        await self._written(item.frame.seq)
        found = await self._store.execution(asked.exec_id)
        if found is None:
            raise RetryLaterError("the run is not recorded yet", help="ask again: it runs once")
        return found

    async def _ended(self, execution: Execution) -> Execution:
        """The run once the first try of each of its actions has ended."""
        firing_id = execution.firing_id
        if firing_id is None:
            return execution
        ended = asyncio.Event()
        waiting = self._waiting.setdefault(firing_id, set())
        waiting.add(ended)
        try:
            while True:
                ended.clear()
                found = await self._store.execution(execution.exec_id)
                if found is None or found.status != "pending":
                    return found or execution
                await set_within(ended, LOOK)
        finally:
            waiting.discard(ended)
            if not waiting:
                del self._waiting[firing_id]

    def _pending(self, asked: Asked) -> Execution:
        """Of a run that is not recorded yet."""
        return Execution(
            exec_id=asked.exec_id,
            rule_id=asked.rule_id,
            status="pending",
            condition_met=None,
            started_at=self._clock.now(),
            duration=None,
            error_message=None,
            executed_by=asked.by,
            trigger={},
            actions=[],
            revision="",
            generation="",
        )


def _not_kept(error: RetryLaterError, pause: float) -> None:
    log.warning("progress not kept", extra={"reason": error.message, "retry_in": pause})


def _check_same(asked: Asked, found: Execution) -> None:
    """ConflictError where the id was given to another rule or payload."""
    sent: dict[str, Json] = found.trigger["payload"]
    own: dict[str, Json] = {"type": sent["type"]} if "type" in sent and given_type(asked.payload) is None else {}
    if found.rule_id != asked.rule_id or _text(sent) != _text({**own, **asked.payload}):
        raise ConflictError(
            f"the run {asked.exec_id} was asked for with another payload", help="take another key for another run"
        )


def _text(value: Json) -> bytes:
    return msgspec.json.encode(value, order="deterministic")
