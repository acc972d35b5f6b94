"""A dispatcher at work over a real store: what is owed, who sends it, and when it is through."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cepd.model.delivery import Delivery, DeliveryState, Draft, Outcome, draft_of
from cepd.model.duration import SECOND
from cepd.model.errors import RetryLaterError
from cepd.model.instant import Instant
from cepd.model.terms import BreakerSpec, Terms
from cepd.ports import Recording
from cepd.stores.sqlite import open_store
from cepd.stores.store import SqlStore
from tests.support.firings import a_firing, an_alert

TERMS = Terms(breaker=BreakerSpec(failure_threshold=1_000))
"""The usual schedule, without a breaker in its way."""
START = 1_000 * SECOND


class HandClock:
    """A clock that a test moves."""

    def __init__(self, now: Instant = START) -> None:
        self.time = now

    def now(self) -> Instant:
        return self.time


class FlakyStore:
    """The real store, away for as many calls as `failures` says, by method."""

    def __init__(self, store: SqlStore, **failures: int) -> None:
        self._store = store
        self.failures = failures
        self.calls: dict[str, int] = {}

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] = self.calls.get(name, 0) + 1
            if self.failures.get(name, 0) > 0:
                self.failures[name] -= 1
                raise RetryLaterError("the disk is full")
            return await getattr(self._store, name)(*args, **kwargs)

        return call


class Sender:
    """Answers as told, one outcome a try (the last one for good); keeps the ids it was given, with the time."""

    def __init__(self, clock: HandClock, *outcomes: Outcome | Exception) -> None:
        self._clock = clock
        self._outcomes = list(outcomes) or [Outcome(result="sent")]
        self.tries: list[tuple[str, Instant]] = []

    async def __call__(self, delivery: Delivery) -> Outcome:
        self.tries.append((delivery.id, self._clock.now()))
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def a_draft(number: int, *, key: str = "", due_at: Instant = 0, target: str = "ops") -> Draft:
    """A draft of its own order key, unless `key` names one."""
    firing, alert = a_firing(id=f"f{number}", key={"host": key or f"h{number}"}), an_alert(recorded_at=due_at)
    return draft_of(firing, alert, action=0, type="notify", target=target, request=b"{}", terms=TERMS)


async def owed(store: SqlStore, *drafts: Draft) -> None:
    await store.record(Recording(seq=1, alerts=[an_alert()], drafts=drafts, at=START))


async def states(store: SqlStore) -> list[DeliveryState]:
    return [delivery.state for delivery in (await store.alert("f1")).deliveries]


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.002)


def with_store(path: Path, test: Callable[[SqlStore], Awaitable[None]]) -> None:
    async def run() -> None:
        store = open_store(path / "cepd.db")
        try:
            await test(store)
        finally:
            await store.close()

    asyncio.run(run())


async def all_are(store: SqlStore, state: DeliveryState) -> bool:
    return set(await states(store)) == {state}


def tried(store: SqlStore, tries: int) -> Callable[[], Awaitable[bool]]:
    async def enough() -> bool:
        detail = await store.alert("f1")
        return sum(attempt.ended_at is not None for attempt in detail.attempts) == tries

    return enough
