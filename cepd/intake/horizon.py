"""Which events are duplicates: the newest given ids, each with its source and the bytes it came with.

Fed in the order of the journal and with nothing but what is journaled, so a replay rebuilds it exactly. A duplicate
does not make its original newer.

Nearly every event comes with an id that is not known, and is new without a look at its bytes. So a line is kept as it
is, and digested only when somebody asks for its identity: that would cost as much as half of decoding it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal, TypeAlias

from cepd.intake.envelope import Given
from cepd.model.event import given_id, identity_of

Entry: TypeAlias = tuple[str, tuple[str, str]]
"""(identity, (source, id)) of one event."""

_Key: TypeAlias = tuple[str, ...]
"""(source, id); where another event of the same source and id was known: (source, id, identity)."""

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
        self._reused: Counter[_Key] = Counter()
        """How many keys with an identity begin with this source and id."""
        self._oldest: list[_Key] = []
        """Some of the first keys of `_known`, the very first at the end."""

    def __len__(self) -> int:
        return len(self._known)

    def admit(self, source: str, event_id: str | None, line: bytes) -> Literal["new", "duplicate"]:
        """Judges one event and remembers it. The same source and id with other bytes is new, and counted."""
        return "new" if self.admit_all((line,), (Given(event_id, source),), "") else "duplicate"

    def admit_all(self, lines: Sequence[bytes], given: Sequence[Given], default_source: str) -> list[bytes]:
        """Judges accepted lines, with what was read of each, and remembers them; the new ones, in order."""
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
            key = (source, event_id)
            if key in known or (reused and key in reused):
                self._let_go()
                if self._is_known(key, line):
                    continue
            elif len(line) <= SHORT:
                known[key] = line
            else:
                known[key] = _identity(key, line)
            new.append(line)
        self._let_go()
        return new

    def forget(self, source: str, event_id: str | None, line: bytes) -> None:
        """Undoes an admission whose event was not journaled, so that its repetition is new. What the admission pushed
        out stays out."""
        if event_id is None:
            return
        key = self._key_of((source, event_id), line)
        if self._known.pop(key, None) is not None:
            self._oldest.clear()
            if len(key) > 2:
                self._forgo(key)

    def entries(self) -> Iterator[Entry]:
        """All that it knows now, oldest first. The call takes a copy, quickly; going through it takes longer."""
        return map(_entry, list(self._known), list(self._known.values()))

    def load(self, entries: Iterable[Entry]) -> None:
        """Knows these, and nothing else. What was counted stays."""
        self._known, self._reused, self._oldest = {}, Counter(), []
        for identity, given in entries:
            if given in self._known:
                self._reused[given] += 1
                self._known[*given, identity] = identity
            else:
                self._known[given] = identity

    def _is_known(self, given: tuple[str, str], line: bytes) -> bool:
        """Whether the very event is known. It is remembered, where only its source and id were."""
        key = self._key_of(given, line)
        if key in self._known:
            return True
        if key != given:
            self.id_reused += 1
            self._reused[given] += 1
        self._known[key] = _identity(given, line)
        return False

    def _let_go(self) -> None:
        """Of what is beyond `size`. While ids come that are not known, to hold more than that changes no verdict."""
        known, oldest = self._known, self._oldest
        for _ in range(len(known) - self.size):
            if not oldest:
                oldest.extend(reversed(list(islice(known, _AT_ONCE))))
            key = oldest.pop()
            del known[key]
            if len(key) > 2:
                self._forgo(key)

    def _key_of(self, given: tuple[str, str], line: bytes) -> _Key:
        """Under which key this very event is known, if it is."""
        first = self._known.get(given)
        if first == line or (first is None and given not in self._reused):
            return given
        identity = _identity(given, line)
        return given if first == identity else (*given, identity)

    def _forgo(self, key: _Key) -> None:
        """A key with an identity is gone."""
        given = key[:2]
        self._reused[given] -= 1
        if not self._reused[given]:
            del self._reused[given]


def _identity(given: _Key, line: bytes) -> str:
    source, event_id = given
    return identity_of(source, event_id, line, "", 0)


def _entry(key: _Key, seen: bytes | str) -> Entry:
    source, event_id, *_ = key
    return (seen if isinstance(seen, str) else _identity((source, event_id), seen)), (source, event_id)
