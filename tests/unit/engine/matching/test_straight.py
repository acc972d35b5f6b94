"""Straight-line code: each field loaded once, late where one entry alone reads it, and no function too large."""

from cepd.engine.matching.entry import make_entry
from cepd.engine.matching.node import compile_node
from cepd.engine.matching.straight import MOST_ENTRIES, MOST_LEAVES, chunks
from cepd.engine.projection import slot
from cepd.model.condition import All, AnyOf, Not
from tests.support.matching import asks, assert_agrees, when


def lines_of(asked) -> list[str]:
    return compile_node(asked).code.splitlines()


def load_of(field: str) -> str:
    return f"v_{slot(field)} = v.{slot(field)}"


def test_a_field_that_one_entry_reads_is_loaded_where_its_first_test_holds():
    asked = asks([All((when(">", "value", 5), when("==", "host", "a")))])
    lines = lines_of(asked)
    assert f"    {load_of('value')}" in lines
    assert f"        {load_of('host')}" in lines
    assert_agrees(asked, [{"value": 6, "host": "a"}, {"value": 5, "host": "a"}, {"value": 6}, {}])


def test_a_field_that_several_entries_read_is_loaded_once_for_all():
    asked = asks(All((when(">", "value", number), when("==", "host", "a"))) for number in range(3))
    lines = lines_of(asked)
    assert lines.count(f"    {load_of('host')}") == 1
    assert lines.count(f"        {load_of('host')}") == 0
    assert_agrees(asked, [{"value": value, "host": "a"} for value in (0, 1, 2, 3)])


def test_what_is_cheap_is_tested_before_patterns():
    asked = asks([All((when("matches", "msg", "[0-9]+"), when("contains", "msg", "b"), when("==", "msg", "ab1")))])
    [test] = [line for line in lines_of(asked) if " and " in line]
    assert test.index("==") < test.index(" in ") < test.index("(v_")
    assert_agrees(asked, [{"msg": "ab1"}, {"msg": "ab"}, {"msg": 1}])


def test_no_run_of_entries_is_too_large_for_a_function():
    small = [make_entry(place, when("exists", "a"), None) for place in range(3 * MOST_ENTRIES + 1)]
    assert [len(run) for run in chunks(small)] == [MOST_ENTRIES] * 3 + [1]
    large = AnyOf(tuple(Not(when("==", "a", number)) for number in range(MOST_LEAVES // 2)))
    entries = [make_entry(place, condition, None) for place, condition in enumerate([large] * 5)]
    assert [len(run) for run in chunks(entries)] == [2, 2, 1]
    huge = make_entry(0, AnyOf(tuple(Not(when("==", "a", number)) for number in range(3 * MOST_LEAVES))), None)
    assert list(chunks([huge, small[1], small[2]])) == [[huge], [small[1], small[2]]]
    assert list(chunks([])) == []
