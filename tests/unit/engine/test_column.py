"""All aggregates against plain lists: added, merged and reloaded they are the same."""

import tracemalloc
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cepd.engine.aggregates
from cepd.engine.column import new_column, reader
from cepd.engine.marks import Marks
from cepd.engine.paths import MISSING
from cepd.model.json import Json
from cepd.model.rule import Aggregate
from tests.support.columns import PLAIN, SPAN, aggregate, filled, merged, reloaded, result

SCHEMAS = Path(__file__).parents[3] / "schemas" / "aggregates"

few = st.integers(-3, 3)
values = st.one_of(
    few,
    few.map(float),
    st.floats(-1e6, 1e6),
    st.sampled_from([MISSING, None, True, False, "1", "", [1], [1.0], [True], {"a": 1, "b": 2}, {"b": 2.0, "a": 1}]),
)
parts = st.lists(st.lists(values, max_size=8), min_size=1, max_size=4)
each = pytest.mark.parametrize("fn", sorted(PLAIN))


def same(found: Json, expected: Json) -> bool:
    """Equal; floats, and a whole number that stands for a fraction, within what adding in another order may change."""
    fraction = isinstance(expected, Fraction) and expected.denominator > 1
    if isinstance(found, float) or (fraction and type(found) is int):
        return expected is not MISSING and found == pytest.approx(float(expected), rel=1e-9, abs=1e-6)
    return found is expected or (type(found) is not bool and found == expected)


def test_there_is_a_module_for_each_schema_and_a_plain_answer_here() -> None:
    modules = {path.stem for path in Path(cepd.engine.aggregates.__file__).parent.glob("*.py")} - {"__init__"}
    assert modules == {path.name.removesuffix(".schema.json") for path in SCHEMAS.iterdir()} == set(PLAIN)


@each
@given(found=parts)
@settings(max_examples=150, deadline=None)
def test_adding_and_merging_give_what_the_list_of_all_values_gives(fn: str, found: list[list[Json]]) -> None:
    everything = [value for part in found for value in part]
    expected = PLAIN[fn](everything)
    assert same(result(fn, filled(fn, everything)), expected)
    assert same(result(fn, merged(fn, *found)), expected)


@each
@given(found=parts, later=st.lists(values, max_size=3))
@settings(max_examples=60, deadline=None)
def test_a_reloaded_column_goes_on_the_same(fn: str, found: list[list[Json]], later: list[Json]) -> None:
    kept, loaded = filled(fn, *found), reloaded(filled(fn, *found))
    for column in (kept, loaded):
        for order, value in enumerate(later, 1000):
            column.add(0, value, order)
        column.grow()
        column.merge(len(found), column, 0)
    assert [result(fn, loaded, slot) for slot in range(len(found) + 1)] == [
        result(fn, kept, slot) for slot in range(len(found) + 1)
    ]
    assert [type(result(fn, loaded, slot)) for slot in range(len(found))] == [
        type(result(fn, kept, slot)) for slot in range(len(found))
    ], "1 and 1.0 stay apart"


@each
def test_slots_do_not_touch_each_other(fn: str) -> None:
    column = filled(fn, [1, 2], [], [5, 9, 9])
    assert [result(fn, column, slot) for slot in range(3)] == [
        result(fn, filled(fn, part)) for part in ([1, 2], [], [5, 9, 9])
    ]


@each
def test_what_cannot_be_used_is_told_and_changes_nothing(fn: str) -> None:
    column = filled(fn, [1, 2, 4])
    before = result(fn, column)
    assert column.add(0, MISSING, 9) is False
    assert result(fn, column) == before
    assert column.add(0, 3, 10) is True
    takes_all = fn in ("count", "rate", "first", "last", "distinct_count")
    assert [column.add(0, value, 11 + place) for place, value in enumerate(["1", None, True, [1]])] == [takes_all] * 4


def test_the_reader_takes_the_field_or_the_event_itself() -> None:
    fields = {"a": {"b": 0}, "c": None}
    assert [reader(Aggregate("sum", path))(fields) for path in ("a.b", "c", "d", "c.d")] == [0, None, MISSING, MISSING]
    column = new_column(Aggregate("count"))
    column.grow()
    assert column.add(0, reader(Aggregate("count"))({}), 0)
    assert column.value(0, Aggregate("count"), 0) == 1


def test_a_million_keys_of_an_average_stay_small() -> None:
    """An average is 16 bytes a slot, marks 40: a reference, a count, two orders, where the first id begins. That id
    takes its bytes and one more, 8 here. Lists and arrays grow by an eighth at most. With 64 bytes of key text, 45 of
    dict and 32 of slot number a key then is under 250."""
    slots = 100_000
    ids = [f"id{number}" for number in range(slots)]
    numbers = [float(number) for number in range(slots)]
    tracemalloc.start()
    try:
        column, marks = new_column(aggregate("avg")), Marks()
        for slot in range(slots):
            column.grow()
            marks.grow()
            column.add(slot, numbers[slot], slot)
            marks.add(slot, ids[slot], slot, {})
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 60 <= size / slots <= 64 * 9 / 8
    assert result("avg", column, slots - 1) == slots - 1


@each
@given(found=parts)
@settings(max_examples=60, deadline=None)
def test_a_slot_that_an_event_begins_is_one_that_grew_and_was_added_to(fn: str, found: list[list[Json]]) -> None:
    begun, order = new_column(aggregate(fn)), 0
    start, add = begun.starter(lambda value: value), begun.adder(lambda value: value)
    expected = filled(fn, *(part or [MISSING] for part in found))
    for slot, part in enumerate(found):
        for place, value in enumerate(part or [MISSING]):
            usable = add(slot, value, order) if place else start(slot, value, order)
            other = filled(fn, ())
            assert usable == other.add(0, value, order)
            order += 1
    assert [result(fn, begun, slot) for slot in range(len(found))] == [
        result(fn, expected, slot) for slot in range(len(found))
    ]


@each
@given(found=parts)
@settings(max_examples=60, deadline=None)
def test_all_slots_at_once_are_the_slots_one_by_one(fn: str, found: list[list[Json]]) -> None:
    column, absorbing = filled(fn, *found), filled(fn, *found)
    each_value = [result(fn, column, slot) for slot in range(len(found))]
    assert list(column.numbers(len(found), aggregate(fn), SPAN)) == each_value
    slots = [0] * len(found)
    middle = len(found) // 2
    absorbing.absorb(slots[:middle], column)
    absorbing.absorb(slots[middle:], column, middle)
    one_by_one = filled(fn, *found)
    for its in range(len(found)):
        one_by_one.merge(0, column, its)
    assert result(fn, absorbing) == result(fn, one_by_one)
    at_once = filled(fn, *found)
    at_once.absorb(slots, column)
    assert result(fn, at_once) == result(fn, one_by_one)
