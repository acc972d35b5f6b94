"""The engine and the deployment it runs, moved by journal frames and by nothing else.

The running daemon and its recovery both apply frames here, so a replay derives the same firings.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cepd.engine.engine import Engine
from cepd.engine.rows import Batch, Resume, Row, Swap, Target, Tick
from cepd.model.event import Event
from cepd.model.firing import Firing
from cepd.model.frame import Frame
from cepd.runtime.deployment import Deployment


@dataclass(frozen=True, slots=True)
class Applied:
    """What one frame made fire, and the deployment whose rules fired."""

    seq: int
    firings: Sequence[Firing]
    deployment: Deployment


class Machine:
    """`deployment` is what runs now; it changes with a swap."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.engine = Engine(deployment.program)

    def apply(self, frame: Frame, replacement: Deployment | None = None) -> Applied:
        """Applies one frame; a swap frame comes with the deployment that it names.

        What fires at a swap are timers and debts of the rules before it, so it is owed by their deployment.
        """
        fired_by = self.deployment
        firings = self.engine.apply(self._row(frame, replacement))
        if replacement is not None:
            self.deployment = replacement
        return Applied(frame.seq, firings, fired_by)

    def _row(self, frame: Frame, replacement: Deployment | None) -> Row:
        if replacement is not None:
            return Swap(frame.clock, replacement.program)
        if frame.kind == "batch":
            return Batch(frame.clock, frame.input, self._decode(frame))
        if frame.kind == "target":
            return Target(frame.clock, frame.rule_id, self._decode(frame)[0])
        if frame.kind == "resume":
            return Resume(frame.clock)
        if frame.kind == "tick":
            return Tick(frame.clock)
        raise ValueError(f"frame {frame.seq} swaps to generation {frame.digest}, which was not given")

    def _decode(self, frame: Frame) -> list[Event]:
        return self.deployment.program.decode(
            frame.body.split(b"\n"), frame.clock, source=frame.source, origin=frame.origin, first=frame.first
        )
