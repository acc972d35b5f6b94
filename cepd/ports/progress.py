"""Ports of what is known of rows over which the process died: which one was in progress, which events are left out."""

from collections.abc import Collection
from typing import Protocol

import msgspec

from cepd.model.frame import Frame
from cepd.model.instant import Instant


class Suspect(msgspec.Struct, frozen=True):
    """The row that was in progress at the last death, or the last deaths in a row."""

    seq: int
    deaths: int
    event: int
    """The one that was in progress at the last of them, from 1; 0 where the row was not taken event by event."""


class Progress(Protocol):
    """The row in progress, as a later process can still read it when this one was killed in the middle. It costs next
    to nothing, and is no promise: when the machine loses power it may be gone."""

    @property
    def suspect(self) -> Suspect | None:
        """What earlier processes left; None once that row has ended."""

    def begin(self, seq: int, event: int = 0) -> None:
        """This row is in progress; or this event of it, from 1."""

    def end(self) -> None:
        """The row has ended."""

    def blame(self, seq: int) -> None:
        """The process ends with a fault over this row; what else it begins is not to be noted any more."""


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """An event that the engine is not given any more."""

    origin: str
    """The id of its journal."""
    seq: int
    """Its row there."""
    event: int
    """Its place in the row, from 0."""
    deaths: int
    """So often in a row the process died over that row."""
    clock: Instant
    source: str
    rule_id: str
    """Of an event for one rule alone."""
    line: str


class Quarantine(Protocol):
    """Events that are left out."""

    def __len__(self) -> int: ...

    def of(self, frame: Frame) -> Collection[int]:
        """Places in the frame."""

    def add(self, found: LeftOut) -> str:
        """On disk when it returns; under which name. StartError where the disk refuses."""
