"""Windows over the list of all events ever heard: at each closing the events of the window are picked out of it."""

import json
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from cepd.engine.reference import evaluate
from cepd.model.duration import Span
from cepd.model.event import Event
from cepd.model.instant import Instant
from cepd.model.rule import Rule
from tests.support.models.aggregates import aggregates
from tests.support.models.episodes import Due
from tests.support.models.said import Found


class Heard(NamedTuple):
    event: Event
    time: Instant
    key: str
    mark: Instant
    """The watermark when it came."""


def judge(rule: Rule, key: str, window: tuple[Instant, Instant], heard: list[Heard], **more: object) -> Found:
    """What the rule says to a window that holds these events, in journal order."""
    start, end = window
    values = aggregates(rule, [item.event for item in heard], end - start)
    keys = dict(zip(rule.group_by, json.loads(key), strict=True))
    truth = bool(heard) if rule.having is None else evaluate(rule.having, {**keys, **values})
    ids = tuple(item.event.id for item in (heard if len(heard) < 2 else (heard[0], heard[-1])))
    payload = b""
    if rule.carries and heard:
        last = heard[-1].event.fields
        payload = json.dumps(
            {name: last[name] for name in rule.carries if name in last}, separators=(",", ":"), ensure_ascii=False
        ).encode()
    facts = {"window": window, "events": len(heard), "event_ids": ids, "payload": payload, **more}
    return Found(key, facts.pop("time", end), truth, facts.pop("cause", f"[{start},{end})"), values, **facts)


def eager(rule: Rule, window: tuple[Instant, Instant], heard: list[Heard], once: tuple[object, ...]) -> Found:
    """What it says at the event that came last."""
    event, time, key, _ = heard[-1]
    facts = {"time": time, "cause": event.identity, "event_ids": (event.id,), "payload": event.line, "once": once}
    return judge(rule, key, window, heard, **facts)


class Ends:
    """Windows `[end - size, end)` whose ends are known beforehand: those of tumbling, calendar and sliding ones.

    `ends_from(time)` gives the ends after a time in rising order, for ever.
    """

    def __init__(
        self, rule: Rule, starts: Callable[[Instant], Instant], next_end: Callable[[Instant], Instant]
    ) -> None:
        """`next_end(t)` is the least end that is greater than t; `starts(end)` the start of the window of that end."""
        self.rule, self._starts, self._next_end = rule, starts, next_end
        self._heard: list[Heard] = []
        self._asked: Instant | None = None
        self.late = 0

    def hear(self, event: Event, time: Instant, key: str, mark: Instant) -> list[Found]:
        heard = Heard(event, time, key, mark)
        self._heard.append(heard)
        end = self._next_end(time)
        self.late += end <= mark
        if self.rule.window.emit != "eager" or end <= mark:
            return []
        return [eager(self.rule, (self._starts(end), end), self._of(key, end), (end,))]

    def due(self, mark: Instant) -> list[Due]:
        if self._asked is None or not self._heard:
            self._asked = mark
            return []
        since, self._asked = self._asked, max(mark, self._asked)
        found = []
        end = self._next_end(min(since, *(item.time for item in self._heard)))
        while end <= mark:
            if end > since:
                found += [self._close(key, end) for key in sorted({item.key for item in self._heard})]
            end = self._next_end(end)
        return found

    def _close(self, key: str, end: Instant) -> Due:
        heard = self._of(key, end)
        standing = end if not heard or self.rule.window.emit == "eager" else None
        return Due(end, key, lambda: judge(self.rule, key, (self._starts(end), end), heard), standing)

    def _of(self, key: str, end: Instant) -> list[Heard]:
        start = self._starts(end)
        return [item for item in self._heard if item.key == key and start <= item.time < end and item.mark < end]

    def resume(self, downtime: Span) -> None:
        """Windows know no downtime."""


def tumbling(rule: Rule) -> Ends:
    size = rule.window.size
    return Ends(rule, lambda end: end - size, lambda time: (time // size + 1) * size)


def sliding(rule: Rule) -> Ends:
    size, slide = rule.window.size, rule.window.slide
    return Ends(rule, lambda end: end - size, lambda time: (time // slide + 1) * slide)


class Sessions:
    """Open sessions are lists of the events that came so far, each no further than `timeout` from another of them."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._timeout = rule.window.timeout
        self._open: list[list[Heard]] = []
        self._fired: list[Heard] = []
        self.late = 0

    def hear(self, event: Event, time: Instant, key: str, mark: Instant) -> list[Found]:
        heard = Heard(event, time, key, mark)
        near = [found for found in self._open if found[0].key == key and self._near(found, time)]
        if not near and time + self._timeout < mark:
            self.late += 1
            return []
        joined = [item for found in self._open if found in near for item in found]
        self._open = [found for found in self._open if found not in near]
        session = sorted([*joined, heard], key=lambda item: item.event.number)
        self._open.append(session)
        if self.rule.window.emit != "eager":
            return []
        names = tuple(item.event.number for item in session)
        return [eager(self.rule, self._window(session), session, names)]

    def _near(self, session: list[Heard], time: Instant) -> bool:
        first, last = self._window(session)
        return first - self._timeout <= time <= last + self._timeout

    def _window(self, session: list[Heard]) -> tuple[Instant, Instant]:
        return min(item.time for item in session), max(item.time for item in session)

    def due(self, mark: Instant) -> list[Due]:
        closed = [found for found in self._open if self._window(found)[1] + self._timeout < mark]
        self._open = [found for found in self._open if found not in closed]
        return [self._close(found) for found in closed]

    def _close(self, session: list[Heard]) -> Due:
        first, last = self._window(session)
        key = session[0].key
        standing = last + 1 if self.rule.window.emit == "eager" else None
        closed = partial(judge, self.rule, key, (first, last), session, time=last)
        return Due(last + self._timeout + 1, key, closed, standing)

    def resume(self, downtime: Span) -> None:
        """Sessions know no downtime."""
