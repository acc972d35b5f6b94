"""Looks host names up, so that a name server that is silent holds up nothing else: no other name, and no stop.

The system's look-up blocks and cannot be cancelled. So each runs in a thread of its own, which the process does not
wait for when it ends, and whoever asks for the same name meanwhile waits for the same answer. Hosts come from the
rules, so there are few such threads.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from threading import Thread
from typing import TypeAlias

from cepd.policies.egress import Address

_Answer: TypeAlias = "asyncio.Future[Sequence[Address] | OSError | UnicodeError]"
"""An error is a value here: those who asked may all be gone when it comes."""


class Lookups:
    """Those under way on one event loop, by host."""

    def __init__(self) -> None:
        self._under_way: dict[str, _Answer] = {}

    async def addresses(self, host: str) -> Sequence[Address]:
        """OSError or UnicodeError where there are none. Being cancelled leaves the look-up to others. An address stands
        for itself: nobody is asked, and no thread begun."""
        if (itself := _address(host)) is not None:
            return (itself,)
        answer = self._under_way.get(host) or self._begin(host)
        found = await asyncio.shield(answer)
        if isinstance(found, Exception):
            raise found
        return found

    def _begin(self, host: str) -> _Answer:
        loop = asyncio.get_running_loop()
        answer: _Answer = loop.create_future()
        self._under_way[host] = answer
        Thread(target=self._look_up, args=(host, loop), name="cepd-lookup", daemon=True).start()
        return answer

    def _look_up(self, host: str, loop: asyncio.AbstractEventLoop) -> None:
        found = _found(host)
        if not loop.is_closed():
            try:
                loop.call_soon_threadsafe(self._tell, host, found)
            except RuntimeError:  # the loop was closed in between, and with it all who asked
                return

    def _tell(self, host: str, found: Sequence[Address] | OSError | UnicodeError) -> None:
        self._under_way.pop(host).set_result(found)


def _address(host: str) -> Address | None:
    """One that names an interface is for the system to read."""
    try:
        return None if "%" in host else ipaddress.ip_address(host)
    except ValueError:
        return None


def _found(host: str) -> Sequence[Address] | OSError | UnicodeError:
    try:
        places = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        return error
    return [ipaddress.ip_address(place[0]) for *_, place in places]
