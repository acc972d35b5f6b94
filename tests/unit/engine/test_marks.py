"""Marks: the events of a key, however they were merged."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.column import nowhere
from cepd.engine.marks import Marks, carried
from cepd.model.json import Json
from tests.support.columns import reloaded

events = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c"]), st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 3))),
    max_size=8,
)


def told(marks: Marks, slot: int) -> tuple[int, tuple[str, ...], bytes]:
    return marks.counts[slot], marks.ids(slot), marks.payload(slot, ("x", "y"))


def plain(found: list[tuple[str, dict[str, Json]]]) -> tuple[int, tuple[str, ...], bytes]:
    if not found:
        return 0, (), b"{}"
    last_id, last = found[-1]
    ids = (last_id,) if len(found) == 1 else (found[0][0], last_id)
    return len(found), ids, msgspec.json.encode({name: last[name] for name in ("x", "y") if name in last})


@given(events, st.lists(st.integers(0, 2), min_size=8, max_size=8), st.permutations(range(3)))
@settings(max_examples=200, deadline=None)
def test_panes_in_any_order_give_the_journal_order(
    found: list[tuple[str, dict[str, Json]]], places: list[int], merging: list[int]
) -> None:
    """Events go to one of three panes each, as their times say; what came first and last is the journal's word."""
    panes, whole = Marks(), Marks()
    for _ in range(3):
        panes.grow()
    for order, ((event_id, fields), place) in enumerate(zip(found, places, strict=False)):
        panes.add(place, event_id, order, carried(fields, ("x", "y")))
    whole.grow()
    panes = reloaded(panes)
    for place in merging:
        whole.merge(0, panes, place)
    assert told(whole, 0) == plain(found)
    for place in range(3):
        there = [event for event, at in zip(found, places, strict=False) if at == place]
        assert told(panes, place) == plain(there)


def test_merged_marks_go_on() -> None:
    marks = Marks()
    marks.grow()
    marks.grow()
    marks.add(0, "a", 0, {"x": 1})
    marks.add(1, "b", 1, {"x": 2})
    marks.merge(0, marks, 1)
    marks.add(0, "c", 2, {})
    assert told(marks, 0) == (3, ("a", "c"), b"{}"), "the last event carries nothing: the one before does not show"
    assert told(marks, 1) == (1, ("b",), b'{"x":2}'), "the source is left alone"


def test_two_events_with_one_id_are_two() -> None:
    marks = Marks()
    marks.grow()
    marks.add(0, "a", 0, {})
    assert marks.ids(0) == ("a",)
    marks.add(0, "a", 1, {})
    assert marks.ids(0) == ("a", "a")


def test_a_rule_sees_the_fields_that_it_names_and_nothing_where_it_names_none() -> None:
    marks = Marks()
    marks.grow()
    marks.add(0, "a", 0, carried({"x": None, "y": {"z": 1.0}, "w": 3}, ("y", "x", "gone")))
    assert marks.payload(0, ()) == b""
    assert marks.payload(0, ("x",)) == b'{"x":null}'
    assert marks.payload(0, ("gone", "x", "y")) == b'{"x":null,"y":{"z":1.0}}'
    assert marks.carried == {0: {"y": {"z": 1.0}, "x": None}}


def test_marks_without_carried_fields_hold_none() -> None:
    marks = Marks()
    marks.grow()
    marks.add(0, "a", 0, carried({"x": 1}, ()))
    assert marks.carried == {}


@given(events)
@settings(max_examples=100, deadline=None)
def test_a_slot_that_an_event_begins_is_one_that_grew_and_was_added_to(
    found: list[tuple[str, dict[str, Json]]],
) -> None:
    """Each event in a slot of its own, then all of them again in the first."""
    grown, begun = Marks(), Marks()
    start = begun.starter(dict, nowhere)
    for order, (event_id, fields) in enumerate(found):
        grown.grow()
        grown.add(order, event_id, order, fields)
        assert start(order, event_id, fields, order)
    for marks in (grown, begun):
        for order, (event_id, fields) in enumerate(found, len(found)):
            marks.add(0, event_id, order, fields)
    assert [told(begun, slot) for slot in range(len(found))] == [told(grown, slot) for slot in range(len(found))]
    assert (begun.first_orders, begun.last_orders, begun.carried) == (
        grown.first_orders,
        grown.last_orders,
        grown.carried,
    )
