"""What moves the keys of a sequence on: `chains` where the pattern is plain, `lanes` for all others.

Chains mean what lanes mean, event by event, in a third of the time and less room; and most sequences are plain.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar, cast

from cepd.engine import chains, lanes
from cepd.engine.projection import View
from cepd.engine.runs import Found
from cepd.engine.steps import Kept, Pattern, Roles
from cepd.engine.unit import UnitCounts
from cepd.model.event import Happening
from cepd.model.instant import Instant


class Track(Protocol):
    """How far a key is."""

    armed: Instant
    """When to look for what is over."""


TrackT = TypeVar("TrackT", bound=Track)


class Mover(Protocol[TrackT]):
    """Moves tracks of one sequence by one event at a time, and counts what comes to nothing. `kept`, `max_runs` and
    `room`, whether the line of another event may be held, may change between events."""

    kept: Kept
    max_runs: int
    room: bool

    def begins(self, roles: Roles, view: View) -> int | None:
        """The stage that an event with that view would begin a run with."""

    def begin(self, roles: Roles, event: Happening, time: Instant) -> tuple[TrackT, Sequence[Found]] | None:
        """The track that an event begins, and what matched at once: then nothing is left of the track. None where the
        event begins none."""

    def move(self, track: TrackT, roles: Roles, event: Happening, time: Instant) -> Sequence[Found] | None:
        """What matched, gone from the track: runs that have all their steps and wait for nothing. None where nothing
        matched and something is left."""

    def empty(self, track: TrackT) -> bool:
        """Whether nothing is left of it."""

    def expire(self, track: TrackT, oldest: Instant) -> None:
        """Forgets what is over because it began before `oldest`."""

    def lane(self, track: TrackT) -> lanes.Lane:
        """A track of which something is left, as it is saved and shown."""

    def track(self, lane: lanes.Lane) -> TrackT:
        """What was saved so."""


def make_mover(pattern: Pattern, counts: UnitCounts) -> Mover[Track]:
    made = chains.Mover(pattern, counts) if pattern.plain else lanes.Mover(pattern, counts)
    return cast("Mover[Track]", made)  # which is given no tracks but those that it began
