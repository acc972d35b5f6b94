"""The real tools of actions and channels: the guarded client, the process's secrets, the system's clock."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar, cast

from cepd.net import GuardedClient
from cepd.ports import Runs, Tools
from cepd.secrets import ProcessSecrets

T = TypeVar("T")


NO_RUNS = cast(Runs, None)
"""For tests that ask no rule to run."""


class SystemClock:
    def now(self) -> int:
        return time.time_ns() // 1000


def real_tools(egress: Sequence[str] = ()) -> Tools:
    return Tools(http=GuardedClient(), secrets=ProcessSecrets(), clock=SystemClock(), egress=egress, runs=NO_RUNS)


def using_tools(use: Callable[[Tools], Awaitable[T]], egress: Sequence[str] = ()) -> T:
    """What `use` returns; the client's connections are closed afterwards."""

    async def run() -> T:
        client = GuardedClient()
        try:
            return await use(
                Tools(http=client, secrets=ProcessSecrets(), clock=SystemClock(), egress=egress, runs=NO_RUNS)
            )
        finally:
            await client.aclose()

    return asyncio.run(run())
