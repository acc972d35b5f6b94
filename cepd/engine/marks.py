"""Marks: what a windowed firing tells of its events beside the aggregates, for all keys of a window, one slot a key.

How many they are, the first and the last one's id in journal order, and fields of the last one that texts name. Kept
like a column, and merged like one.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from typing import TypeAlias

import msgspec

from cepd.engine.arrays import Ints, ints
from cepd.engine.column import Add, AddAll, nowhere
from cepd.engine.paths import MISSING
from cepd.engine.projection import View, read_field
from cepd.engine.texts import Texts
from cepd.model.json import Json

Take: TypeAlias = Callable[[int, str, View, int], bool]
"""(slot, id, view, order): takes in one event. False where an aggregate had no use for it. `order` as in `Add`."""

TakeAll: TypeAlias = Callable[[Sequence[int], Sequence[str], Sequence[View], int], int]
"""(slots, ids, views, order): as `Take` of each event into its slot, the order rising from the given one. How many an
aggregate had no use for."""

StartAll: TypeAlias = Callable[[int, Sequence[str], Sequence[View], int], int]
"""(slot, ids, views, order): as `TakeAll`, of events that each begin a slot, the first of them the given one."""

ReadCarried: TypeAlias = Callable[[View], dict[str, Json]]


def carried(fields: Mapping[str, Json], names: Sequence[str]) -> dict[str, Json]:
    """What an event carries: its values of the named top-level fields that it has."""
    return {name: fields[name] for name in names if name in fields}


def read_carried(names: Sequence[str]) -> ReadCarried:
    """As `carried`, of a view."""
    fields = [(name, read_field(name)) for name in names]
    return lambda view: {name: value for name, read in fields if (value := read(view)) is not MISSING}


class Marks(msgspec.Struct):
    counts: list[int] = msgspec.field(default_factory=list)
    first_ids: Texts = msgspec.field(default_factory=Texts)
    last_ids: list[str] = msgspec.field(default_factory=list)
    """Empty where the last event is the first one."""
    first_orders: Ints = msgspec.field(default_factory=ints)
    last_orders: Ints = msgspec.field(default_factory=ints)
    carried: dict[int, dict[str, Json]] = msgspec.field(default_factory=dict)
    """By slot, of the last event; no entry where it carries nothing, so that rules without such texts pay nothing."""

    def grow(self) -> None:
        """One more slot, without events."""
        self.counts.append(0)
        self.first_ids.grow()
        self.last_ids.append("")
        self.first_orders.append(-1)
        self.last_orders.append(-1)

    def add(self, slot: int, event_id: str, order: int, carried: dict[str, Json]) -> None:
        """Takes in one event. `order` as in `Add`."""
        self.taker(dict, nowhere)(slot, event_id, carried, order)

    def taker(self, read: ReadCarried | None, add: Add) -> Take:
        """A function with the marks' state at hand, so that an event looks nothing up. `add` takes the event into the
        columns; `read` is None where no rule carries anything."""
        counts, last_ids, last_orders, carried = self.counts, self.last_ids, self.last_orders, self.carried
        put_first, first_orders = self.first_ids.put, self.first_orders

        def take(slot: int, event_id: str, view: View, order: int) -> bool:
            count = counts[slot]
            counts[slot] = count + 1
            if count:
                last_ids[slot] = event_id
            else:
                put_first(slot, event_id)
                first_orders[slot] = order
            last_orders[slot] = order
            if read is not None and (found := read(view)):
                carried[slot] = found
            elif carried:
                carried.pop(slot, None)
            return add(slot, view, order)

        return take

    def taker_of_all(self, read: ReadCarried | None, add_all: AddAll) -> TakeAll:
        """As `taker`, for many events at once, of slots that have had some."""
        counts, last_ids, last_orders, carried = self.counts, self.last_ids, self.last_orders, self.carried

        def take_all(slots: Sequence[int], ids: Sequence[str], views: Sequence[View], order: int) -> int:
            for at, (slot, event_id) in enumerate(zip(slots, ids, strict=True), order):
                counts[slot] += 1
                last_ids[slot] = event_id
                last_orders[slot] = at
            if read is not None or carried:
                for slot, view in zip(slots, views, strict=True):
                    if read is not None and (found := read(view)):
                        carried[slot] = found
                    else:
                        carried.pop(slot, None)
            return add_all(slots, views, order)

        return take_all

    def starter(self, read: ReadCarried | None, add: Add) -> Take:
        """As `taker`, of events that begin a slot: the next one, which is not there yet."""
        counted, named, first_id = self.counts.append, self.last_ids.append, self.first_ids.append
        first_order, last_order, carried = self.first_orders.append, self.last_orders.append, self.carried

        def start(slot: int, event_id: str, view: View, order: int) -> bool:
            first_id(event_id)
            counted(1)
            named("")
            first_order(order)
            last_order(order)
            if read is not None and (found := read(view)):
                carried[slot] = found
            return add(slot, view, order)

        return start

    def starter_of_all(self, read: ReadCarried | None, start_columns: AddAll) -> StartAll:
        """As `starter`, for many events at once."""

        def start_all(slot: int, ids: Sequence[str], views: Sequence[View], order: int) -> int:
            orders, slots = range(order, order + len(ids)), range(slot, slot + len(ids))
            self.counts.extend(repeat(1, len(ids)))
            self.first_ids.extend(ids)
            self.last_ids.extend(repeat("", len(ids)))
            self.first_orders.extend(orders)
            self.last_orders.extend(orders)
            if read is not None:
                self.carried |= {at: found for at, view in zip(slots, views, strict=True) if (found := read(view))}
            return start_columns(slots, views, order)

        return start_all

    def merge(self, slot: int, other: "Marks", its: int) -> None:
        """Takes in all that a slot of other marks holds."""
        if not other.counts[its]:
            return
        later = other.last_orders[its] > self.last_orders[slot]
        if self.counts[slot]:
            self.last_ids[slot] = other._last(its) if later else self._last(slot)
        else:
            self.last_ids[slot] = other.last_ids[its]
        if not self.counts[slot] or other.first_orders[its] < self.first_orders[slot]:
            self.first_ids.put(slot, other.first_ids.at(its))
            self.first_orders[slot] = other.first_orders[its]
        self.counts[slot] += other.counts[its]
        if later:
            self.last_orders[slot] = other.last_orders[its]
            if its in other.carried:
                self.carried[slot] = other.carried[its]
            else:
                self.carried.pop(slot, None)

    def ids(self, slot: int) -> tuple[str, ...]:
        """The first and the last event's id; one id where they are the same event, none where there is none."""
        if not self.counts[slot]:
            return ()
        first = self.first_ids.at(slot)
        return (first,) if self.counts[slot] == 1 else (first, self.last_ids[slot])

    def payload(self, slot: int, names: Sequence[str]) -> bytes:
        """The last event's values of the named fields, as a JSON object; empty where no field is named."""
        return msgspec.json.encode(carried(self.carried.get(slot, {}), names)) if names else b""

    def _last(self, slot: int) -> str:
        return self.last_ids[slot] or self.first_ids.at(slot)
