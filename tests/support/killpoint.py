"""`cepd` that kills itself (SIGKILL) at a named point, once the file ARMED exists. It does so on any store.

    python -m tests.support.killpoint POINT ARMED run ROOT ...

Lives in the tests: nothing of the product knows of it. Each point wraps the real function and dies before or after it.
SEGMENT_SIZE in the environment makes the journal's files so small that there is something to trim.
"""

import os
import pathlib
import signal
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import cepd.channels.webhook
import cepd.runtime.feed
import cepd.runtime.generations
import cepd.runtime.inbox
import cepd.runtime.machine
import cepd.runtime.recorder
import cepd.runtime.runs
import cepd.stores.journal
import cepd.stores.outbox
import cepd.stores.owing
import cepd.stores.records
import cepd.stores.segment
import cepd.stores.shelf
import cepd.stores.snapshots
import cepd.stores.store
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


def after_stepping(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        result = yield from function(*arguments, **named)
        die()
        return result

    return wrapped


def before_swapping(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(machine: Any, frame: Any, *rest: Any) -> Any:
        if frame.kind == "swap":
            die()
        return function(machine, frame, *rest)

    return wrapped


def after_swapping(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(machine: Any, frame: Any, *rest: Any) -> Any:
        result = yield from function(machine, frame, *rest)
        if frame.kind == "swap":
            die()
        return result

    return wrapped


def after_finding(function: Callable[..., Any]) -> Callable[..., Any]:
    """In the transaction of an operation that found something to do."""

    def wrapped(*arguments: Any, **named: Any) -> Any:
        result = yield from function(*arguments, **named)
        if result:
            die()
        return result

    return wrapped


def before_statement(wanted: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """In the middle of a transaction, before the statement of this name."""

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(name: str, *arguments: Any, **named: Any) -> Any:
            if name == wanted:
                die()
            return function(name, *arguments, **named)

        return wrapped

    return wrap


def after_its_first_statement(function: Callable[..., Any]) -> Callable[..., Any]:
    """In the middle of an operation of several statements."""

    def wrapped(*arguments: Any, **named: Any) -> Any:
        operation = function(*arguments, **named)
        rows = yield next(operation)
        die()
        try:
            while True:
                rows = yield operation.send(rows)
        except StopIteration as done:
            return done.value

    return wrapped


def after_awaiting(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def wrapped(*arguments: Any, **named: Any) -> Any:
        result = await function(*arguments, **named)
        die()
        return result

    return wrapped


def after_syncing(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapped(*arguments: Any, **named: Any) -> Any:
        item = function(*arguments, **named)
        item.synced.add_done_callback(lambda synced: die())
        return item

    return wrapped


def after_awaiting_some(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def wrapped(*arguments: Any, **named: Any) -> Any:
        result = await function(*arguments, **named)
        if result:
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


def after_one_of_the_journal(unlink: Callable[..., None]) -> Callable[..., None]:
    def wrapped(path: pathlib.Path, missing_ok: bool = False) -> None:
        unlink(path, missing_ok)
        if path.suffix == ".journal":
            die()

    return wrapped


class _Os:
    """The module `os` as one of our modules sees it, with another function in it."""

    def __init__(self, **functions: Callable[[int], None]) -> None:
        self.__dict__.update(functions)

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


STORE = cepd.stores.store.SqlStore
POINTS: dict[str, tuple[Any, str, Callable[[Any], Any]]] = {
    "run journaled": (cepd.runtime.feed.Feed, "target", after_syncing),
    "run recorded": (cepd.runtime.recorder.Recorder, "written", after_awaiting),
    "run answered": (cepd.runtime.runs.Runs, "run", after_awaiting),
    "step kept": (cepd.runtime.runs.Runs, "keep", after_awaiting),
    "journal written": (cepd.stores.segment, "os", lambda found: _Os(fdatasync=before(os.fdatasync))),
    "journal synced": (cepd.stores.segment, "os", lambda found: _Os(fdatasync=after(os.fdatasync))),
    "202 sent": (cepd.wiring, "create_app", after_the_answer_to_ingest),
    "applied": (cepd.runtime.machine.Machine, "steps", after_stepping),
    "recording, alerts without deliveries": (cepd.stores.owing, "many", before_statement("insert_delivery")),
    "recording, not committed": (cepd.stores.records, "record", after_stepping),
    "recorded": (STORE, "record", after_awaiting),
    "claim, not committed": (cepd.stores.outbox, "claim", after_finding),
    "claimed": (STORE, "claim", after_awaiting_some),
    "message sent": (cepd.channels.webhook.WebhookChannel, "send", after_awaiting),
    "settling, attempt without delivery": (cepd.stores.outbox, "one", before_statement("settle")),
    "settling, not committed": (cepd.stores.outbox, "settle", after_stepping),
    "settled": (STORE, "settle", after_awaiting),
    "line kept": (cepd.stores.shelf.FileShelf, "keep", after_awaiting),
    "happening heard": (cepd.runtime.inbox.Inbox, "tell", after_awaiting),
    "fallback half owed": (cepd.stores.outbox, "owe", after_its_first_statement),
    "generation kept": (cepd.runtime.generations.Generations, "keep", after),
    "swap in the journal": (cepd.runtime.machine.Machine, "steps", before_swapping),
    "swapped": (cepd.runtime.machine.Machine, "steps", after_swapping),
    "snapshot written": (cepd.stores.snapshots, "os", lambda found: _Os(fsync=after(os.fsync))),
    "snapshot renamed": (cepd.stores.snapshots, "sync_directory", before),
    "snapshot kept": (cepd.stores.snapshots.FileSnapshots, "keep", before),
    "older snapshot removed": (cepd.stores.snapshots.FileSnapshots, "keep", after),
    "journal partly trimmed": (pathlib.Path, "unlink", after_one_of_the_journal),
    "journal trimmed": (cepd.stores.journal, "trim", after),
    "generation half removed": (cepd.runtime.generations.shutil, "rmtree", before),
}

if __name__ == "__main__":
    point, ARMED = sys.argv[1:3]
    holder, name, wrap = POINTS[point]
    setattr(holder, name, wrap(getattr(holder, name)))
    if size := os.environ.pop("SEGMENT_SIZE", ""):
        cepd.wiring.open_journal = partial(cepd.wiring.open_journal, segment_size=int(size))
    sys.argv = ["cepd", *sys.argv[3:]]
    run()
