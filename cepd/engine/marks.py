"""Marks: what a windowed firing tells of its events beside the aggregates, for all keys of a window, one slot a key.

How many they are, the first and the last one's id in journal order, and fields of the last one that texts name. Kept
like a column, and merged like one.
"""

from collections.abc import Mapping, Sequence

import msgspec

from cepd.engine.arrays import Ints, ints
from cepd.model.json import Json


def carried(fields: Mapping[str, Json], names: Sequence[str]) -> dict[str, Json]:
    """What an event carries: its values of the named top-level fields that it has."""
    return {name: fields[name] for name in names if name in fields}


class Marks(msgspec.Struct):
    counts: Ints = msgspec.field(default_factory=ints)
    first_ids: list[str] = msgspec.field(default_factory=list)
    last_ids: list[str] = msgspec.field(default_factory=list)
    first_orders: Ints = msgspec.field(default_factory=ints)
    last_orders: Ints = msgspec.field(default_factory=ints)
    carried: dict[int, dict[str, Json]] = msgspec.field(default_factory=dict)
    """By slot, of the last event; no entry where it carries nothing, so that rules without such texts pay nothing."""

    def grow(self) -> None:
        """One more slot, without events."""
        self.counts.append(0)
        self.first_ids.append("")
        self.last_ids.append("")
        self.first_orders.append(-1)
        self.last_orders.append(-1)

    def add(self, slot: int, event_id: str, order: int, carried: dict[str, Json]) -> None:
        """Takes in one event. `order` is not negative and rises with each event of the unit, in journal order."""
        if not self.counts[slot]:
            self.first_ids[slot] = event_id
            self.first_orders[slot] = order
        self.counts[slot] += 1
        self._end(slot, event_id, order, carried)

    def merge(self, slot: int, other: "Marks", its: int) -> None:
        """Takes in all that a slot of other marks holds."""
        if not other.counts[its]:
            return
        if not self.counts[slot] or other.first_orders[its] < self.first_orders[slot]:
            self.first_ids[slot] = other.first_ids[its]
            self.first_orders[slot] = other.first_orders[its]
        self.counts[slot] += other.counts[its]
        if other.last_orders[its] > self.last_orders[slot]:
            self._end(slot, other.last_ids[its], other.last_orders[its], other.carried.get(its, {}))

    def ids(self, slot: int) -> tuple[str, ...]:
        """The first and the last event's id; one id where they are the same event, none where there is none."""
        if not self.counts[slot]:
            return ()
        first, last = self.first_ids[slot], self.last_ids[slot]
        return (first,) if self.first_orders[slot] == self.last_orders[slot] else (first, last)

    def payload(self, slot: int, names: Sequence[str]) -> bytes:
        """The last event's values of the named fields, as a JSON object; empty where no field is named."""
        return msgspec.json.encode(carried(self.carried.get(slot, {}), names)) if names else b""

    def _end(self, slot: int, event_id: str, order: int, carried: dict[str, Json]) -> None:
        self.last_ids[slot] = event_id
        self.last_orders[slot] = order
        if carried:
            self.carried[slot] = carried
        else:
            self.carried.pop(slot, None)
