"""What the units of all kinds of windows share: members, their readings, and what an eager window says at an event."""

from collections.abc import Sequence

from cepd.engine.asking import Asking, Reached
from cepd.engine.cells import Layout
from cepd.engine.evaluation import Evaluation
from cepd.engine.reading import Fed, Reading, readings_of
from cepd.engine.running import Running
from cepd.engine.unit import MAX_KEYS, Schedule, UnitCounts, most_keys
from cepd.model.duration import Span
from cepd.model.rule import Rule, Window

MAX_KEYS_WITH_PERCENTILE = 10_000
"""Where the rule says no `max_keys` and has a percentile: each key may hold a thousand values."""


class Windowed:
    """Base of the window units. `max_keys` is the largest that any member allows."""

    def __init__(self, rule: Rule) -> None:
        self.counts = UnitCounts()
        self._window = window_of(rule)
        self._eager = self._window.emit == "eager"
        self._layout = Layout(rule)
        self._readings: dict[str, Reading] = {}
        self._max_keys = 0
        self._fed: Fed | None = None

    def bind(self, members: Sequence[Running], schedule: Schedule) -> None:
        self._members, self._schedule = tuple(members), schedule
        self._max_keys = max(_max_keys(member.rule) for member in members)
        self._layout.carry(member.rule for member in members)
        self._readings = readings_of((member.rule for member in members), self._layout, self._readings)
        self._asking = Asking(members, self._layout)
        self._fed = None

    def read(self, member: Running) -> Sequence[Evaluation]:
        """What an eager window says: true once for a window and key, unless the rule follows the key. A rule with
        `for` is told everything, because its hold needs that and lets only one fire."""
        fed, rule = self._fed, member.rule
        if fed is None:
            return ()
        reading = self._readings[rule.id]
        if rule.id in self._asking.crossed:
            return (reading.telling.at_event(fed),)
        followed = fed.key in member.state.episodes
        once = rule.hold is None and not followed
        if once and rule.id in fed.fired.get(fed.slot, ()):
            return ()
        found = reading.at_event(fed, followed=followed)
        if found is None:
            return ()
        if found.truth:
            self._asking.follow(member, fed.key)
            if once:
                fed.fired.setdefault(fed.slot, []).append(rule.id)
        return (found,)

    def resume(self, downtime: Span) -> None:
        """Windows follow event time: what they hold stays as it is."""
        self._fed = None

    def _heard(self, fed: Fed, reached: Reached) -> Sequence[Running]:
        """An eager window took in an event; whom to ask."""
        self._fed = fed
        return self._asking.whom(fed, reached)

    def _any_open(self) -> bool:
        return any(True for member in self._members for _ in member.state.open_keys())


def window_of(rule: Rule) -> Window:
    assert rule.window is not None
    return rule.window


def _max_keys(rule: Rule) -> int:
    bulky = any(found.fn == "percentile" for found in rule.aggregate.values())
    return most_keys(rule, MAX_KEYS_WITH_PERCENTILE if bulky else MAX_KEYS)
