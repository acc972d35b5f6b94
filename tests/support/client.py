"""A real client in conversation with a real server that plays a script."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from cepd.model.duration import SECOND
from cepd.net import GuardedClient
from cepd.ports import HttpResponse
from tests.support.wire import Script, Wire, serving


async def get(client: GuardedClient, url: str, **options: Any) -> HttpResponse:
    settings = {"headers": {}, "content": None, "deadline": 5 * SECOND, "allow_private": True, **options}
    return await client.request(settings.pop("method", "GET"), url, **settings)


def against(
    script: Script, conversation: Callable[[GuardedClient, Wire], Awaitable[None]], host: str = "127.0.0.1"
) -> None:

    async def run() -> None:
        async with serving(script, host=host) as wire:
            client = GuardedClient()
            try:
                await conversation(client, wire)
            finally:
                await client.aclose()

    asyncio.run(run())
