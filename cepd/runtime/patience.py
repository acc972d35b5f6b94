"""Calls that must succeed, tried until the store or the disk takes them, less and less often."""

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
