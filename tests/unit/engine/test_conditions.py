"""The compiled form against the plain interpreter, on random conditions and events."""

import random
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cepd.engine import paths
from cepd.engine.conditions import compile_condition, equal
from cepd.engine.operators import fault_of
from cepd.engine.reference import evaluate
from cepd.model.condition import Arithmetic, Call, Field, Literally, Test
from tests.support.conditions import LEAVES, random_event, trees

BANK = [random_event(random.Random(number)) for number in range(300)]
RIGHT_KINDS = {
    **dict.fromkeys((">", "<", ">=", "<="), (int, float)),
    **dict.fromkeys(("starts_with", "ends_with", "matches", "cidr"), (str,)),
    "contains": (str, list),
}
NONE = object()


def kind_of_left(test: Test, event: dict) -> str:
    """What the field on the left is to its test: missing, null, wrong or right."""
    value = event
    for part in test.left.path.split("."):
        value = value.get(part, NONE) if isinstance(value, dict) else NONE
    if value is NONE:
        return "missing"
    if value is None:
        return "null"
    kinds = RIGHT_KINDS.get(test.op)
    if kinds is None and isinstance(test.right, Literally):
        items = test.right.value if test.op in ("in", "not_in") else [test.right.value]
        kinds = tuple(type(item) for item in items)
    if kinds is None or type(value) in kinds or ({int, float} >= {type(value)} and {int, float} & set(kinds)):
        return "right"
    return "wrong"


def test_compiled_conditions_mean_what_the_reference_says():
    evaluated, held = 0, 0
    seen: Counter[tuple[str, str]] = Counter()

    @settings(max_examples=400, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
    @given(trees())
    def agree(condition):
        nonlocal evaluated, held
        compiled = compile_condition(condition)
        for event in BANK:
            expected = evaluate(condition, event)
            assert compiled(event) is expected, event
            evaluated += 1
            held += expected
        for test in paths.tests_of(condition):
            assert fault_of(test) is None, test
            for event in BANK[::7]:
                seen[test.op, str(evaluate(test, event)).lower()] += 1
                if isinstance(test.left, Field):
                    seen[test.op, kind_of_left(test, event)] += 1

    agree()
    assert evaluated >= 100_000
    assert 0.3 < held / evaluated < 0.7
    wanted = {(op, what) for op in LEAVES for what in ("true", "false", "missing", "null", "wrong", "right")}
    wanted.remove(("exists", "wrong"))
    assert {pair for pair in wanted if seen[pair] < 5} == set()


@settings(max_examples=40, deadline=None)
@given(trees(), st.integers(0, 2**32))
def test_compiled_conditions_agree_on_other_events_too(condition, seed):
    rng = random.Random(seed)
    compiled = compile_condition(condition)
    for event in (random_event(rng) for _ in range(40)):
        assert compiled(event) is evaluate(condition, event), event


def test_arithmetic_has_no_value_where_numbers_grow_too_large():
    size = Field("n")
    cube = Arithmetic("*", Arithmetic("*", size, size), size)
    for holds in (
        compile_condition(Test("!=", cube, Literally(0))),
        lambda e: evaluate(Test("!=", cube, Literally(0)), e),
    ):
        assert holds({"n": 10**133}) is True
        assert holds({"n": 10**134}) is False
        assert holds({"n": 1e200}) is False


def test_huge_integers_meet_floats_without_an_error():
    huge = 10**3000
    for op, expected in ((">", True), ("<", False), ("==", False), ("!=", True)):
        assert compile_condition(Test(op, Field("n"), Literally(0.5)))({"n": huge}) is expected
    for sign in "+-*/%":
        test = Test("!=", Arithmetic(sign, Field("n"), Field("x")), Literally(0))
        assert compile_condition(test)({"n": huge, "x": 0.5}) is False


def test_half_a_surrogate_pair_is_no_match_and_no_error():
    event = {"text": "a\ud800"}
    test = Test("matches", Field("text"), Literally("a"))
    assert compile_condition(test)(event) is evaluate(test, event) is False
    assert compile_condition(Test("==", Call("lower", Field("text")), Literally("a")))(event) is False


def test_equality_keeps_kinds_apart_at_every_depth():
    assert equal({"a": [1, {"b": 2.0}]}, {"a": [1.0, {"b": 2}]})
    assert not equal({"a": [1, {"b": 1}]}, {"a": [1, {"b": True}]})
    assert not equal([1, 2], [1])
    assert not equal({"a": 1}, {"b": 1})
