"""Which events are duplicates: the newest given ids, each with its source and the bytes it came with.

Fed in the order of the journal and with nothing but what is journaled, so a replay rebuilds it exactly. A duplicate
does not make its original newer.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

from cepd.model.event import identity_of

Entry: TypeAlias = tuple[str, tuple[str, str]]
"""(identity, (source, id)) of one event."""


class Horizon:
    """The last `size` events with an id of their own. An event without one is always new and takes no room."""

    def __init__(self, size: int = 100_000) -> None:
        self.size = size
        self.id_reused = 0
        """Events whose source and id were known, with other bytes."""
        self._ids: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._uses: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def admit(self, source: str, event_id: str | None, line: bytes) -> Literal["new", "duplicate"]:
        """Judges one event and remembers it. The same source and id with other bytes is new, and counted."""
        if event_id is None:
            return "new"
        identity = identity_of(source, event_id, line, "", 0)
        if identity in self._ids:
            return "duplicate"
        given = (source, event_id)
        uses = self._uses.get(given, 0)
        if uses:
            self.id_reused += 1
        self._ids[identity] = given
        self._uses[given] = uses + 1
        if len(self._ids) > self.size:
            self._release(self._ids.popitem(last=False)[1])
        return "new"

    def forget(self, source: str, event_id: str | None, line: bytes) -> None:
        """Undoes an admission whose event was not journaled, so that its repetition is new. What the admission pushed
        out stays out."""
        given = self._ids.pop(identity_of(source, event_id, line, "", 0), None)
        if given is not None:
            self._release(given)

    def entries(self) -> Iterator[Entry]:
        """All that it knows now, oldest first. The call takes a copy, quickly; going through it takes longer."""
        return zip(list(self._ids), list(self._ids.values()), strict=True)

    def load(self, entries: Iterable[Entry]) -> None:
        """Knows these, and nothing else. What was counted stays."""
        self._ids = OrderedDict(entries)
        self._uses = Counter(self._ids.values())

    def _release(self, given: tuple[str, str]) -> None:
        uses = self._uses[given] - 1
        if uses:
            self._uses[given] = uses
        else:
            del self._uses[given]
