"""New values: a field takes a value that its key did not have before.

- Values are told apart as keys are (`engine.keys`): 3.0 is 3, true is no number, long text stands as its digest. An
  event whose value is missing, null, an object or a list is counted as unusable and changes nothing.
- The first value of a key never fires. A value that was last seen longer ago than `ttl` is new again; an event that
  comes after younger ones with its value never is. The key itself does not age.
- From the unit's first usable event on, values are only recorded for `learn`: in `[first, first + learn)`. A rule that
  joins a unit which learned before does not wait again.
- Memory is two generations of entries, a key and each of its values being one. What is found in the old one moves to
  the young one; when that holds half of `max_keys`, it becomes the old one, and what was left there is forgotten.

A firing's values hold the value as `new_value`; its event is at hand for everything else.
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from cepd.engine.evaluation import Evaluation, of_event
from cepd.engine.generations import Generations
from cepd.engine.keys import compile_key, key_values
from cepd.engine.pieces import pieces_of
from cepd.engine.projection import read_field
from cepd.engine.running import Running
from cepd.engine.unit import Schedule, UnitCounts, UnitStatus, most_keys
from cepd.model.duration import DAY, Span
from cepd.model.event import Happening
from cepd.model.instant import Instant, format_instant
from cepd.model.json import Json
from cepd.model.rule import NewValueTrigger, Rule

_NULL = "[null]"
_SEPARATOR = "\n"
"""Between the texts of key and value in the entry of a value: JSON on one line holds none."""


class _Memory(Generations[Instant]):
    """`began`: time of the first usable event. Entries give the newest time of an event with them."""

    began: Instant | None = None


class _Fed(msgspec.Struct, frozen=True):
    """A value of a known key, as the text of a key. `before`: the newest time of an earlier event with it."""

    event: Happening
    time: Instant
    key: str
    value: str
    before: Instant | None


class Unit:
    def __init__(self, rule: Rule) -> None:
        self.counts = UnitCounts()
        self._field = _trigger(rule).field
        self._read_value = compile_key((self._field,), read_field)
        self._memory = _Memory()

    def bind(self, members: Sequence[Running], schedule: Schedule) -> None:
        triggers = [_trigger(member.rule) for member in members]
        self._members = members
        self._limit = max(most_keys(member.rule) for member in members)
        self._least_ttl = min(trigger.ttl for trigger in triggers)
        self._least_learn = min(_learn(trigger) for trigger in triggers)

    def feed(self, event: Happening, time: Instant, key: str, mark: Instant) -> Sequence[Running]:
        self._fed: _Fed | None = None
        value = self._read_value(event.view)
        if value is None or value == _NULL:
            self.counts.unusable += 1
            return ()
        memory = self._memory
        began = memory.began
        if began is None:
            began = memory.began = time
        known = memory.young.get(key)
        if known is None:
            known = self._remember(key, time)
        elif time > known:
            memory.young[key] = time
        entry = key + _SEPARATOR + value
        before = memory.young.get(entry)
        if before is None:
            before = self._remember(entry, time)
        elif time > before:
            memory.young[entry] = time
        if known is None or (before is not None and time - before <= self._least_ttl):
            return ()
        if time < began + self._least_learn:
            return ()
        self._fed = _Fed(event, time, key, value, before)
        return self._members

    def read(self, member: Running) -> Sequence[Evaluation]:
        fed, trigger, began = self._fed, _trigger(member.rule), self._memory.began
        if fed is None or began is None or (fed.before is not None and fed.time - fed.before <= trigger.ttl):
            return ()
        if fed.time < began + _learn(trigger):
            return ()
        value = key_values((self._field,), fed.value)[self._field]
        return (of_event(fed.event, fed.key, fed.time, {"new_value": value}),)

    def due(self, member: Running, key: str, start: Instant, at: Instant) -> Iterable[Evaluation]:
        """Never called: nothing is scheduled."""
        return ()

    def drop(self, key: str, start: Instant, at: Instant) -> None:
        """Likewise."""

    def deadlines(self) -> Iterable[tuple[Instant, str, Instant]]:
        return ()

    def open_ends(self) -> Iterable[tuple[Instant, str, Instant]]:
        return ()

    def resume(self, downtime: Span) -> None:
        """What was seen before downtime was seen all the same."""

    def status(self) -> UnitStatus:
        entries = (*self._memory.young, *self._memory.old)
        return UnitStatus(keys=sum(_SEPARATOR not in entry for entry in entries))

    def describe(self, key: str) -> dict[str, Json]:
        entries = {**self._memory.old, **self._memory.young}
        if key not in entries or self._memory.began is None:
            return {}
        return {
            "values": sum(entry.startswith(key + _SEPARATOR) for entry in entries),
            "last": format_instant(entries[key]),
            "learning_since": format_instant(self._memory.began),
        }

    def saving(self) -> Iterator[bytes]:
        return pieces_of(self._memory)

    def load(self, data: bytes) -> None:
        self._memory = msgspec.json.decode(data, type=_Memory)

    def _remember(self, entry: str, time: Instant) -> Instant | None:
        """The newest time of an entry that is not in the young generation, before this one; None where it is not known.
        Keeps the newer of the two."""
        before, forgotten = self._memory.use(entry, self._limit)
        if before is None:
            forgotten = self._memory.put(entry, time, self._limit)
        elif time > before:
            self._memory.young[entry] = time
        self.counts.evicted += forgotten
        return before


def _learn(trigger: NewValueTrigger) -> Span:
    return min(trigger.ttl, DAY) if trigger.learn is None else trigger.learn


def _trigger(rule: Rule) -> NewValueTrigger:
    assert isinstance(rule.trigger, NewValueTrigger)
    return rule.trigger
