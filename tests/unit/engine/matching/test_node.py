"""A node says what the reference says: a million evaluations, and what could break generated code."""

import random
import time

import pytest

from cepd.engine.matching.node import MANY, Asked, compile_node
from cepd.engine.projection import Projection
from cepd.model.condition import All, AnyOf, Arithmetic, Call, Field, Literally, Not, Test
from tests.support.matching import asks, assert_agrees, expected, projection_of, told, when

TEXTS = [
    "a",
    "ab",
    "abc",
    "b",
    "web-1",
    "web-2",
    "",
    "85",
    "nan",
    "NaN",
    "inf",
    "ä",
    "a\u0308",
    "İ",
    "x\x00y",
    "{0}",
    "'\"\\",
    "K0",
]
NUMBERS = [
    0,
    1,
    -1,
    0.0,
    -0.0,
    1.0,
    85,
    85.0,
    84.999,
    0.1,
    1e308,
    -1e308,
    5e-324,
    2**53,
    2**53 + 1,
    float(2**53),
    10**30,
    10**400,
]
ODD = [None, True, False, [], [1], ["ab"], ["a", True, None], [[1]], {}, {"cpu": 1}, {"x": {"y": 2}}, [{"a": 1}]]
VALUES = [*TEXTS, *NUMBERS, *ODD]
SCALARS = [*TEXTS, *NUMBERS, None, True, False]
PATHS = ["value", "host", "data", "data.cpu", "data.msg", "data.x.y", "tags", "type", "source"]
PATTERNS = ["^a", "b.$", "[0-9]+", "ä|a", "web-[12]", "abc?", "(?i)AB", "x\x00y", r"\bweb", "(ab)+c", r"we\w-\d"]


def random_value(rng: random.Random):
    return rng.choice(TEXTS if (luck := rng.random()) < 0.4 else NUMBERS if luck < 0.8 else ODD)


def random_event(rng: random.Random) -> dict:
    event = {name: random_value(rng) for name in ("value", "host", "tags", "type", "source") if rng.random() < 0.8}
    luck = rng.random()
    if luck < 0.75:
        event["data"] = {name: random_value(rng) for name in ("cpu", "msg", "x") if rng.random() < 0.8}
    if luck < 0.4:
        event["data"]["x"] = {"y": random_value(rng)}
    if luck > 0.9:
        event["data"] = rng.choice(VALUES)
    return event


def random_test(rng: random.Random):
    path = rng.choice(PATHS)
    op = rng.choice(["==", "==", "in", "in", ">", ">=", "<", "<=", "contains", "contains", "matches", "starts_with",
                     "ends_with", "!=", "not_in", "exists", "other"])  # fmt: skip
    match op:
        case ">" | ">=" | "<" | "<=":
            return when(op, path, rng.choice(NUMBERS))
        case "==" | "!=":
            return when(op, path, rng.choice([*SCALARS, ["ab"], [1]]))
        case "in" | "not_in":
            return when(op, path, rng.choices(rng.choice([TEXTS, NUMBERS, SCALARS]), k=rng.choice([1, 2, 8])))
        case "matches":
            wanted = rng.choice([rng.choice(PATTERNS), rng.choices(PATTERNS, k=2)])
            return when(op, path, wanted, ignore_case=rng.random() < 0.2)
        case "contains" | "starts_with" | "ends_with":
            found = [text for text in TEXTS if text]
            folds = rng.random() < 0.15
            wanted = rng.choice([rng.choice(found), rng.choices(found, k=3)])
            return when(op, path, wanted, ignore_case=folds)
        case "other":
            other = Field(rng.choice(PATHS))
            return rng.choice([
                Test(rng.choice(["==", "!=", ">", "<=", "in", "not_in", "contains"]), Field(path), other),
                Test(">", Arithmetic(rng.choice("+-*/%"), Field(path), other), Literally(rng.choice(NUMBERS))),
                Test("==", Call("lower", Field(path)), Literally("ab")),
                Test("<", Call("length", Field(path)), Literally(3)),
                Test("==", Literally(None), other),
                Test("<", Literally(1), other),
                Test("in", Literally("ab"), other),
                Test("not_in", Literally(None), other),
                Test("cidr", Field(path), Literally("10.0.0.0/8")),
            ])  # fmt: skip
    return when(op, path)


def random_tree(rng: random.Random, depth: int):
    luck = rng.random()
    if depth == 0 or luck < 0.4:
        return random_test(rng)
    if luck < 0.7:
        return All(tuple(random_tree(rng, depth - 1) for _ in range(rng.randrange(4))))
    if luck < 0.85:
        return AnyOf(tuple(random_tree(rng, depth - 1) for _ in range(rng.randrange(4))))
    return Not(random_tree(rng, depth - 1))


def random_asked(rng: random.Random) -> Asked:
    luck = rng.random()
    sources = frozenset(rng.choices(["a", "ab", "nobody", "web-1"], k=2)) if luck < 0.2 else None
    if luck < 0.02:
        return Asked(None, sources)
    if luck < 0.5:
        return Asked(random_tree(rng, 3), sources)
    return Asked(All(tuple(random_test(rng) for _ in range(rng.randrange(1, 4)))), sources)


@pytest.mark.parametrize("seed", range(4))
def test_a_million_evaluations_agree_with_the_reference(seed):
    rng = random.Random(seed)
    agreed, held = 0, 0
    for rules in (20, 130, 800, 1600):
        asked = [random_asked(rng) for _ in range(rules)]
        events = [random_event(rng) for _ in range(100)]
        agreed += assert_agrees(asked, events)
        held += sum(len(expected(asked, event)) for event in events[:3])
    assert agreed == 255_000
    assert held > 0.1 * 3 * agreed / 100


def test_a_node_outlives_the_projection_that_it_was_made_under():
    rng = random.Random(9)
    asked = [random_asked(rng) for _ in range(300)]
    node = compile_node(asked)
    events = [random_event(rng) for _ in range(30)]
    named = projection_of(asked).names
    for more in ([], ["data"], ["data.x"], ["data.x.y.z", "other"], ["host.name", "tags.a.b", "value.x"]):
        views = Projection([*named, *more])
        for event in events:
            assert told(node, views.of(event)) == expected(asked, event)


def test_what_always_holds_and_what_never_does():
    asked = [Asked(None, None), Asked(All(()), None), Asked(AnyOf(()), None), Asked(Not(AnyOf(())), None)]
    assert_agrees(asked, [{}, {"value": 1}])
    assert_agrees(asked[:1], [{}])
    assert_agrees(asked[2:3] * 600, [{}])


def test_more_entries_than_one_function_takes():
    asked = asks(Not(when("==", "value", number % 100)) for number in range(1200))
    node = compile_node(asked)
    assert node.code.count("def match") >= 4
    assert_agrees(asked, [{"value": 5}, {"value": None}, {}], node=node)


def test_entries_that_cost_a_test_at_every_event_are_linear_where_there_are_many():
    plain = [Not(when("==", "value", number)) for number in range(MANY + 1)]
    indexed = [when(">", "value", number) for number in range(60)] + [when("==", "host", f"h{n}") for n in range(60)]
    assert compile_node(asks([*plain[1:], *indexed])).linear == ()
    assert compile_node(asks([*indexed, *plain])).linear == tuple(range(120, 120 + MANY + 1))


def test_a_pattern_that_requires_no_text_is_linear_even_alone():
    searched = when("matches", "host", "[0-9]{4}")
    asked = [
        when("matches", "host", "error [0-9]{4}"),
        searched,
        All((when(">", "value", 3), searched)),
        *(All((when("==", "host", f"h{number}"), searched)) for number in range(8)),
        when("matches", "host", "error", ignore_case=True),
    ]
    assert compile_node(asks(asked)).linear == (1, 2, 11)


def test_patterns_that_backtrack_for_ever_elsewhere_are_found_fast():
    evil = ["(a+)+$", "(a|aa)+$", "^(a|a?)+$", "(.*a){20}$", "^(([a-z])+.)+[A-Z]([a-z])+$"]
    asked = asks(when("matches", "host", pattern) for pattern in evil)
    node, view = compile_node(asked), projection_of(asked).of({"host": "a" * 5000 + "!"})
    started = time.process_time()
    assert told(node, view) == []
    assert time.process_time() - started < 2


def test_no_exception_leaves_a_node_for_values_that_break_arithmetic_and_texts():
    value, other = Field("value"), Field("other")
    tests = [Test(">", Arithmetic(sign, value, other), Literally(0)) for sign in "+-*/%"]
    for folds in (True, False):
        tests += [Test(op, value, other, folds) for op in ("contains", "starts_with", "ends_with")]
        tests += [when("matches", "value", pattern, ignore_case=folds) for pattern in ("a", "^ab", "ab")]
    tests += [when("cidr", "value", "10.0.0.0/8"), Test("==", Call("lower", value), Literally("a"))]
    asked = asks(tests)
    node, decode = compile_node(asked), projection_of(asked).of
    hostile = [0, -0.0, 10**400, -(10**4000), 1e308, 5e-324, True, None, [[]], {}]
    hostile += ["\ud800", "ab\udfff", "10.0.0.1/8", "1" * 5000]
    for one in hostile:
        for two in hostile:
            event = {"value": one, "other": two}
            assert told(node, decode(event)) == expected(asked, event)
