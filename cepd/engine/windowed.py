"""What the units of all kinds of windows share: members, their readings, and what an eager window says at an event."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import msgspec

from cepd.engine.cells import AnyCells, Layout
from cepd.engine.evaluation import Evaluation
from cepd.engine.reading import Reading, Sight
from cepd.engine.running import Running
from cepd.engine.unit import MAX_KEYS, Schedule, UnitCounts, most_keys
from cepd.model.duration import Span
from cepd.model.event import Event
from cepd.model.instant import Instant
from cepd.model.rule import Rule, Window

MAX_KEYS_WITH_PERCENTILE = 10_000
"""Where the rule says no `max_keys` and has a percentile: each key may hold a thousand values."""


class Fed(msgspec.Struct, frozen=True):
    """The event that an eager unit took in last, and the rules that have fired in its window, by slot."""

    event: Event
    time: Instant
    key: str
    start: Instant
    end: Instant
    slot: int
    fired: dict[int, list[str]]


class Windowed(ABC):
    """Base of the window units. `max_keys` is the largest that any member allows."""

    def __init__(self, rule: Rule) -> None:
        self.counts = UnitCounts()
        self._window = window_of(rule)
        self._eager = self._window.emit == "eager"
        self._layout = Layout(rule)
        self._readings: dict[str, Reading] = {}
        self._max_keys = 0
        self._fed: Fed | None = None
        self._sight: Sight | None = None

    def bind(self, members: Sequence[Running], schedule: Schedule) -> None:
        self._members, self._schedule = tuple(members), schedule
        self._max_keys = max(_max_keys(member.rule) for member in members)
        self._layout.carry(member.rule for member in members)
        known = self._readings
        self._readings = {
            rule.id: found
            if (found := known.get(rule.id)) is not None and found.rule is rule
            else Reading(rule, self._layout)
            for rule in (member.rule for member in members)
        }
        self._heard(None)

    def read(self, member: Running) -> Sequence[Evaluation]:
        """What an eager window says: true once for a window and key, unless the rule follows the key. A rule with
        `for` is told everything, because its hold needs that and lets only one fire."""
        fed, rule = self._fed, member.rule
        if fed is None:
            return ()
        followed = fed.key in member.state.episodes
        once = rule.hold is None and not followed
        if once and rule.id in fed.fired.get(fed.slot, ()):
            return ()
        if self._sight is None:
            self._sight = self._look(fed)
        found = self._readings[rule.id].at_event(fed.key, self._sight, fed.event, fed.time)
        if found.truth and once:
            fed.fired.setdefault(fed.slot, []).append(rule.id)
        return (found,) if found.truth or followed else ()

    def resume(self, downtime: Span) -> None:
        """Windows follow event time: what they hold stays as it is."""
        self._heard(None)

    @abstractmethod
    def _look(self, fed: Fed) -> Sight:
        """The window that an eager rule is asked about."""

    def _heard(self, fed: Fed | None) -> None:
        self._fed, self._sight = fed, None

    def _add(self, cells: AnyCells, slot: int, event: Event, order: int) -> None:
        if not self._layout.add(cells, slot, event, order):
            self.counts.unusable += 1

    def _any_open(self) -> bool:
        return any(True for member in self._members for _ in member.state.open_keys())


def window_of(rule: Rule) -> Window:
    assert rule.window is not None
    return rule.window


def _max_keys(rule: Rule) -> int:
    bulky = any(found.fn == "percentile" for found in rule.aggregate.values())
    return most_keys(rule, MAX_KEYS_WITH_PERCENTILE if bulky else MAX_KEYS)
