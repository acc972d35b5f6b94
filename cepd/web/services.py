"""What the HTTP side asks of the running daemon: plain values and callables, filled in by the wiring.

Nothing here reaches for a global or knows a concrete class, so every resource can be tested with a store and a loop.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from cepd.engine.standing import Standing
from cepd.engine.stats import RuleStats
from cepd.model.alert import Through
from cepd.model.duration import Span
from cepd.model.execution import Asked, Execution
from cepd.model.json import Json
from cepd.model.rule import Severity
from cepd.model.stop import Stop, Wish
from cepd.ports import Clock, Store
from cepd.runtime.deployment import Deployment
from cepd.runtime.inbox import Receipt
from cepd.runtime.reloader import Reloaded
from cepd.runtime.stream import Stream
from cepd.web.auth import TokenFile

Submit: TypeAlias = Callable[[bytes, str | None, str | None, str], Awaitable[Receipt]]
"""(body, content type, content encoding, source of events that name none) to what became of the lines, once they are
on disk. Raises InputError, TooLargeError for the body as a whole, OverloadedError, RetryLaterError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    submit: Submit
    store: Store
    stream: Stream
    deployment: Callable[[], Deployment]
    """The one that runs."""
    rule_stats: Callable[[str], RuleStats | None]
    """What the engine has counted of a rule since the start; None for one that does not run."""
    standing: Callable[[str], Standing | None]
    """Where a rule stands in the engine; None for one that does not run."""
    baselines: Callable[[str, int], list[dict[str, Json]]]
    """How the baselines of an anomaly rule stand, of its first so many keys."""
    reset: Callable[[str, str], Awaitable[None]]
    """An anomaly rule forgets the baseline of the key with that text; ends when that is on disk. RetryLaterError."""
    stops: Callable[[], Mapping[str, Stop]]
    """The rules that are disabled at run time, by id, as far as the engine has come."""
    disable: Callable[[str, Wish], Awaitable[None]]
    """Ends when that is on disk. RetryLaterError."""
    enable: Callable[[str, str], Awaitable[None]]
    """(rule, by whom); likewise."""
    run: Callable[[Asked, Span], Awaitable[Execution]]
    """Runs a rule once and waits so long for it: see `cepd.ports.runs`. RetryLaterError while nothing is taken."""
    last_reload: Callable[[], Reloaded | None]
    """How the directory was last read; None before the first time."""
    reload: Callable[[], Awaitable[Reloaded]]
    """Reads the directory, and the token file, again."""
    wake_dispatcher: Callable[[], None]
    """Deliveries were made due: they go out now, not when it next looks."""
    unready: Callable[[], str | None]
    """Why the daemon does not take requests now, in words; None where it does."""
    unhealthy: Callable[[], str | None]
    """Why the daemon should be restarted; None while it works."""
    acknowledged: Callable[[Through, Severity, Span | None], None]
    """Counts an acknowledgement: through what, of which severity, and how long the alert had waited for it, where it
    was open."""
    render_metrics: Callable[[], bytes]
    """Called in a thread."""
    clock: Clock
    drain: asyncio.Event
    """Set when the daemon begins to stop."""
    tokens: TokenFile | None = None
    """None: loopback only, and everyone has every role."""
    patience: float = 30.0
    """Seconds that a body may take to arrive."""
