"""Limits in order: that bisection cuts at the right place, and that gates keep nobody out."""

import random

import pytest

from cepd.engine.matching.node import compile_node
from cepd.engine.matching.thresholds import FEWEST, PIECE, RUN
from cepd.model.condition import All, Field, Literally, Test
from tests.support.matching import asks, assert_agrees, when

LIMITS = [
    0,
    0.0,
    -0.0,
    1,
    1.0,
    2**53,
    2**53 + 1,
    float(2**53),
    10**400,
    -(10**400),
    1e308,
    5e-324,
    85,
    85,
    85.0,
    84.999,
]
VALUES = [*LIMITS, 2**53 + 2, -1, 0.5, 10**400 - 1, 86]
EVENTS = [{}, *({"value": value, "other": number % 7} for number, value in enumerate(VALUES))] + [
    {"value": value} for value in [None, True, False, "85", "nan", [], [85], {}, {"value": 85}]
]
OPS = [">", ">=", "<", "<="]


@pytest.mark.parametrize("op", OPS)
def test_limits_alone_are_cut_at_the_value(op):
    asked = asks(when(op, "value", limit) for limit in LIMITS)
    code = compile_node(asked).code
    assert "bisect" in code
    assert code.count("if ") - code.count(" if ") <= 1
    assert_agrees(asked, EVENTS)


@pytest.mark.parametrize("op", OPS)
def test_limits_are_put_in_order_from_eight_on(op):
    assert FEWEST == 8
    for count in (7, 8):
        asked = asks(when(op, "value", number) for number in range(count))
        assert ("bisect" in compile_node(asked).code) == (count == 8)
        assert_agrees(asked, [{"value": value} for value in (-1, 0, 3, 3.5, 7, 8)])


@pytest.mark.parametrize("op", OPS)
@pytest.mark.parametrize("count", [FEWEST, RUN, RUN + 1, 2 * RUN, PIECE, PIECE + 1, 3 * PIECE + 5])
def test_limits_with_more_tests_stand_behind_gates(op, count):
    rng = random.Random(count)
    asked = asks(
        All((when("exists", "other"), when(op, "value", rng.choice([number, 5, 5.0])))) for number in range(count)
    )
    node = compile_node(asked)
    assert ("bisect" in node.code) == (count > PIECE)
    assert node.linear == ()
    values = [-1, 0, 4.5, 5, 5.5, RUN - 1, RUN, RUN + 1, count - 1, count, "5", None, True]
    assert_agrees(asked, [{"value": value, "other": 1} for value in values] + [{"value": 5}, {"other": 1}, {}])


def test_ranges_and_both_directions_of_several_fields_agree():
    rng = random.Random(1)
    asked = asks(
        All(
            (
                when(">" if n % 2 else ">=", "value", low),
                when("<", rng.choice(["value", "other"]), low + rng.randrange(9)),
            )
        )
        for n in range(600)
        for low in [rng.randrange(100)]
    )
    assert_agrees(asked, [{"value": rng.randrange(-5, 110), "other": rng.choice([3, 50, None])} for _ in range(60)])


def test_a_literal_on_the_left_is_the_same_limit_seen_from_the_other_side():
    asked = asks(Test(">=", Literally(limit), Field("value")) for limit in LIMITS)
    assert "bisect" in compile_node(asked).code
    assert_agrees(asked, EVENTS)
