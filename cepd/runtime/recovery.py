"""After a start: the journal is replayed from its first frame, and what it made fire is recorded again.

Ids of alerts and deliveries are functions of their cause, so recording them again changes nothing that is there and
adds what the last run did not get to. The same pass rebuilds the horizon of known ids and the good generation.
"""

import asyncio
from collections.abc import Callable

import msgspec

from cepd.engine.program import Program
from cepd.intake.envelope import read_envelope
from cepd.intake.horizon import Horizon
from cepd.model.frame import Frame
from cepd.ports import Journal, Store
from cepd.runtime.deployment import Deployment
from cepd.runtime.machine import Machine
from cepd.runtime.recorder import Recorder

Restore = Callable[[str, Program], Deployment]
"""(digest, the program before it) to the deployment of a kept generation. StartError where it is gone."""


class Recovered(msgspec.Struct, frozen=True):
    """What the journal held."""

    frames: int
    events: int
    firings: int


async def lost(journal: Journal, store: Store) -> str | None:
    """Tells in words of rows that the store has recorded and the journal no longer holds; None where it holds all.

    Numbers of lost events are given again, so the journal gets a new id first. Before the first append.
    """
    recorded, last = await store.recorded(), journal.next_seq - 1
    if recorded <= last:
        return None
    journal.renew()
    await store.rewind(last)
    return (
        f"the journal ends with row {last}, and the store has recorded up to row {recorded}: what was accepted since "
        f"row {last} is lost as far as it was not recorded, and counts and windows of the rules do not hold it"
    )


async def recover(
    journal: Journal, machine: Machine, recorder: Recorder, horizon: Horizon, restore: Restore
) -> Recovered:
    """Replays every frame; returns when all that fired is in the store. The recorder must be running."""
    frames = events = firings = 0
    for frame in journal.read():
        replacement = restore(frame.digest, machine.deployment.program) if frame.kind == "swap" else None
        if frame.kind == "batch":
            _remember(frame, horizon)
        applied = machine.apply(frame, replacement)
        if applied.firings:
            await recorder.put(applied)
        await asyncio.sleep(0)
        frames += 1
        events += frame.count
        firings += len(applied.firings)
    await recorder.drained()
    return Recovered(frames, events, firings)


def _remember(frame: Frame, horizon: Horizon) -> None:
    for line in frame.body.split(b"\n"):
        envelope = read_envelope(line, frame.source)
        horizon.admit(envelope.source, envelope.id, line)
