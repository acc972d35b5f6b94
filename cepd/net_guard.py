"""Looks a name up, and connects to the very address that `cepd.policies.egress` admitted.

A name is looked up once; each address of the answer is judged, and the connection goes to one that was allowed, so a
name that changes its answer in between (DNS rebinding) gains nothing. Spellings of addresses need no care: what the
resolver makes of `2130706433` or `0x7f.1` is what is judged.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpcore2

from cepd.model.errors import RefusedError
from cepd.net_lookup import Lookups
from cepd.policies.egress import SPECIAL, Address, Allowance, reach_of

_HEAD_START = 2.0
"""Seconds that an address gets before the next one of the same name is tried."""


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connects only where an allowance admits it. Raises RefusedError where no address of a name is admitted."""

    def __init__(self, allowance: Allowance, lookups: Lookups) -> None:
        self._allowance = allowance
        self._lookups = lookups
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(self, host: str, port: int, *args: Any, **kwargs: Any) -> httpcore2.AsyncNetworkStream:
        try:
            found = await self._lookups.addresses(host)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(f"{host} is not a known host: {error}") from error
        admitted = [address for address in found if self._allowance.admits(host, port, address)]
        if not admitted:
            raise RefusedError(
                f"{host}:{port} is {', '.join(map(str, found))}, which is not on the public internet",
                help=_remedy(found),
            )
        for address in admitted[:-1]:
            try:
                async with asyncio.timeout(_HEAD_START):
                    return await self._inner.connect_tcp(str(address), port, *args, **kwargs)
            except (TimeoutError, httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(str(admitted[-1]), port, *args, **kwargs)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def _remedy(found: Sequence[Address]) -> str:
    if any(reach_of(address) == "private" for address in found):
        return "a channel opens private addresses with allow_private: true, actions with egress: {allow: [...]}"
    return (
        f"no channel reaches {SPECIAL}; an action does where egress: {{allow: [...]}} names the address or its network"
    )
