"""A unit: what the engine remembers for one State fingerprint, shared by all rules that have it.

Rules that differ in threshold, texts or limits hang on one unit: it is fed once for an event, and each of its rules,
its members, reads it with thresholds of its own. A unit never fires by itself: it gives evaluations, and the engine
makes firings of them. It never reads time, and nothing but `feed`, `drop`, `resume` and `load` changes it.

Each kind of unit is one module of `cepd.engine.units`, named by the window's type, else by the trigger's, whose class
`Unit` fulfils the protocol.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

import msgspec

from cepd.engine.evaluation import Evaluation
from cepd.engine.projection import View
from cepd.model.duration import Span
from cepd.model.event import Happening
from cepd.model.instant import Instant
from cepd.model.json import Json
from cepd.model.rule import EventTrigger, MetricTrigger, Rule, ScheduleTrigger

if TYPE_CHECKING:
    from cepd.engine.arrivals import Arrivals
    from cepd.engine.running import Running

MAX_KEYS = 100_000
"""Keys of a unit, and keys with an open episode or suppress window of a rule, where the rule says no `max_keys`."""

Schedule: TypeAlias = Callable[[Instant, str, Instant], None]
"""(at, key, start): the unit's `due` and `drop` are to be called once the watermark is not below `at`. For an
inclusive limit, `at` is the limit plus one microsecond. An entry cannot be taken back: what turns out not to be due
when its time comes is looked at again and scheduled anew."""


class Batch(msgspec.Struct, gc=False):
    """Events that a unit is to take in later, all together, as it has nothing to say meanwhile: places in a row, in
    order. One may wait if its time is in `[start, end)`, until a deadline falls due or the unit is fed another one.
    `feed` takes in their views and keys: it is as if each were fed by itself."""

    feed: "Callable[[Arrivals, Sequence[int], Sequence[View], Sequence[str]], None]"
    start: Instant = 0
    end: Instant = 0
    places: list[int] = msgspec.field(default_factory=list)


class UnitCounts(msgspec.Struct):
    """Plain integers for people; no part of a snapshot."""

    late: int = 0
    """Events that came after a window that would have held them had closed."""
    refused_keys: int = 0
    """Events that were not taken in because their key was one too many."""
    evicted: int = 0
    """Entries that rotation of two generations forgot."""
    out_of_order: int = 0
    """Events of a sequence that came after an event that should have followed them."""
    unusable: int = 0
    """Events without a usable value: not there, of another class, not finite."""
    muted: int = 0
    """Anomalies within the cooldown of one that fired."""


class UnitStatus(msgspec.Struct, frozen=True, kw_only=True):
    keys: int
    windows: int = 0
    """Open windows or panes, open sessions, partial matches."""
    incomplete: int = 0
    """Open windows that refused a key."""


class Unit(Protocol):
    counts: UnitCounts

    def bind(self, members: Sequence["Running"], schedule: Schedule) -> None:
        """The rules that hang on it from here on, in rule order. Called after it was made or loaded, and again after
        each swap that keeps it. Schedules nothing: the engine asks for `deadlines` next."""

    def feed(self, event: Happening, time: Instant, key: str, mark: Instant) -> Sequence["Running"]:
        """Takes in an event that the trigger and the rule's filter let through; the members that it may say something
        to, in rule order, to be asked with `read`. `time` is the event's, the clock's for rules of `time: arrival`;
        `mark` the watermark (there: the clock). Fields of the event are read of `event.view`."""

    def read(self, member: "Running") -> Sequence[Evaluation]:
        """What the event that was fed last says to one member; empty where it says nothing (not even false).
        A false one is only of use to a member with an episode for that key, and may be left out otherwise."""

    def due(self, member: "Running", key: str, start: Instant, at: Instant) -> Iterable[Evaluation | None]:
        """What falls due for one member, sorted by key: the scheduled entry came up. Changes nothing. False ones as
        for `read`; keys of `member.state.open_keys()` are evaluated at every window end, events or not. None now and
        then where that takes long: others may have a turn, but for what changes the unit."""

    def drop(self, key: str, start: Instant, at: Instant) -> None:
        """Every member has seen what was due: forgets it, schedules what comes next."""

    def deadlines(self) -> Iterable[tuple[Instant, str, Instant]]:
        """Everything that is pending, as the arguments of `Schedule`."""

    def open_ends(self) -> Iterable[tuple[Instant, str, Instant]]:
        """Of every open window that holds events when it ends, as the arguments of `Schedule`; of kinds without
        windows none."""

    def resume(self, downtime: Span) -> None:
        """The daemon did not hear anything for so long."""

    def status(self) -> UnitStatus: ...

    def describe(self, key: str) -> dict[str, Json]:
        """Where the key stands, for a trace: plain JSON, times as RFC 3339 text. Empty for an unknown key."""

    def saving(self) -> Iterator[bytes]:
        """Its state as JSON, in pieces, between which nothing may change it; `load` of all of them together gives a
        unit that goes on exactly the same."""

    def load(self, data: bytes) -> None:
        """Only right after it was made, before `bind`. Raises ValueError for anything else than what `saving` gave."""


def most_keys(rule: Rule, default: int = MAX_KEYS) -> int:
    """How many keys a rule allows."""
    return default if rule.max_keys is None else rule.max_keys


@runtime_checkable
class Batching(Protocol):
    """A unit that may take in many events at once."""

    batch: Batch | None
    """None where each event may make it say something."""


@runtime_checkable
class Resettable(Protocol):
    """A unit that can be told to forget one key."""

    def reset(self, key: str) -> bool:
        """Whether there was anything to forget."""


@runtime_checkable
class Forgetful(Protocol):
    """A unit that may remember for a while what is over. To be tidied before it is saved or shown."""

    def forget(self, mark: Instant) -> None:
        """Forgets all that is over at a watermark."""


@runtime_checkable
class Telling(Protocol):
    """A unit with baselines that it can show."""

    def baseline_status(self, member: "Running", limit: int) -> list[dict[str, Json]]:
        """How they stand for one member, of the first `limit` keys in the order of their texts: plain JSON."""


def unit_kind(rule: Rule) -> str | None:
    """The name of the module of `cepd.engine.units` that remembers for the rule; None for a rule without a unit."""
    if rule.window is not None:
        return rule.window.type
    if isinstance(rule.trigger, EventTrigger | MetricTrigger | ScheduleTrigger):
        return None
    kind: str = rule.trigger.__struct_config__.tag  # type: ignore[assignment]
    return kind


def make_unit(rule: Rule) -> Unit:
    """An empty unit for the rule and all that share its State fingerprint."""
    unit: Unit = import_module(f"cepd.engine.units.{unit_kind(rule)}").Unit(rule)
    return unit


def batch_of(unit: object) -> Batch | None:
    """Where events may wait for the unit; None where each must be fed to it by itself."""
    return unit.batch if isinstance(unit, Batching) else None
