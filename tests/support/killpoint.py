"""`cepd` that kills itself (SIGKILL) at a named point, once the file ARMED exists.

    python -m tests.support.killpoint POINT ARMED run ROOT ...

Lives in the tests: nothing of the product knows of it. Each point wraps the real function and dies before or after it.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import cepd.channels.webhook
import cepd.runtime.machine
import cepd.stores.segment
import cepd.stores.sqlite
import cepd.wiring
from cepd.cli.main import run


def die() -> None:
    if os.path.exists(ARMED):
        os.kill(os.getpid(), signal.SIGKILL)


def before(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        die()
        return function(*arguments, **named)

    return wrapped


def after(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        result = function(*arguments, **named)
        die()
        return result

    return wrapped


def after_awaiting(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def wrapped(*arguments: Any, **named: Any) -> Any:
        result = await function(*arguments, **named)
        die()
        return result

    return wrapped


def after_the_answer_to_ingest(create_app: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        app = create_app(*arguments, **named)

        async def outer(scope: Any, receive: Any, send: Any) -> None:
            async def sending(message: Any) -> None:
                await send(message)
                if message["type"] == "http.response.body" and not message.get("more_body"):
                    die()

            await app(scope, receive, sending if scope.get("path") == "/ingest" else send)

        return outer

    return wrapped


class _DataSync:
    """The module `os` as the segment sees it, with another fdatasync."""

    def __init__(self, fdatasync: Callable[[int], None]) -> None:
        self.fdatasync = fdatasync

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


STORE = cepd.stores.sqlite.SqliteStore
POINTS: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "journal written": (cepd.stores.segment, "os", lambda found: _DataSync(before(os.fdatasync))),
    "journal synced": (cepd.stores.segment, "os", lambda found: _DataSync(after(os.fdatasync))),
    "202 sent": (cepd.wiring, "create_app", after_the_answer_to_ingest),
    "applied": (cepd.runtime.machine.Machine, "apply", after),
    "recorded": (STORE, "record", after_awaiting),
    "attempt row written": (STORE, "begin_attempt", after_awaiting),
    "message sent": (cepd.channels.webhook.WebhookChannel, "send", after_awaiting),
    "settled": (STORE, "settle", after_awaiting),
}

if __name__ == "__main__":
    point, ARMED = sys.argv[1:3]
    holder, name, wrap = POINTS[point]
    setattr(holder, name, wrap(getattr(holder, name)))
    sys.argv = ["cepd", *sys.argv[3:]]
    run()
