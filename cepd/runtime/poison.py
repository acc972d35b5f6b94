"""A row over which the process died twice is replayed event by event, and the event over which it dies then is left out
from there on: put aside for a person to see, and told.

That changes nothing for the others: a row in pieces makes fire what it makes fire as a whole. Time is no event: where
the process dies while the row's clock is reached, nothing can be left out, and that is told at each start.
"""

import logging
from collections.abc import Collection, Iterator
from itertools import groupby

import msgspec

from cepd.model.frame import Frame
from cepd.ports import LeftOut, Progress, Quarantine

log = logging.getLogger(__name__)

DEATHS = 2
"""In a row, over one row: from then on it is replayed event by event."""


def is_suspect(frame: Frame, progress: Progress) -> bool:
    """Whether the process last died over it."""
    return progress.suspect is not None and progress.suspect.seq == frame.seq


def is_poison(frame: Frame, progress: Progress) -> bool:
    return progress.suspect is not None and is_suspect(frame, progress) and progress.suspect.deaths >= DEATHS


def condemn(frame: Frame, progress: Progress, quarantine: Quarantine) -> None:
    """Tells of a row that is poison, and leaves out the event that was in progress when the process last died."""
    suspect = progress.suspect
    assert suspect is not None
    about = {"row": frame.seq, "kind": frame.kind, "deaths": suspect.deaths}
    if not suspect.event or suspect.event > max(frame.count, frame.kind == "target"):
        level, help = logging.WARNING, "an event over which cepd dies then is left out at the start after it"
        if suspect.deaths > DEATHS:
            level, help = logging.ERROR, "no event is to blame: mend the rules or cepd, or give it more memory"
        log.log(level, "row replayed event by event", extra=about | {"help": help})
        return
    place = suspect.event - 1
    line = frame.body.split(b"\n")[place] if frame.kind == "batch" else frame.body
    name = quarantine.add(
        LeftOut(
            origin=frame.origin,
            seq=frame.seq,
            event=place,
            deaths=suspect.deaths,
            clock=frame.clock,
            source=frame.source,
            rule_id=frame.rule_id,
            line=line.decode(),
        )
    )
    log.error("event quarantined", extra=about | {"place": place, "file": name})


def pieces(frame: Frame, left_out: Collection[int]) -> list[Frame]:
    """The frame without these of its events, as frames of the same row; one that only lets time pass where none are
    left."""
    if not left_out:
        return [frame]
    there = [place for place in range(max(frame.count, 1)) if place not in left_out]
    stretches = [[place for _, place in run] for _, run in groupby(enumerate(there), lambda found: found[1] - found[0])]
    return [_part(frame, run[0], run[-1] + 1) for run in stretches] or [_time(frame)]


def singly(frame: Frame, left_out: Collection[int]) -> Iterator[tuple[int, Frame]]:
    """The time of the frame, then each of its events but these, with its number from 1. A frame without events is the
    number 0 as it stands."""
    if frame.kind not in ("batch", "target"):
        yield 0, frame
        return
    yield 0, _time(frame)
    for place in range(max(frame.count, 1)):
        if place not in left_out:
            yield place + 1, _part(frame, place, place + 1)


def _part(frame: Frame, begin: int, end: int) -> Frame:
    if frame.kind != "batch":
        return frame
    lines = frame.body.split(b"\n")[begin:end]
    return msgspec.structs.replace(frame, body=b"\n".join(lines), count=end - begin, first=frame.first + begin)


def _time(frame: Frame) -> Frame:
    return Frame(seq=frame.seq, clock=frame.clock, kind="tick", origin=frame.origin)
