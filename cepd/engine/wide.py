"""Views by event type, for programs that name so many members that one struct of all would cost more than it saves.

A struct is searched for each member of a line, so the more names the dearer: of decoding a line of twelve members to a
dict, views of 6 names cost 0.4, of 36 names 0.75, of 66 names 1.2, of 206 names 3.4 (measured). Two passes, over the
envelope and over what the rules that see events of its type name, cost about 0.9 whatever other rules name.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from cepd.engine.projection import ENVELOPE, Projecting, Projection, View, type_of
from cepd.model.event import given_type
from cepd.model.json import Json

MOST_NAMES = 40
"""Top-level members of one struct."""


def project(named: Mapping[str | None, Iterable[str]]) -> Projecting:
    """`named`: the paths that rules name, by the event type that they see; under None of those that see every event."""
    everyone = frozenset(named.get(None, ()))
    by_type = {event_type: everyone.union(names) for event_type, names in named.items()}
    names = everyone.union(*by_type.values())
    if len({*ENVELOPE, *(name.partition(".")[0] for name in names)}) <= MOST_NAMES:
        return Projection(names)
    return ByType(names, by_type)


class ByType:
    """Structs are made when the first event of a type comes."""

    def __init__(self, names: frozenset[str], by_type: Mapping[str | None, frozenset[str]]) -> None:
        self.names = names
        self._by_type = by_type
        self._envelope = _of_names(frozenset())

    def decode(self, line: bytes) -> View:
        head = self._envelope.decode(line)
        return self._of_type(type_of(head)).decode(line)

    def decode_lines(self, body: bytes) -> list[View]:
        heads = self._envelope.decode_lines(body)
        found = {event_type: self._of_type(event_type).decode for event_type in set(map(type_of, heads))}
        return [found[type_of(head)](line) for head, line in zip(heads, body.split(b"\n"), strict=True)]

    def of(self, fields: Mapping[str, Json]) -> View:
        return self._of_type(given_type(fields)).of(fields)

    def _of_type(self, event_type: str | None) -> Projection:
        names = self._by_type.get(event_type)
        return _of_names(self._by_type.get(None, frozenset()) if names is None else names)


@lru_cache(maxsize=4096)
def _of_names(names: frozenset[str]) -> Projection:
    return Projection(names)
