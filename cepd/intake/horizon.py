"""Which events are duplicates: the newest given ids, each with its source and the bytes it came with.

Fed in the order of the journal and with nothing but what is journaled, so a replay rebuilds it exactly. A duplicate
does not make its original newer.

Nearly every event comes with an id that is not known, and is new without a look at its bytes. So a line is kept as it
is, and digested only when somebody asks for its identity: that would cost as much as half of decoding it. For the same
reason lines are judged many at once: as long as all their ids are new, nothing is asked of any one of them.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, Literal, TypeAlias

from cepd.intake.envelope import Given
from cepd.model.event import given_id, identity_of

Entry: TypeAlias = tuple[str, tuple[str, str]]
"""(identity, (source, id)) of one event."""

_Name: TypeAlias = str
"""Source and id of an event, as its identity begins: one text, since a pair costs twice as much to make and to find."""

_Key: TypeAlias = _Name | tuple[_Name, str]
"""A name; where another event of that name was known: the name and the identity."""

SHORT = 512
"""Bytes of a line that is kept as it is. Of a longer one the identity is kept."""

_AT_ONCE = 10_000
"""Oldest keys that are looked up together: the front of a dict that loses its oldest is slow to find."""


class Horizon:
    """The last `size` events with an id of their own. An event without one is always new and takes no room."""

    def __init__(self, size: int = 100_000) -> None:
        self.size = size
        self.id_reused = 0
        """Events whose source and id were known, with other bytes."""
        self._known: dict[_Key, bytes | str] = {}
        """Oldest first, each with its line or its identity."""
        self._reused: Counter[_Name] = Counter()
        """How many keys with an identity are of this name."""
        self._oldest: list[_Key] = []
        """Some of the first keys of `_known`, the very first at the end."""

    def __len__(self) -> int:
        return len(self._known)

    def admit(self, source: str, event_id: str | None, line: bytes) -> Literal["new", "duplicate"]:
        """Judges one event and remembers it. The same source and id with other bytes is new, and counted."""
        return "new" if self.admit_all((line,), (Given(event_id, source),), "") else "duplicate"

    def admit_all(self, lines: Sequence[bytes], given: Sequence[Given], default_source: str) -> Sequence[bytes]:
        """Judges accepted lines, with what was read of each, and remembers them; the new ones, in order: the very same
        lines where all are."""
        try:
            names = _names(given, default_source)
        except TypeError:
            return self._admit_singly(lines, given, default_source)
        if not self._are_new(names, lines):
            return self._admit_singly(lines, given, default_source)
        self._let_go()
        return lines

    def _are_new(self, names: Sequence[_Name], lines: Sequence[bytes]) -> bool:
        """Whether no name is known, nor there twice. Only if so they are remembered."""
        if self._reused and not self._reused.keys().isdisjoint(names):
            return False
        known, before = self._known, len(self._known)
        kept = lines if max(map(len, lines), default=0) <= SHORT else map(_kept, names, lines)
        deque(map(known.setdefault, names, kept), maxlen=0)
        if len(known) == before + len(names):
            return True
        while len(known) > before:
            known.popitem()
        return False

    def _admit_singly(self, lines: Sequence[bytes], given: Sequence[Given], default_source: str) -> list[bytes]:
        """Where an event comes without an id of its own, or with one that is known."""
        known, reused = self._known, self._reused
        new = []
        for line, members in zip(lines, given, strict=True):
            event_id, source = members.id, members.source
            if event_id.__class__ is not str or not event_id:
                event_id = given_id(event_id)
                if event_id is None:
                    new.append(line)
                    continue
            if source.__class__ is not str or not source:
                source = default_source
            name = f"{source}\0{event_id}"
            if name in known or (reused and name in reused):
                self._let_go()
                if self._is_known(name, line):
                    continue
            else:
                known[name] = _kept(name, line)
            new.append(line)
        self._let_go()
        return new

    def forget(self, source: str, event_id: str | None, line: bytes) -> None:
        """Undoes an admission whose event was not journaled, so that its repetition is new. What the admission pushed
        out stays out."""
        if event_id is None:
            return
        key = self._key_of(f"{source}\0{event_id}", line)
        if self._known.pop(key, None) is not None:
            self._oldest.clear()
            self._forgo(key)

    def entries(self) -> Iterator[Entry]:
        """All that it knows now, oldest first. The call takes a copy, quickly; going through it takes longer."""
        return map(_entry, list(self._known), list(self._known.values()))

    def load(self, entries: Iterable[Entry]) -> None:
        """Knows these, and nothing else. What was counted stays."""
        self._known, self._reused, self._oldest = {}, Counter(), []
        for identity, (source, event_id) in entries:
            name = f"{source}\0{event_id}"
            if name in self._known:
                self._reused[name] += 1
                self._known[name, identity] = identity
            else:
                self._known[name] = identity

    def _is_known(self, name: _Name, line: bytes) -> bool:
        """Whether the very event is known. It is remembered, where only its source and id were."""
        key = self._key_of(name, line)
        if key in self._known:
            return True
        if key != name:
            self.id_reused += 1
            self._reused[name] += 1
        self._known[key] = _identity(name, line)
        return False

    def _let_go(self) -> None:
        """Of what is beyond `size`. While ids come that are not known, to hold more than that changes no verdict."""
        known = self._known
        while (beyond := len(known) - self.size) > 0:
            if not self._oldest:
                self._oldest = list(islice(known, _AT_ONCE))[::-1]
            gone = self._oldest[-beyond:]
            del self._oldest[-beyond:]
            for key in gone:
                del known[key]
            if self._reused:
                for key in gone:
                    self._forgo(key)

    def _key_of(self, name: _Name, line: bytes) -> _Key:
        """Under which key this very event is known, if it is."""
        first = self._known.get(name)
        if first == line or (first is None and name not in self._reused):
            return name
        identity = _identity(name, line)
        return name if first == identity else (name, identity)

    def _forgo(self, key: _Key) -> None:
        """A key is gone."""
        if isinstance(key, tuple):
            name, _ = key
            self._reused[name] -= 1
            if not self._reused[name]:
                del self._reused[name]


def _names(given: Sequence[Any], default_source: str) -> list[_Name]:
    """TypeError where an event has no id, or one that is no text: nothing can be added to a text but text."""
    nothing: Any = None
    return [(members.source or default_source) + "\0" + (members.id or nothing) for members in given]


def _kept(name: _Name, line: bytes) -> bytes | str:
    return line if len(line) <= SHORT else _identity(name, line)


def _identity(name: _Name, line: bytes) -> str:
    source, _, event_id = name.partition("\0")
    return identity_of(source, event_id, line, "", 0)


def _entry(key: _Key, seen: bytes | str) -> Entry:
    name = key if isinstance(key, str) else key[0]
    source, _, event_id = name.partition("\0")
    return (seen if isinstance(seen, str) else _identity(name, seen)), (source, event_id)
