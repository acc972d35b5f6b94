"""Absence and new values over the list of all events ever heard."""

import json

from cepd.model.duration import HOUR, Span
from cepd.model.event import Event
from cepd.model.instant import Instant
from cepd.model.rule import Rule
from tests.support.models.episodes import Due
from tests.support.models.said import Found


class Absence:
    """Per key the newest event, the end of the silence after it that is still to be told, and when it is forgotten.
    Downtime moves both; an event from within it does not move the end back."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._timeout, self._forget = rule.trigger.timeout, rule.trigger.forget
        self._newest: dict[str, Event] = {}
        self._times: dict[str, Instant] = {}
        self._deadlines: dict[str, Instant] = {}
        self._forgotten: dict[str, Instant] = {}

    def hear(self, event: Event, time: Instant, key: str, mark: Instant) -> list[Found]:
        if (key in self._times and time <= self._times[key]) or time + self._timeout < mark:
            return []
        pending = self._deadlines.get(key, 0)
        self._newest[key], self._times[key] = event, time
        self._deadlines[key] = max(time + self._timeout, pending)
        self._forgotten[key] = time + self._forget + self._deadlines[key] - (time + self._timeout)
        return [Found(key, time, False, "", {})]

    def due(self, mark: Instant) -> list[Due]:
        told = [key for key, deadline in self._deadlines.items() if deadline < mark]
        found = [self._tell(key, self._deadlines.pop(key)) for key in told]
        for key in [key for key, end in self._forgotten.items() if end < mark]:
            for known in (self._times, self._forgotten, self._deadlines):
                known.pop(key, None)
        return found

    def _tell(self, key: str, deadline: Instant) -> Due:
        event = self._newest[key]
        facts = {"event_ids": (event.id,), "payload": None}
        return Due(deadline + 1, key, lambda: Found(key, deadline, True, f"{event.identity} {deadline}", None, **facts))

    def resume(self, downtime: Span) -> None:
        self._deadlines = {key: deadline + downtime for key, deadline in self._deadlines.items()}
        self._forgotten = {key: end + downtime for key, end in self._forgotten.items()}


class NewValue:
    """A value is new where no event of the key before it, in journal order, held it within `ttl`."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        trigger = rule.trigger
        self._field, self._ttl = trigger.field, trigger.ttl
        self._learn = min(trigger.ttl, 24 * HOUR) if trigger.learn is None else trigger.learn
        self._seen: list[tuple[str, str, Instant]] = []

    def hear(self, event: Event, time: Instant, key: str, mark: Instant) -> list[Found]:
        value = event.fields.get(self._field)
        if value is None or isinstance(value, list | dict):
            return []
        text = json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)
        before = list(self._seen)
        self._seen.append((key, text, time))
        known = any(item[:2] == (key, text) and time - item[2] <= self._ttl for item in before)
        first = not any(item[0] == key for item in before)
        learning = not before or time < before[0][2] + self._learn
        facts = {"event_ids": (event.id,), "payload": event.line}
        return [Found(key, time, not (known or first or learning), event.identity, None, **facts)]

    def due(self, mark: Instant) -> list[Due]:
        return []

    def resume(self, downtime: Span) -> None:
        """It knows no downtime."""
