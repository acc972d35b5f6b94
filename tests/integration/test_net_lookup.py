"""A name server that is silent. The look-up of one name blocks, as the system's does; all else is real."""

import asyncio
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from cepd.model.duration import MILLISECOND
from cepd.net import GuardedClient
from cepd.net_lookup import Lookups
from cepd.ports import HttpError
from tests.support.client import against, get
from tests.support.wire import OK, Wire, answering


def silent_for(prefix: str, released: threading.Event, asked: list[str]) -> Callable[..., Any]:
    """The system's look-up, but silent for hosts that begin with `prefix` until it is released."""
    look_up = socket.getaddrinfo

    def getaddrinfo(host: str, *args: Any, **kwargs: Any) -> Any:
        if not str(host).startswith(prefix):
            return look_up(host, *args, **kwargs)
        asked.append(host)
        released.wait()
        return look_up("127.0.0.1", *args, **kwargs)

    return getaddrinfo


def test_silence_over_many_names_holds_up_no_other_and_each_is_asked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    released, asked = threading.Event(), list[str]()
    monkeypatch.setattr(socket, "getaddrinfo", silent_for("silent", released, asked))

    async def conversation(client: GuardedClient, wire: Wire) -> None:
        async def fail(number: int) -> None:
            with pytest.raises(HttpError, match="no answer within 100ms") as raised:
                await get(client, f"http://silent{number % 50}:{wire.port}/", deadline=100 * MILLISECOND)
            assert not raised.value.sent

        waiting = [asyncio.create_task(fail(number)) for number in range(100)]
        await asyncio.sleep(0)
        assert (await get(client, f"http://localhost:{wire.port}/")).status == 200
        await asyncio.gather(*waiting)
        assert sorted(asked) == sorted(f"silent{number}" for number in range(50))
        late = asyncio.create_task(get(client, f"http://silent0:{wire.port}/"))
        await asyncio.sleep(0)
        released.set()
        assert (await late).status == 200
        assert asked.count("silent0") == 1

    try:
        against(answering(OK), conversation)
    finally:
        released.set()


def test_an_address_is_not_looked_up(monkeypatch: pytest.MonkeyPatch) -> None:
    released, asked = threading.Event(), list[str]()
    released.set()
    monkeypatch.setattr(socket, "getaddrinfo", silent_for("", released, asked))

    async def addresses(host: str) -> list[str]:
        return [str(address) for address in await Lookups().addresses(host)]

    assert asyncio.run(addresses("127.0.0.1")) == ["127.0.0.1"]
    assert asyncio.run(addresses("::1")) == ["::1"]
    assert not asked
    assert asyncio.run(addresses("127.1")) == ["127.0.0.1"]
    assert asked == ["127.1"]


STOPPING = """
import asyncio, socket, time
import uvloop
from cepd.model.duration import MILLISECOND
from cepd.net import GuardedClient
from cepd.ports import HttpError

socket.getaddrinfo = lambda *args, **kwargs: time.sleep(60)

async def call():
    client = GuardedClient()
    try:
        await client.request("GET", "http://silent/", headers={}, content=None, deadline=50 * MILLISECOND)
    except HttpError as error:
        print(error.detail)
    await client.aclose()

with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(call())
"""


def test_the_process_ends_without_the_answer() -> None:
    begun = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", STOPPING], capture_output=True, text=True, timeout=50, check=True)
    assert (ended.stdout, ended.stderr) == ("no answer within 50ms\n", "")
    assert time.monotonic() - begun < 30
