"""The last value is that of journal order, whatever order slots are merged in."""

from itertools import permutations

from cepd.engine.column import new_column
from cepd.engine.paths import MISSING
from tests.support.columns import aggregate, filled, reloaded, result


def test_panes_whose_events_came_crosswise() -> None:
    """Values 1 to 4 are added in that order, to slots that are merged in every order."""
    for order in permutations(range(3)):
        panes, whole = filled("last", [], [], []), filled("last", [])
        for place, (slot, value) in enumerate([(1, 1), (0, 2), (1, 3), (0, 4)]):
            panes.add(slot, value, place)
        for slot in order:
            whole.merge(0, panes, slot)
        assert result("last", whole) == 4


def test_null_is_a_value_and_nothing_is_none() -> None:
    for column in (filled("last", [4, None]), reloaded(filled("last", [4, None]))):
        assert result("last", column) is None
    for column in (filled("last", [MISSING]), reloaded(filled("last", [MISSING]))):
        assert result("last", column) is MISSING


def test_any_json_comes_back() -> None:
    value = {"a": [1.0, 10**30, True, None, "é"]}
    column = reloaded(filled("last", [value]))
    assert repr(result("last", column)) == repr(value)


def test_an_empty_slot_merged_in_changes_nothing() -> None:
    column = new_column(aggregate("last"))
    column.grow()
    column.grow()
    column.add(0, 7, 0)
    column.merge(0, column, 1)
    column.merge(1, column, 1)
    assert (result("last", column), result("last", column, 1)) == (7, MISSING)
