"""A unit by itself: real members, and a plain list of what it scheduled."""

from typing import Any

from cepd.engine.evaluation import Evaluation
from cepd.engine.running import Running
from cepd.engine.state import Episode, RuleState
from cepd.engine.stats import RuleStats
from cepd.engine.unit import Unit, make_unit
from cepd.model.event import Event
from cepd.model.instant import Instant
from cepd.model.rule import Rule
from tests.support.rows import S, program
from tests.support.saving import save

LONG_AGO = -(10**18)


class Bench:
    """Times are seconds from the epoch; those of evaluations stay microseconds."""

    def __init__(self, *rules: Rule) -> None:
        self._number = 0
        self.unit: Unit = make_unit(rules[0])
        self.swap(*rules)

    def swap(self, *rules: Rule) -> None:
        """Other rules of the same State fingerprint hang on it from here on."""
        self._program = program(*rules)
        compiled = self._program.compiled
        self.members = {
            name: Running(found, place, RuleState(found.state, found.episode), RuleStats(), set())
            for place, (name, found) in enumerate(compiled.items())
        }
        self._key = next(iter(compiled.values())).key
        self._bind()

    def _bind(self) -> None:
        self._pending: list[tuple[Instant, str, Instant]] = []
        self.unit.bind(list(self.members.values()), lambda *entry: self._pending.append(entry))
        self._pending += self.unit.deadlines()

    def feed(self, at: float, *, mark: float = LONG_AGO, **fields: Any) -> list[tuple[str, Evaluation]]:
        """An event; what it says to each member at once."""
        self._number += 1
        time = round(at * S)
        event = Event(f"e{self._number}", "t", "s", time, fields, b"line %d" % self._number, "j", self._number)
        event.view = self._program.projection.of(fields)
        self.unit.feed(event, time, self._key(event.view), round(mark * S))
        return [(name, found) for name, member in self.members.items() for found in self.unit.read(member)]

    def until(self, mark: float) -> list[tuple[str, Evaluation]]:
        """What falls due up to a watermark, in order."""
        said = []
        while (entry := min(self._pending, default=None)) is not None and entry[0] <= round(mark * S):
            self._pending.remove(entry)
            said += self._deal_with(entry)
        return said

    def flush(self) -> list[tuple[str, Evaluation]]:
        return [found for entry in sorted(self.unit.open_ends()) for found in self._deal_with(entry)]

    def _deal_with(self, entry: tuple[Instant, str, Instant]) -> list[tuple[str, Evaluation]]:
        at, key, start = entry
        said = [
            (name, found)
            for name, member in self.members.items()
            for found in self.unit.due(member, key, start, at)
            if found is not None
        ]
        self.unit.drop(key, start, at)
        return said

    def restart(self) -> None:
        """The unit is saved, made anew and loaded; what was scheduled is forgotten."""
        first = next(iter(self.members.values())).rule
        data = save(self.unit)
        self.unit = make_unit(first)
        self.unit.load(data)
        self._bind()
        assert save(self.unit) == data

    def open(self, name: str, key: str, at: float) -> None:
        """The rule has an alert open for the key since then."""
        time = round(at * S)
        self.members[name].state.episodes[key] = Episode(time, "", time, first_id="a", alert_id="a")

    def close(self, name: str, key: str) -> None:
        del self.members[name].state.episodes[key]


def brief(said: list[tuple[str, Evaluation]]) -> list[tuple[Any, ...]]:
    """(rule, key, seconds, truth, values) of each."""
    return [(name, found.key, found.time / S, found.truth, found.values) for name, found in said]
