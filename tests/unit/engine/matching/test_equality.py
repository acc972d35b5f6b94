"""Tables of values: that they are made, from how many entries on, and what they must not confuse."""

import pytest

from cepd.engine.matching.equality import FEWEST
from cepd.engine.matching.node import Asked, compile_node
from cepd.model.condition import All, AnyOf, Field, Literally, Test
from tests.support.matching import asks, assert_agrees, when

EVENTS = [
    {},
    {"host": None},
    *(
        {"host": value}
        for value in ["web-1", "web-2", "WEB-1", "", "1", 1, 1.0, True, False, 0, -0.0, 2**53, 2**53 + 1]
    ),
    *({"host": value} for value in [float(2**53), 10**400, [], ["web-1"], {"web-1": 1}, 3, 3.0]),
    *({"host": f"web-{number}", "value": number} for number in range(12)),
    {"host": "web-3", "source": "web-3", "value": 4},
    {"host": "web-3", "source": "", "value": 4},
    {"source": "nobody"},
]


def is_looked_up(asked) -> bool:
    return ".get(" in compile_node(asked).code


def hosts(count: int):
    return [when("==", "host", f"web-{number}") for number in range(count)]


def test_a_table_is_made_from_eight_entries_on():
    assert FEWEST == 8
    assert not is_looked_up(asks(hosts(7)))
    assert is_looked_up(asks(hosts(8)))
    assert " == " not in compile_node(asks(hosts(8))).code
    assert_agrees(asks(hosts(7)), EVENTS)
    assert_agrees(asks(hosts(8)), EVENTS)


@pytest.mark.parametrize(
    "form",
    [
        lambda name: when("==", "host", name),
        lambda name: when("in", "host", [name]),
        lambda name: when("in", "host", [name, "web-1", name]),
        lambda name: Test("==", Literally(name), Field("host")),
        lambda name: AnyOf((when("==", "host", name), when("==", "host", "web-2"))),
        lambda name: AnyOf((when("in", "host", [name, "x"]), when("==", "host", "web-2"))),
        lambda name: All((when(">", "value", 3), All((when("==", "host", name), when("<", "value", 9))))),
        lambda name: All(
            (when("in", "host", [name, *(f"web-{number}" for number in range(9))]), when(">", "value", 3))
        ),
    ],
)
def test_every_form_that_names_values_goes_to_the_table(form):
    asked = asks(form(f"web-{number}") for number in range(10))
    assert "host" in compile_node(asked).legend
    assert is_looked_up(asked)
    assert assert_agrees(asked, EVENTS) == 10 * len(EVENTS)


def test_numbers_are_looked_up_by_worth_and_apart_from_text_and_bools():
    values = [1, 1.0, 0, 0.0, 3, 2**53, 2**53 + 1, float(2**53), 10**400, -7.5]
    asked = asks([when("==", "host", value) for value in values] + [when("in", "host", [1, True, "1"])] + hosts(9))
    assert compile_node(asked).code.count(".get(") == 2
    assert_agrees(asked, EVENTS)


def test_a_list_that_is_compared_as_a_whole_is_not_looked_up():
    whole = AnyOf((when("==", "host", ["web-1"]), when("==", "host", ["web-2", "web-1"]), when("==", "host", "web-3")))
    for condition in (when("==", "host", ["web-1"]), whole):
        asked = asks([condition] * 10)
        assert not is_looked_up(asked)
        assert_agrees(asked, [*EVENTS, {"host": ["web-2", "web-1"]}])


def test_two_columns_are_looked_up_one_after_the_other_and_one_below_the_other():
    both = [
        All((when("==", "host", f"web-{n % 3}"), when("==", "zone", f"z{n}"), when(">", "value", n))) for n in range(40)
    ]
    other = [when("==", "zone", f"z{n}") for n in range(40)]
    asked = asks([*both, *other, when("exists", "host")])
    events = [{"host": f"web-{n % 5}", "zone": f"z{n % 45}", "value": n % 50} for n in range(100)]
    assert_agrees(asked, events)


def test_a_long_list_beside_other_tests_is_compiled_once():
    names = [f"web-{number}" for number in range(1000)]
    asked = asks(All((when("in", "host", names[start:]), when("exists", "value"))) for start in range(20))
    node = compile_node(asked)
    assert node.legend.count("\nfunction ") <= 1 + 20 + 20
    assert_agrees(asked, EVENTS, node=node)


def test_sources_are_looked_up_like_values():
    asked = [Asked(when(">", "value", 3) if n % 2 else None, frozenset({f"web-{n}", "nobody"})) for n in range(20)]
    asked += [Asked(None, frozenset())]
    assert is_looked_up(asked)
    assert_agrees(asked, EVENTS)


def test_a_source_that_is_no_text_or_empty_is_that_of_the_input():
    asked = [Asked(None, frozenset({name})) for name in ["nobody", "a", "b", "c", "d", "e", "f", ""]]
    assert_agrees(asked, [{"source": value} for value in ["a", "", None, 5, [], ["a"], {"a": 1}, "nobody", True]])
    few = asked[:2]
    assert_agrees(few, [{"source": value} for value in ["a", "", None, 5, [], ["a"], {"a": 1}, "nobody", True]])


def test_a_node_that_is_asked_nothing_or_nothing_that_can_hold_tells_nothing():
    assert_agrees([], EVENTS)
    assert_agrees([Asked(None, frozenset())] * 9, EVENTS)


@pytest.mark.parametrize("values", [[None, True], [1, False], ["1", 1.0, None], [True, 0], ["web-1", "", 10**400]])
def test_a_choice_between_values_of_any_kind_is_the_same_as_their_list(values):
    choice = AnyOf(tuple(when("==", "host", value) for value in values))
    asked = asks([choice, when("in", "host", values)])
    assert_agrees(asked, EVENTS)
    assert_agrees(asked * 5, EVENTS)
