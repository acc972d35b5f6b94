"""What no index serves: told with why and about what it costs, and nothing that an index does serve."""

import time

from cepd.engine.matching import MANY
from cepd.engine.matching.linear import NETWORK, PLAIN, SEARCH
from cepd.engine.matching.node import Asked, compile_node
from cepd.model.condition import All, AnyOf, Not
from tests.support.matching import asks, when


def denied(number: int):
    return Not(when("==", "value", number))


def test_each_of_a_crowd_knows_how_many_stand_with_it():
    asked = asks([*(denied(number) for number in range(MANY + 3)), when("==", "host", "a")])
    costs = compile_node(asked).costs
    assert [found.place for found in costs] == list(range(MANY + 4)), "one look-up alone is no index"
    assert {(found.crowd, found.searched, found.nanoseconds) for found in costs} == {(MANY + 4, False, PLAIN)}


def test_a_crowd_behind_an_index_is_one_too():
    behind = [All((when("==", "host", "a"), denied(number))) for number in range(MANY + 1)]
    beside = [All((when("==", "host", f"h{number}"), denied(number))) for number in range(MANY)]
    costs = compile_node(asks([*beside, *behind])).costs
    assert [found.place for found in costs] == list(range(MANY, MANY + MANY + 1))
    assert {found.crowd for found in costs} == {MANY + 1}


def test_a_list_of_patterns_is_searched_for_one_by_one():
    (found,) = compile_node(asks([when("matches", "host", ["[0-9]{4}", "^[a-f]+$", "error"])])).costs
    assert (found.crowd, found.searched, found.guarded, found.nanoseconds) == (0, True, False, 3 * SEARCH)


def test_a_search_that_is_made_only_where_something_else_holds_is_guarded():
    searched = when("matches", "host", "[0-9]{4}")
    asked = asks([All((searched, when(">", "value", 3))), All((searched, searched)), AnyOf((searched, denied(1)))])
    assert [found.guarded for found in compile_node([*asked, Asked(searched, frozenset({"web"}))]).costs] == [
        True,
        False,
        False,
        True,
    ]


def test_what_a_crowd_asks_for_besides_costs_too():
    networks = [All((denied(number), when("cidr", "ip", "10.0.0.0/8"))) for number in range(MANY + 1)]
    assert {found.nanoseconds for found in compile_node(asks(networks)).costs} == {PLAIN + NETWORK}


def test_conditions_that_always_hold_are_no_crowd_for_they_are_not_tested():
    assert compile_node([Asked(None, None)] * (MANY + 1)).costs == []
    assert compile_node(asks([All(())] * (MANY + 1))).costs == []


def test_the_question_takes_a_fraction_of_the_answer():
    asked = asks(All((when("==", "host", f"h{number % 300}"), denied(number))) for number in range(2000))
    started = time.process_time()
    node = compile_node(asked)
    compiled = time.process_time()
    assert node.linear == ()
    assert time.process_time() - compiled < compiled - started
