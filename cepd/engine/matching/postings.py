"""Entries by the keys that lead to them: what one key tells at once, and what has to be tested then."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from cepd.engine.matching.entry import Entry
from cepd.engine.projection import View

Match: TypeAlias = Callable[[View, Callable[[int], None], Callable[[Iterable[int]], None], str], None]
"""`match(view, add, extend, source)` gives to `add`, or several to `extend`, the places of all entries that hold, each
once, in any order. `source` is that of events that name none."""

Compile: TypeAlias = Callable[[Sequence[Entry], Sequence[Match]], Match]
"""Makes the function for entries, which calls others too."""

Key = TypeVar("Key")


class Posting(NamedTuple):
    """What a key leads to."""

    places: tuple[int, ...]
    """Those that hold."""
    entries: tuple[Entry, ...]
    """Those of this key alone, to be tested."""
    calls: tuple[Match, ...]
    """Those of several keys, to be tested; each is one function, however many keys lead to it."""


class Postings(Generic[Key]):
    """`most`: an entry with up to so many keys stands below each, where those it stands beside share its tests and
    indexes; with more it is a function of its own, so that a list of 1,000 hosts is not compiled 1,000 times."""

    def __init__(self, compile_entries: Compile, most: int) -> None:
        self._compile = compile_entries
        self._most = most
        self._places: dict[Key, list[int]] = defaultdict(list)
        self._entries: dict[Key, list[Entry]] = defaultdict(list)
        self._calls: dict[Key, list[Match]] = defaultdict(list)
        self._keys: dict[Key, None] = {}

    def add(self, keys: Sequence[Key], left: Entry) -> None:
        """`left`: the entry as it is once a key is found. The keys differ."""
        self._keys |= dict.fromkeys(keys)
        if not left.conjuncts:
            for key in keys:
                self._places[key].append(left.place)
        elif len(keys) <= self._most:
            for key in keys:
                self._entries[key].append(left)
        else:
            call = self._compile([left], ())
            for key in keys:
                self._calls[key].append(call)

    def all(self) -> Mapping[Key, Posting]:
        return {
            key: Posting(
                tuple(self._places.get(key, ())), tuple(self._entries.get(key, ())), tuple(self._calls.get(key, ()))
            )
            for key in self._keys
        }
