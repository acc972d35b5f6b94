"""Long work on the event loop, in steps: no step is followed by another one before the loop had its turn, once they
have taken long enough together."""

import asyncio
from time import perf_counter
from typing import TypeVar

from cepd.engine.stepping import Steps

LONGEST_TURN = 0.005
"""Seconds of work after which the loop has its turn."""

T = TypeVar("T")


async def in_turns(steps: Steps[T]) -> T:
    """What comes of the work. Whoever else changes what it works on in the meantime is to blame."""
    begun = perf_counter()
    while True:
        try:
            next(steps)
        except StopIteration as done:
            found: T = done.value
            return found
        if perf_counter() - begun > LONGEST_TURN:
            await asyncio.sleep(0)
            begun = perf_counter()
