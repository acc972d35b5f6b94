"""Counts: of events, or of those that have a field."""

from cepd.engine.column import new_column, reader
from cepd.model.json import Json
from cepd.model.rule import Aggregate

EVENTS: list[dict[str, Json]] = [{"v": 1}, {}, {"v": None}, {"v": "x"}, {"w": 1}]


def counted(aggregate: Aggregate) -> Json:
    column, read = new_column(aggregate), reader(aggregate)
    column.grow()
    for order, fields in enumerate(EVENTS):
        column.add(0, read(fields), order)
    return column.value(0, aggregate, 0)


def test_without_a_field_all_events_count_with_one_those_that_have_it() -> None:
    assert counted(Aggregate("count")) == 5
    assert counted(Aggregate("count", "v")) == 3, "null is there"
    assert counted(Aggregate("count", "gone")) == 0
