"""The engine and the deployment it runs, moved by journal frames and by nothing else.

The running daemon and its recovery both apply frames here, so a replay derives the same firings.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from cepd.engine.engine import Engine
from cepd.engine.program import Program
from cepd.engine.rows import Disable, Enable, Lines, Reset, Resume, Row, Swap, Target, Tick
from cepd.engine.stepping import Steps, finished
from cepd.model.event import Event
from cepd.model.firing import Firing
from cepd.model.frame import Frame
from cepd.model.instant import Instant
from cepd.model.stop import Wish
from cepd.ports import Snapshot
from cepd.runtime.deployment import Deployment


@dataclass(frozen=True, slots=True)
class Applied:
    """What one frame made fire, and the deployment whose rules fired."""

    seq: int
    firings: Sequence[Firing]
    deployment: Deployment
    target: Frame | None = None
    """The frame itself where a run was asked for: it is recorded whether the rule fired or not."""
    stopped: bool = False
    """Whether the rule that was asked to run is disabled at run time."""

    @property
    def is_owed(self) -> bool:
        """Whether there is anything to record."""
        return bool(self.firings) or self.target is not None


class Machine:
    """`deployment` is what runs now; it changes with a swap. `seq` and `clock` are those of the last applied row."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.engine = Engine(deployment.program)
        self.seq = 0
        self.clock: Instant = 0

    def restore(self, snapshot: Snapshot, deployment: Deployment) -> None:
        """Goes back to a snapshot, with the deployment that ran then. InputError where its state does not fit."""
        self.engine = Engine.restore(deployment.program, snapshot.engine)
        self.deployment = deployment
        self.seq = snapshot.seq
        self.clock = snapshot.clock

    def apply(self, frame: Frame, replacement: Deployment | None = None) -> Applied:
        """Applies one frame; a swap frame comes with the deployment that it names."""
        return finished(self.steps(frame, replacement))

    def steps(self, frame: Frame, replacement: Deployment | None = None) -> Steps[Applied]:
        """As `apply`, in steps between which others may have a turn, but for what changes or saves the engine. The
        frame counts as applied once it ends.

        What fires at a swap are timers and debts of the rules before it, so it is owed by their deployment.
        """
        fired_by = self.deployment
        firings = []
        for firing in self.engine.steps(row_of(frame, fired_by.program, replacement.program if replacement else None)):
            if firing is None:
                yield
            else:
                firings.append(firing)
        if replacement is not None:
            self.deployment = replacement
        self.seq = frame.seq
        self.clock = frame.clock
        if not frame.run:
            return Applied(frame.seq, firings, fired_by)
        stop = self.engine.stops.get(frame.rule_id)
        stopped = stop is not None and frame.clock < stop.until
        return Applied(frame.seq, firings, fired_by, frame, stopped)


def target_event(frame: Frame, program: Program) -> Event:
    """The event of a target frame. It is known by the id of its run, whatever its payload calls itself."""
    (event,) = program.decode([frame.body], frame.clock, source=frame.source, origin=frame.origin, first=frame.first)
    if frame.run:
        event.given = frame.run
    return event


def row_of(frame: Frame, program: Program, replacement: Program | None = None) -> Row:
    """The engine's row of a frame; `program` runs, `replacement` is what a swap frame swaps to."""
    match frame.kind:
        case "batch":
            return Lines(frame.clock, frame.input, frame.body, frame.source, frame.origin, frame.first)
        case "target":
            return Target(frame.clock, frame.rule_id, target_event(frame, program))
        case "resume":
            return Resume(frame.clock)
        case "tick":
            return Tick(frame.clock)
        case "reset":
            return Reset(frame.clock, frame.rule_id, frame.body.decode())
        case "disable":
            wish = msgspec.json.decode(frame.body, type=Wish)
            return Disable(frame.clock, frame.rule_id, wish.until, wish.by, wish.reason)
        case "enable":
            return Enable(frame.clock, frame.rule_id)
        case "swap":
            if replacement is None:
                raise ValueError(f"frame {frame.seq} swaps to generation {frame.digest}, which was not given")
            return Swap(frame.clock, replacement)
