"""After a start: the newest snapshot that can be used, then the journal's rows behind it, else the whole journal.

Ids of alerts and deliveries are functions of their cause, so recording again what a row made fire changes nothing that
is there and adds what the last run did not get to. The same pass rebuilds the horizon of known ids and the good
generation. Rows over which the process died are `cepd.runtime.poison`'s.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from cepd.engine.program import Program
from cepd.intake.envelope import read_given
from cepd.intake.horizon import Horizon
from cepd.model.errors import CepdError, StartError
from cepd.model.frame import Frame
from cepd.ports import Journal, Progress, Quarantine, Snapshot, Snapshots, Store
from cepd.runtime.deployment import Deployment
from cepd.runtime.machine import Machine
from cepd.runtime.poison import condemn, is_poison, is_suspect, pieces, singly
from cepd.runtime.recorder import Recorder

log = logging.getLogger(__name__)

Restore = Callable[[str, Program | None], Deployment]
"""(digest, the program before it) to the deployment of a kept generation. StartError where it is gone."""


class Recovered(msgspec.Struct, frozen=True):
    """What was replayed."""

    frames: int
    events: int
    firings: int


def begin(
    journal: Journal, snapshots: Snapshots, recorded: int, machine: Machine, horizon: Horizon, restore: Restore
) -> Snapshot | None:
    """Brings the machine and the horizon to the newest snapshot that can be used; None where there is none and the
    journal is whole. Before the first append. `recorded` is the newest row that the store has recorded: a snapshot that
    is ahead of it counts on alerts that are gone.

    One that cannot be used is told, and set aside once another way was found. A journal that ends before the snapshot
    has lost rows that the snapshot holds: it goes on behind it. Raises StartError where rows are gone that no snapshot
    holds.
    """
    unusable: list[int] = []
    used = None
    for seq in snapshots.rows():
        try:
            used = _use(snapshots.read(seq), journal, recorded, machine, restore)
        except CepdError as error:
            log.error("snapshot not used", extra={"row": seq, "reason": error.message})
            unusable.append(seq)
        else:
            break
    if used is None and journal.first_seq > 1:
        raise StartError(
            f"the journal begins with row {journal.first_seq}, and no snapshot can be used for the rows before it",
            help="see the reasons above; restore the data directory from one backup as a whole, or start the version "
            "of cepd that wrote it. To begin without open windows and holds, move its folders journal and snapshots "
            "away: alerts and deliveries stay",
        )
    for seq in unusable:
        snapshots.set_aside(seq)
    if used is not None:
        horizon.load(used.horizon)
        if used.seq >= journal.next_seq:
            log.error("journal damaged", extra={"reason": _behind(journal, used)})
            journal.skip_to(used.seq + 1, used.next_event, used.clock)
    return used


def _use(snapshot: Snapshot, journal: Journal, recorded: int, machine: Machine, restore: Restore) -> Snapshot:
    if snapshot.seq > recorded:
        raise StartError(f"it counts on alerts up to row {snapshot.seq}, and the store has them up to row {recorded}")
    if snapshot.seq + 1 < journal.first_seq:
        raise StartError(f"the journal begins with row {journal.first_seq}, after the row {snapshot.seq} it is of")
    deployment = restore(snapshot.digest, None) if snapshot.digest else machine.deployment
    machine.restore(snapshot, deployment)
    return snapshot


def _behind(journal: Journal, snapshot: Snapshot) -> str:
    return (
        f"the journal ends with row {journal.next_seq - 1}, and the snapshot holds all up to row {snapshot.seq}: "
        f"it goes on behind that; events accepted later, if there were any, are lost as far as they were not recorded"
    )


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


async def replay(
    journal: Journal,
    machine: Machine,
    recorder: Recorder,
    horizon: Horizon,
    restore: Restore,
    progress: Progress,
    quarantine: Quarantine,
) -> Recovered:
    """Applies every frame behind the machine's last row; returns when all that fired is in the store. The recorder must
    be running."""
    frames = events = firings = 0
    for frame in journal.read(machine.seq):
        replacement = restore(frame.digest, machine.deployment.program) if frame.kind == "swap" else None
        if frame.kind == "batch":
            _remember(frame, horizon)
        if is_poison(frame, progress):
            condemn(frame, progress, quarantine)
            parts = singly(frame, quarantine.of(frame))
        else:
            parts = ((0, piece) for piece in pieces(frame, quarantine.of(frame)))
        for event, piece in parts:
            progress.begin(frame.seq, event)
            applied = machine.apply(piece, replacement)
            firings += len(applied.firings)
            if applied.is_owed:
                await recorder.put(applied)
            if is_suspect(frame, progress):  # it may be the recording that the process died over
                await recorder.drained()
        progress.end()
        await asyncio.sleep(0)
        frames += 1
        events += frame.count
    await recorder.drained()
    return Recovered(frames, events, firings)


def _remember(frame: Frame, horizon: Horizon) -> None:
    lines = frame.body.split(b"\n")
    horizon.admit_all(lines, [read_given(line) for line in lines], frame.source)
