"""Absence: a key that was heard of stays silent for longer than `timeout`.

- The first event of a key arms it. It is due when the watermark has passed the time of its newest event + `timeout`,
  and fires with that time, once; the next event arms it again. `timeout` itself is still no silence.
- Only an event newer than the newest moves anything. One whose own deadline the watermark has passed is late: it ends
  no silence, does not arm a new key, and is counted.
- Downtime, in which nothing could be heard, moves the limits of a key. Its deadline never moves back, so that an event
  from before the downtime is not taken for silence since.
- A key is forgotten when the watermark has passed its newest event + `forget`, downtime added; of rules that share the
  unit, the longest counts. A rule whose `forget` is shorter than `timeout` never fires.
- An event that arms is a false evaluation for a rule whose episode it ends.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from cepd.engine.evaluation import Evaluation
from cepd.engine.identities import MOST_HELD, Identity, hold_identity, tell_identity
from cepd.engine.marks import carried, read_carried
from cepd.engine.pieces import of_items
from cepd.engine.running import Running
from cepd.engine.unit import Schedule, UnitCounts, UnitStatus, most_keys
from cepd.model.duration import Span
from cepd.model.event import Happening
from cepd.model.instant import Instant, format_instant
from cepd.model.json import Json
from cepd.model.rule import AbsenceTrigger, Rule


class _Heard(msgspec.Struct, gc=False):
    """The newest event of a key. `moved`: what downtime adds to its limits; `told`: its silence has fired; `armed`:
    what is scheduled."""

    newest: Instant
    id: str
    identity: Identity
    carried: dict[str, Json]
    armed: Instant
    moved: Span = 0
    told: bool = False


class Unit:
    def __init__(self, rule: Rule) -> None:
        self.counts = UnitCounts()
        trigger = _trigger(rule)
        self._timeout = trigger.timeout
        types = trigger.event_type or ()
        self._type = types[0] if len(types) == 1 else None
        self._keys: dict[str, _Heard] = {}

    def bind(self, members: Sequence[Running], schedule: Schedule) -> None:
        rules = [member.rule for member in members]
        self._episodic = [member for member in members if member.compiled.episodic]
        self._schedule = schedule
        self._max_keys = max(most_keys(rule) for rule in rules)
        self._forget = max(_trigger(rule).forget for rule in rules)
        self._first_look = min(self._timeout, self._forget)
        names = sorted({name for rule in rules for name in rule.carries})
        self._carried = read_carried(names) if names else None
        for heard in self._keys.values():
            heard.armed = self._next(heard)

    def feed(self, event: Happening, time: Instant, key: str, mark: Instant) -> Sequence[Running]:
        self._event: Happening | None = None
        heard = self._keys.get(key)
        if heard is not None and time <= heard.newest:
            return ()
        if time + self._timeout < mark:
            self.counts.late += 1
            return ()
        room = len(self._keys) <= MOST_HELD
        if heard is not None:
            self._arm(heard, event, time, key, room)
        elif len(self._keys) < self._max_keys:
            armed = time + self._first_look + 1
            carried = {} if self._carried is None else self._carried(event.view)
            self._keys[key] = _Heard(time, event.id, hold_identity(event, room), carried, armed)
            self._schedule(armed, key, 0)
        else:
            self.counts.refused_keys += 1
            return ()
        self._event, self._key = event, key
        return self._episodic

    def read(self, member: Running) -> Sequence[Evaluation]:
        event = self._event
        if event is None or self._key not in member.state.episodes:
            return ()
        return (
            Evaluation(
                key=self._key,
                time=self._keys[self._key].newest,
                truth=False,
                event_ids=(event.id,),
                payload=event.line,
                event_type=event.type,
                event_source=event.source,
            ),
        )

    def due(self, member: Running, key: str, start: Instant, at: Instant) -> Iterable[Evaluation]:
        heard = self._keys.get(key)
        if heard is None or heard.told or not self._silent(heard, at) or _trigger(member.rule).forget < self._timeout:
            return ()
        deadline, names = self._deadline(heard), member.rule.carries
        return (
            Evaluation(
                key=key,
                time=deadline,
                truth=True,
                cause=f"{tell_identity(heard.identity, heard.id)} {deadline}",
                event_ids=(heard.id,),
                payload=msgspec.json.encode(carried(heard.carried, names)) if names else b"",
                event_type=self._type,
            ),
        )

    def drop(self, key: str, start: Instant, at: Instant) -> None:
        heard = self._keys.get(key)
        if heard is None or heard.armed != at:
            return
        heard.told = heard.told or self._silent(heard, at)
        if heard.newest + self._forget + heard.moved < at:
            del self._keys[key]
            return
        heard.armed = self._next(heard)
        self._schedule(heard.armed, key, 0)

    def deadlines(self) -> Iterable[tuple[Instant, str, Instant]]:
        return [(heard.armed, key, 0) for key, heard in self._keys.items()]

    def open_ends(self) -> Iterable[tuple[Instant, str, Instant]]:
        return ()

    def resume(self, downtime: Span) -> None:
        for heard in self._keys.values():
            heard.moved += downtime

    def status(self) -> UnitStatus:
        return UnitStatus(keys=len(self._keys))

    def describe(self, key: str) -> dict[str, Json]:
        heard = self._keys.get(key)
        if heard is None:
            return {}
        return {
            "newest": format_instant(heard.newest),
            "deadline": format_instant(self._deadline(heard)),
            "silent": heard.told,
        }

    def saving(self) -> Iterator[bytes]:
        return of_items(self._settled())

    def load(self, data: bytes) -> None:
        self._keys = msgspec.json.decode(data, type=dict[str, _Heard])

    def _settled(self) -> Iterator[tuple[str, _Heard]]:
        """All keys; none of them holds a line when its turn is over."""
        for key, heard in self._keys.items():
            heard.identity = tell_identity(heard.identity, heard.id)
            yield key, heard

    def _arm(self, heard: _Heard, event: Happening, time: Instant, key: str, room: bool) -> None:
        """The event is newer than all others. Only what was told, and waits to be forgotten, is due earlier now."""
        if heard.moved:
            heard.moved = max(0, self._deadline(heard) - (time + self._timeout))
        heard.newest, heard.id, heard.identity = time, event.id, hold_identity(event, room)
        heard.carried = {} if self._carried is None else self._carried(event.view)
        if heard.told:
            heard.told = False
            due = self._next(heard)
            if due < heard.armed:
                heard.armed = due
                self._schedule(due, key, 0)

    def _deadline(self, heard: _Heard) -> Instant:
        return heard.newest + self._timeout + heard.moved

    def _silent(self, heard: _Heard, at: Instant) -> bool:
        return self._deadline(heard) < at

    def _next(self, heard: _Heard) -> Instant:
        """When to look at a key again: at its deadline, and once that has fired when it is to be forgotten."""
        span = self._forget if heard.told else self._first_look
        return heard.newest + span + heard.moved + 1


def _trigger(rule: Rule) -> AbsenceTrigger:
    assert isinstance(rule.trigger, AbsenceTrigger)
    return rule.trigger
