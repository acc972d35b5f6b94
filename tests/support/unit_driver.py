"""A unit by hand: events and watermarks in seconds after START, without the engine around it."""

import heapq
from collections.abc import Iterator

from cepd.engine.evaluation import Evaluation
from cepd.engine.running import Running
from cepd.engine.state import RuleState
from cepd.engine.stats import RuleStats
from cepd.engine.unit import Unit, make_unit
from cepd.model.event import Event
from cepd.model.rule import Rule
from tests.support.rows import START, S, line, program
from tests.support.saving import save


def at(seconds: float) -> int:
    return START + round(seconds * S)


class Driver:
    """`rules` share one unit. Evaluations are those of the first rule, except where asked of another."""

    def __init__(self, *rules: Rule) -> None:
        self.rules = rules
        self.members = [_running(rule, position) for position, rule in enumerate(rules)]
        self.mark = START - 10**12
        self.heard = 0
        self.unit: Unit = make_unit(rules[0])
        self._bind()

    def hear(
        self, time: float, event_type: str = "A", key: str = "[]", member: int = 0, **fields: object
    ) -> list[Evaluation]:
        self.heard += 1
        event = self._event(time, {"type": event_type, **fields})
        self.unit.feed(event, event.time, key, self.mark)
        return list(self.unit.read(self.members[member]))

    def passes(self, time: float, member: int = 0) -> list[Evaluation]:
        """The watermark moves on."""
        return [found for found, _ in self._due(at(time), member)]

    def pending(self) -> int:
        """Entries of the schedule."""
        return len(self._entries)

    def restart(self) -> None:
        saved = save(self.unit)
        self.unit = make_unit(self.rules[0])
        self.unit.load(saved)
        assert save(self.unit) == saved
        self._bind()

    def swap(self, *rules: Rule) -> None:
        self.rules = rules
        self.members = [_running(rule, position) for position, rule in enumerate(rules)]
        self._bind()

    def resume(self, downtime: float) -> None:
        self.unit.resume(round(downtime * S))
        self._bind()

    def _bind(self) -> None:
        self._entries: list[tuple[int, str, int]] = []
        self.unit.bind(self.members, lambda *entry: heapq.heappush(self._entries, entry))
        for entry in self.unit.deadlines():
            heapq.heappush(self._entries, entry)

    def _due(self, mark: int, member: int) -> Iterator[tuple[Evaluation, int]]:
        while self._entries and self._entries[0][0] <= mark:
            due, key, start = heapq.heappop(self._entries)
            self.mark = max(self.mark, due)
            for found in self.unit.due(self.members[member], key, start, due):
                if found is not None:
                    assert found.time < due, "nothing fires before the watermark has passed it"
                    yield found, due
            self.unit.drop(key, start, due)
        self.mark = max(self.mark, mark)

    def _event(self, time: float, fields: dict[str, object]) -> Event:
        compiled = program(*self.rules)
        (event,) = compiled.decode([line(time, **fields)], at(10**6), source="tests", origin="j", first=self.heard)
        event.view = compiled.projection.of(event.fields)
        return event


def _running(rule: Rule, position: int) -> Running:
    compiled = program(rule).compiled[rule.id]
    return Running(compiled, position, RuleState(compiled.state, compiled.episode), RuleStats(), set())
