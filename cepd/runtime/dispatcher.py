"""Works the stored deliveries off: claims what is due, tries it, writes down how it ended and what comes next.

What is owed lives in the store alone; here is only what is under way. So a stop or a crash loses nothing: what was
under way is claimed again at the next start, under the same id. How a delivery is sent is the actions' business, when
it is tried again is `cepd.policies.retry`'s.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cepd.model.delivery import Delivery, Outcome
from cepd.model.duration import SECOND, Span, format_duration
from cepd.model.errors import ConflictError, RetryLaterError
from cepd.model.happenings import NOBODY, Listening
from cepd.model.instant import Instant
from cepd.policies.retry import next_step
from cepd.ports import Clock, PutAside, Settled, Settlement, Store
from cepd.runtime.patience import set_within

log = logging.getLogger(__name__)

T = TypeVar("T")

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
"""Seconds between tries while the store is away."""
_SHORTEST_SLEEP = 0.01


class Dispatcher:
    """At most `per_target` deliveries are under way to one target, and no limit lies over all of them: targets come
    from the rules, so they are few, and any number that hang holds up no other. The store keeps the deliveries of one
    order key in order."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        perform: Callable[[Delivery], Awaitable[Outcome]],
        jitter: Callable[[], float],
        per_target: int = 4,
        longest_sleep: float | None = None,
        settled: Callable[[Delivery], None] = lambda delivery: None,
        listening: Callable[[], Listening] = lambda: NOBODY,
    ) -> None:
        """`perform` makes one try; `settled` hears of its end. `jitter` gives the factor for the next wait, from 0.9 to
        1.1. After `longest_sleep` seconds it looks even if nothing is due: others may have left something. `listening`:
        what rules hear of deliveries that fail, as of now."""
        self._store = store
        self._clock = clock
        self._perform = perform
        self._jitter = jitter
        self._per_target = per_target
        self._longest_sleep = longest_sleep
        self._settled = settled
        self._listening = listening
        self._under_way: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._stopping = False
        self._ended = asyncio.Event()
        self._ended.set()
        self._waiting = 0

    def wake(self) -> None:
        """Something may be due: call it when deliveries were added."""
        self._woken.set()

    async def run(self) -> None:
        """Until `drain`; then it claims nothing more and ends with the last delivery under way."""
        self._ended.clear()
        try:
            while not self._stopping:
                await self._sleep(await self._lasting(self._look, self._sleep))
            await self._finished()
        finally:
            await self._hand_back()
            self._ended.set()

    async def drain(self, within: float) -> None:
        """Claims nothing more and waits, at most `within` seconds, for what is under way. The rest stays as it is in
        the store and is claimed again at the next start."""
        self._stopping = True
        self.wake()
        try:
            async with asyncio.timeout(within):
                await self._ended.wait()
        except TimeoutError:
            log.warning("deliveries left under way", extra={"number": len(self._under_way)})
            await self._hand_back()

    async def _look(self) -> float | None:
        """Starts what is due. Seconds until it is worth looking again; None: when woken."""
        self._woken.clear()
        if self._stopping:
            return 0.0
        now = self._clock.now()
        claimed = await self._store.claim(now, self._per_target, self._listening(), _tell_put_aside)
        for delivery in claimed:
            task = asyncio.create_task(self._deliver(delivery, now))
            self._under_way.add(task)
            task.add_done_callback(self._forget)
        if claimed:
            return 0.0
        due = await self._store.next_due(now)
        if due is None:
            return self._longest_sleep
        pause = max((due - self._clock.now()) / SECOND, _SHORTEST_SLEEP)
        return pause if self._longest_sleep is None else min(pause, self._longest_sleep)

    async def _deliver(self, delivery: Delivery, claimed_at: Instant) -> None:
        left = claimed_at + delivery.terms.patience - self._clock.now()
        if left < delivery.terms.timeout:  # cepd was frozen; somebody else may be about to take it over
            log.warning("claim too old", extra={"delivery": delivery.id, "target": delivery.target})
            return
        try:
            outcome = await self._try(delivery, left)
            settlement = self._settlement(delivery, outcome)
            settled = await self._lasting(lambda: self._store.settle(settlement))
            self._tell(delivery, settlement, settled)
            self._settled(delivery)
        except ConflictError as error:  # it took longer than its lease, and was taken over under the same id
            log.warning("lease lost", extra={"delivery": delivery.id, "reason": error.message})
        except Exception:  # one delivery must not stop the others; it is taken over once its lease ends
            log.exception("delivery not settled", extra={"delivery": delivery.id, "target": delivery.target})

    def _settlement(self, delivery: Delivery, outcome: Outcome) -> Settlement:
        now = self._clock.now()
        step = next_step(delivery, outcome, now, self._jitter())
        return Settlement(
            delivery_id=delivery.id,
            attempt=delivery.tries,
            outcome=outcome,
            state=step.state,
            attempts=step.attempts,
            next_at=step.next_at,
            at=now,
            pause_target_until=step.next_at if outcome.result == "rate_limited" else None,
            falls_back=step.falls_back,
            listening=self._listening(),
        )

    def _tell(self, delivery: Delivery, settlement: Settlement, settled: Settled) -> None:
        """What operators should hear of: what was given up, what stands in for it, and breakers."""
        reason = settlement.outcome.detail or settlement.outcome.result
        _tell_put_aside(
            PutAside(delivery.id, delivery.target, delivery.rule_id, settlement.state, reason, settled.fallback)
        )
        if settled.breaker is not None:
            log.warning(f"breaker {settled.breaker}", extra={"target": delivery.target})

    async def _try(self, delivery: Delivery, within: Span) -> Outcome:
        """Whoever sends it keeps to its own timeout; where that fails, the try must not outlast its lease."""
        limit = asyncio.timeout(within / SECOND)
        try:
            async with limit:
                return await self._perform(delivery)
        except Exception as error:  # a fault of cepd's own must not lose what is owed: it counts as a failed try
            if limit.expired():
                return Outcome(result="unknown", detail=f"no end within {format_duration(within)}")
            log.exception("delivery failed", extra={"delivery": delivery.id, "target": delivery.target})
            return Outcome(result="retryable", detail=f"a fault in cepd: {type(error).__name__}")

    async def _lasting(
        self, call: Callable[[], Awaitable[T]], wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> T:
        """The call's result, tried until the store takes it: what was sent must not be forgotten. An outage is told
        once, however many wait for its end."""
        pause = 0.0
        while True:
            try:
                result = await call()
            except RetryLaterError as error:
                if not self._waiting:
                    log.error("store away", extra={"reason": error.message})
                if not pause:
                    self._waiting += 1
                pause = min(pause * 2, _LONGEST_PAUSE) or _FIRST_PAUSE
                await wait(pause)
            else:
                if pause:
                    self._waiting -= 1
                    if not self._waiting:
                        log.info("store back")
                return result

    async def _sleep(self, pause: float | None) -> None:
        await set_within(self._woken, pause)

    async def _finished(self) -> None:
        if self._under_way:
            await asyncio.wait(self._under_way)

    async def _hand_back(self) -> None:
        """Cuts off what is still under way."""
        for task in self._under_way:
            task.cancel()
        await self._finished()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self.wake()


def _tell_put_aside(given_up: PutAside) -> None:
    """What was given up, by the end of a try or by a claim, and what stands in for it."""
    about = {"delivery": given_up.delivery_id, "target": given_up.target, "rule": given_up.rule_id}
    if given_up.state not in ("pending", "sent"):
        log.error(f"delivery {given_up.state}", extra={**about, "reason": given_up.reason})
    if given_up.fallback is not None:
        log.warning("fallback owed", extra={**about, "fallback": given_up.fallback})
