"""Cells: what windows hold of their events, one slot a key or session. The marks of the events and one column for each
aggregate; nothing here knows of times, keys or rules that read it.
"""

from collections.abc import Iterable
from typing import Generic, TypeAlias, TypeVar

import msgspec

from cepd.engine.arrays import dec_hook
from cepd.engine.column import Column, column_type, each, new_column, reader, together
from cepd.engine.marks import Marks, ReadCarried, StartAll, Take, TakeAll, read_carried
from cepd.engine.projection import read_field
from cepd.model.rule import Aggregate, Rule

ColumnsT = TypeVar("ColumnsT", bound=tuple[Column, ...])
StateT = TypeVar("StateT", bound=msgspec.Struct)


class Cells(msgspec.Struct, Generic[ColumnsT]):
    marks: Marks
    columns: ColumnsT
    """As the layout orders them. A tuple type of theirs is what saved cells are decoded with."""

    def __len__(self) -> int:
        return len(self.marks.counts)

    def grow(self) -> int:
        """One more slot, without events."""
        self.marks.grow()
        for column in self.columns:
            column.grow()
        return len(self.marks.counts) - 1

    def merge(self, slot: int, other: "AnyCells", its: int) -> None:
        """Takes in all that a slot of other cells of the same layout holds; the older one takes in the younger."""
        self.marks.merge(slot, other.marks, its)
        merge_columns(self.columns, slot, other.columns, its)


Columns: TypeAlias = tuple[Column, ...]
AnyCells: TypeAlias = Cells[Columns]


def merge_columns(columns: Columns, slot: int, others: Columns, its: int) -> None:
    """As `Cells.merge`, without marks."""
    for column, other in zip(columns, others, strict=True):
        column.merge(slot, other, its)


class Layout:
    """What the cells of a unit are made of: each pair of `fn` and `field` that its rules name is one column, however
    many rules and outputs read it."""

    def __init__(self, rule: Rule) -> None:
        pairs = sorted({(found.fn, found.field or "") for found in rule.aggregate.values()})
        self._aggregates = [Aggregate(fn, field or None) for fn, field in pairs]
        self._readers = [reader(aggregate, read_field) for aggregate in self._aggregates]
        self._places = {pair: place for place, pair in enumerate(pairs)}
        self._carried: ReadCarried | None = None

    def carry(self, rules: Iterable[Rule]) -> None:
        """From here on the marks keep of the last event what these rules carry; what `taker` gave goes on as before."""
        names = sorted({name for rule in rules for name in rule.carries})
        self._carried = read_carried(names) if names else None

    def place(self, aggregate: Aggregate) -> int:
        """Which column an aggregate is read from."""
        return self._places[aggregate.fn, aggregate.field or ""]

    def empty(self) -> AnyCells:
        """Cells without slots."""
        return Cells(Marks(), self.columns())

    def columns(self) -> Columns:
        """The columns of cells without slots."""
        return tuple(map(new_column, self._aggregates))

    def column(self, place: int) -> Column:
        """One of them."""
        return new_column(self._aggregates[place])

    def taker(self, cells: AnyCells) -> Take:
        """The function that takes events into slots of the cells."""
        columns = zip(cells.columns, self._readers, strict=True)
        return cells.marks.taker(self._carried, together([column.adder(read) for column, read in columns]))

    def taker_of_all(self, cells: AnyCells) -> TakeAll:
        """As `taker`, for many events at once."""
        columns = list(zip(cells.columns, self._readers, strict=True))
        if len(columns) == 1:
            (column, read) = columns[0]
            return cells.marks.taker_of_all(self._carried, column.adder_of_all(read))
        return cells.marks.taker_of_all(self._carried, each(together([column.adder(read) for column, read in columns])))

    def starter(self, cells: AnyCells) -> Take:
        """As `taker`, of events that begin a slot: the next one, which is not there yet."""
        columns = zip(cells.columns, self._readers, strict=True)
        return cells.marks.starter(self._carried, together([column.starter(read) for column, read in columns]))

    def starter_of_all(self, cells: AnyCells) -> StartAll:
        """As `starter`, for many events at once."""
        columns = list(zip(cells.columns, self._readers, strict=True))
        if len(columns) == 1:
            (column, read) = columns[0]
            return cells.marks.starter_of_all(self._carried, column.starter_of_all(read))
        start = together([column.starter(read) for column, read in columns])
        return cells.marks.starter_of_all(self._carried, each(start))

    def decode(self, data: bytes, kind: type[StateT]) -> StateT:
        """A state that holds cells, generic over their columns, of its JSON. Raises ValueError for anything else."""
        columns = tuple[tuple(map(column_type, self._aggregates))]  # type: ignore[misc, valid-type]
        found: StateT = msgspec.json.decode(data, type=kind[columns], dec_hook=dec_hook)  # type: ignore[index]
        return found
