"""Who hears events of a type, and what each of them is to be asked: a node that matches, and the rules behind it.

Made when a program is installed: one for each type that rules name, and one of the rules that hear every event. So
what an event costs depends on its own audience, not on how many rules there are.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from cepd.engine.arrivals import source_of
from cepd.engine.keys import KeyReader, KeysReader, compile_key, compile_keys
from cepd.engine.matching.node import Match, compile_holds
from cepd.engine.paths import MISSING
from cepd.engine.program import Bucket, Program
from cepd.engine.projection import ReadField, View, read_field
from cepd.engine.running import Running
from cepd.engine.unit import Batch, Unit, batch_of
from cepd.engine.watch import Watch
from cepd.model.event import Happening
from cepd.model.happenings import is_own
from cepd.model.instant import Instant

Feed: TypeAlias = Callable[[Happening, Instant, str, Instant], Sequence[Running]]
"""See `Unit.feed`."""


class Turn(msgspec.Struct, gc=False):
    """A rule to be told what an event means to it. `unit`: what remembers for it; None for a rule that each event alone
    meets or not, which `truth` tells. `feed` is the unit's where the event is for the unit first, and `fed` how often
    it took one in that is not counted yet; `batch` is the unit's where events may wait for it. `key`, `keys` and
    `by_clock` are the rule's."""

    position: int
    running: Running
    unit: Unit | None = None
    feed: Feed | None = None
    batch: Batch | None = None
    key: KeyReader = compile_key(())
    keys: KeysReader = compile_keys(()).many
    by_clock: bool = False
    truth: bool = True
    fed: int = 0


class Unseen(NamedTuple):
    """A field that some of the rules name and have heard no event with."""

    path: str
    read: ReadField
    rules: Sequence[Running]


class Audience(msgspec.Struct):
    """`turns`: by their places in the node, in rule order; of a unit the first rule's. `match` is the node's; None
    where nothing is asked of an event, so that all are met. `unseen`: see `Running`."""

    match: Match | None
    turns: Sequence[Turn]
    watches: Sequence[Watch]
    rules: Sequence[Running]
    unseen: Sequence[Unseen]
    alert: bool = False
    """Whether `look` may find anything."""

    def __post_init__(self) -> None:
        self.alert = bool(self.unseen or self.watches)

    def match_singly(self, view: View, source: str, failed: Callable[[Running, Exception], None]) -> list[int]:
        """What `match` says, asked of each rule by itself: after one of them failed, which is told of it alone."""
        places = []
        for place, turn in enumerate(self.turns):
            condition = turn.running.compiled.asked.condition
            try:
                holds = condition is None or compile_holds(condition)(view)
            except Exception as error:  # noqa: BLE001  counted and shown by whoever is told
                failed(turn.running, error)
            else:
                if holds and turn.running.compiled.accepts(source_of(view, source)):
                    places.append(place)
        return places

    def look(self, view: View, source: str, met: list[Turn]) -> None:
        """Takes note of fields that nobody had seen, and adds the rules that follow the event's key, heard it and are
        not met."""
        if self.unseen:
            self._look_for_unseen(view, source_of(view, source))
        for watch in self.watches:
            key = watch.read(view) if watch.followers else None
            for position, running in () if key is None else watch.followers.get(key, {}).items():
                is_met = any(turn.position == position for turn in met)
                if not is_met and running.compiled.accepts(source_of(view, source)) and running.compiled.hears(view):
                    met.append(Turn(position, running, truth=False))

    def _look_for_unseen(self, view: View, source: str) -> None:
        seen = [
            (field.path, running)
            for field in self.unseen
            if field.read(view) is not MISSING
            for running in field.rules
            if running.compiled.accepts(source)
        ]
        for path, running in seen:
            running.unseen.discard(path)
        if seen:
            self.unseen = _unseen(self.rules)
            self.alert = bool(self.unseen or self.watches)


def audiences(program: Program, rules: Sequence[Running], units: Sequence[Unit]) -> dict[str | None, list[Audience]]:
    """For each type that rules name those who hear events of it; under None who hears events of any other type, or of
    none: of those cepd's own happenings are none. `rules` and `units` are the program's, by their places."""
    found = {event_type: _audience(program, bucket, rules, units) for event_type, bucket in program.buckets.items()}
    everyone = [found.pop(None)] if None in found else []
    named = {
        event_type: [audience] if is_own(event_type) else [audience, *everyone]
        for event_type, audience in found.items()
    }
    return named | {None: everyone}


def _audience(program: Program, bucket: Bucket, rules: Sequence[Running], units: Sequence[Unit]) -> Audience:
    turns = [_turn(program, rules[position], units) for position in bucket.positions]
    heard = [rules[member] for turn in turns for member in _members(program, turn)]
    return Audience(
        None if all(asked == (None, None) for asked in bucket.asked) else bucket.node.match,
        turns,
        list({id(watch): watch for turn in turns if (watch := turn.running.watch) is not None}.values()),
        heard,
        _unseen(heard),
    )


def _turn(program: Program, running: Running, units: Sequence[Unit]) -> Turn:
    unit = None if running.compiled.unit is None else units[program.places[running.compiled.unit]]
    feed = None if unit is None else unit.feed
    batch = None if running.by_clock else batch_of(unit)
    key, keys = compile_keys(running.rule.group_by, read_field)
    return Turn(running.position, running, unit, feed, batch, key, keys, running.by_clock)


def _members(program: Program, turn: Turn) -> Sequence[int]:
    unit = turn.running.compiled.unit
    return (turn.position,) if unit is None else program.units[program.places[unit]].members


def _unseen(rules: Sequence[Running]) -> list[Unseen]:
    waiting: dict[str, list[Running]] = {}
    for running in rules:
        for path in running.unseen:
            waiting.setdefault(path, []).append(running)
    return [Unseen(path, read_field(path), found) for path, found in waiting.items()]
