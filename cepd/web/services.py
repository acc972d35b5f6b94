"""What the HTTP side asks of the running daemon: plain values and callables, filled in by the wiring.

Nothing here reaches for a global or knows a concrete class, so every resource can be tested with a store and a loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from cepd.model.generation import Generation, SourceFile
from cepd.model.instant import Instant
from cepd.model.problem import Problem
from cepd.ports import Clock, Store
from cepd.runtime.inbox import Receipt
from cepd.runtime.reconcile import Decision
from cepd.web.auth import TokenFile


class ConfigStatus(msgspec.Struct, frozen=True, kw_only=True):
    """What was last read from the directory, and what of it runs."""

    revision: str
    digest: str
    """Of the directory as it was last read."""
    files: Sequence[SourceFile]
    problems: Sequence[Problem]
    reloaded_at: Instant
    outcome: str
    """How the last reload ended, in one word."""


Submit: TypeAlias = Callable[[bytes, str | None, str | None, str], Awaitable[Receipt]]
"""(body, content type, content encoding, source of events that name none) to what became of the lines, once they are
on disk. Raises InputError, TooLargeError for the body as a whole, OverloadedError, RetryLaterError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    submit: Submit
    store: Store
    generation: Callable[[], Generation]
    """The one that runs."""
    config: Callable[[], ConfigStatus]
    reload: Callable[[], Awaitable[Decision]]
    """Reads the directory, and the token file, again."""
    unready: Callable[[], str | None]
    """Why the daemon does not take requests now, in words; None where it does."""
    unhealthy: Callable[[], str | None]
    """Why the daemon should be restarted; None while it works."""
    render_metrics: Callable[[], bytes]
    """Called in a thread."""
    clock: Clock
    drain: asyncio.Event
    """Set when the daemon begins to stop."""
    tokens: TokenFile | None = None
    """None: loopback only, and everyone has every role."""
    patience: float = 30.0
    """Seconds that a body may take to arrive."""
