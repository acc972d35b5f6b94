"""An event loop whose time can be moved on: timers come due without anybody waiting for them."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from cepd.model.duration import SECOND
from cepd.model.instant import Instant

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    leapt = 0.0

    def time(self) -> float:
        return super().time() + self.leapt


class VirtualClock:
    """A clock that goes with the running loop, from a given instant on."""

    def __init__(self, start: Instant) -> None:
        self._loop = asyncio.get_running_loop()
        self._start = start - round(self._loop.time() * SECOND)

    def now(self) -> Instant:
        return self._start + round(self._loop.time() * SECOND)


async def leap(seconds: float) -> None:
    """So many seconds pass at once; what waited for a timer on the way has had its turns when this returns."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop.leapt += seconds
    for _ in range(20):
        await asyncio.sleep(0)


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
