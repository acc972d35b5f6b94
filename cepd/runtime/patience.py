"""Waiting: for calls that must succeed, tried again until the store or the disk takes them, and for events."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from cepd.model.errors import RetryLaterError

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
"""Seconds between tries."""

T = TypeVar("T")


async def patiently(call: Callable[[], Awaitable[T]], failed: Callable[[RetryLaterError, float], None]) -> T:
    """What the call returns at last. `failed` hears of each failure, and of the seconds until the next try."""
    pause = FIRST_PAUSE
    while True:
        try:
            return await call()
        except RetryLaterError as error:
            failed(error, pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


async def set_within(event: asyncio.Event, seconds: float | None) -> bool:
    """Whether the event is set before so many seconds have passed; None: it is waited for without an end."""
    try:
        async with asyncio.timeout(seconds):
            return await event.wait()
    except TimeoutError:
        return False
