"""Entries by key that forget by two generations: bounded, and what was used last stays.

New and used entries are in `young`. When it is full, it becomes `old`, and what is still in `old` is forgotten. What
is forgotten depends on the order of use alone.
"""

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Generations(msgspec.Struct, Generic[T]):
    young: dict[str, T] = msgspec.field(default_factory=dict)
    old: dict[str, T] = msgspec.field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.young) + len(self.old)

    def peek(self, key: str) -> T | None:
        """The entry, without using it."""
        found = self.young.get(key)
        return self.old.get(key) if found is None else found

    def use(self, key: str, limit: int) -> tuple[T | None, int]:
        """(the entry, how many others were forgotten for it); None where there is none. `limit` is the number of
        entries that both generations may hold."""
        found = self.young.get(key)
        if found is not None:
            return found, 0
        found = self.old.pop(key, None)
        return found, 0 if found is None else self.put(key, found, limit)

    def put(self, key: str, entry: T, limit: int) -> int:
        """Adds an entry that is in neither generation; how many were forgotten for it."""
        forgotten = 0
        if len(self.young) >= max(limit // 2, 1):
            forgotten = len(self.old)
            self.old, self.young = self.young, {}
        self.young[key] = entry
        return forgotten

    def discard(self, key: str) -> bool:
        """Forgets an entry; False where there is none."""
        return self.young.pop(key, None) is not None or self.old.pop(key, None) is not None
