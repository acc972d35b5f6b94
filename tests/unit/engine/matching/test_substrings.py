"""Texts looked for in one pass: overlaps, lists, doubles, halves of surrogate pairs, texts by the thousand."""

import random

import pytest

from cepd.engine.matching import substrings
from cepd.engine.matching.memo import REST, TRIAL
from cepd.engine.matching.node import compile_node
from cepd.engine.projection import Projection
from cepd.model.condition import All, AnyOf
from tests.support.matching import asks, assert_agrees, expected, told, when

WORDS = ["a", "aa", "aaa", "ab", "b", "ba", "abab", "ä", "x\x00y", "İ", "a b", "{0}", "\ud7ff", "\U0001f600"]
TEXTS = ["", "a", "aaaa", "ababab", "xabx", "b", "ä", "x\x00y", "\x00", "i̇İ", "a {0} b", "😀a", "zzz", "AB", "a" * 300]
EVENTS = [
    {},
    *({"msg": text, "value": number} for number, text in enumerate(TEXTS)),
    *(
        {"msg": value, "value": 3}
        for value in [None, True, 5, 5.5, {}, {"a": 1}, [], ["a"], ["ab", "a", "a"], [1, None]]
    ),
    *({"msg": value, "value": 3} for value in [["aaaa"], [["a"]], ["ä", {"a": 1}, "aaa", True], list(WORDS)]),
]


def is_searched(asked) -> bool:
    return "h_" in compile_node(asked).code


def words(count: int):
    return [when("contains", "msg", WORDS[number]) for number in range(count)]


def test_one_pass_is_made_from_eight_entries_on():
    assert substrings.FEWEST == 8
    for count in (7, 8, len(WORDS)):
        asked = asks(words(count))
        assert ("found[1]" in compile_node(asked).code) == (count >= 8)
        assert_agrees(asked, EVENTS)


def test_doubles_and_entries_that_want_one_of_several_are_told_once():
    asked = asks(
        [
            *words(8),
            *words(8),
            when("contains", "msg", ["a", "aa", "ab", "a"]),
            AnyOf((when("contains", "msg", "b"), when("contains", "msg", ["ba", "ä"]))),
            All((when("contains", "msg", ["a", "aa", "ab"]), when(">", "value", 2))),
            All((when("contains", "msg", "aa"), when(">", "value", 2), when("contains", "msg", "aaa"))),
        ]
    )
    node = compile_node(asked)
    assert "found[1]" in node.code
    assert_agrees(asked, EVENTS * 2, node=node)


@pytest.mark.parametrize("op", ["starts_with", "ends_with", "matches"])
def test_what_requires_a_text_is_suspected_by_it_and_tested(op):
    wanted = ["aa", "ab", "ba", "abab", "aaa", "a b", "zz", "bab"]
    asked = asks(All((when(op, "msg", [text, "ab"]), when("<", "value", 40))) for text in wanted)
    asked += asks(when(op, "msg", "ab" if number % 2 else "aaa") for number in range(20))
    node = compile_node(asked)
    assert node.linear == ()
    assert node.code.count("found[1]") == 1
    assert_agrees(asked, EVENTS, node=node)


def test_other_forms_are_left_to_be_tested():
    asked = asks(when("contains", "msg", "Ab", ignore_case=True) for _ in range(9))
    asked += asks(when("contains", "msg", [5, "a"]) for _ in range(9))
    asked += asks(when("matches", "msg", "[ab]+$") for _ in range(9))
    assert "found[1]" not in compile_node(asked).code
    assert_agrees(asked, EVENTS)


def test_a_pattern_holds_for_no_half_of_a_surrogate_pair_and_a_text_beside_it_is_found():
    asked = asks(when(op, "msg", f"ab{number}") for number in range(8) for op in ("contains", "matches", "starts_with"))
    view = Projection(["msg"]).of({"msg": "ab1 ab2\ud800"})
    assert told(compile_node(asked), view) == [3, 5, 6]
    few = asks([when("matches", "msg", "ab1"), when("contains", "msg", "ab1"), when("matches", "msg", "[0-9]")])
    assert told(compile_node(few), view) == [1]


def test_answers_from_the_memo_are_those_of_the_pass():
    asked = asks([*words(10), All((when("contains", "msg", "ab"), when(">", "value", 0.5)))])
    node = compile_node(asked)
    decode = Projection(["msg", "value"]).of
    rng = random.Random(3)
    for round_of in ("repeats", "never again", "repeats"):
        for number in range(TRIAL + 300 if round_of == "repeats" else REST + TRIAL):
            if round_of == "repeats":
                event = {"msg": rng.choice(TEXTS), "value": rng.random()}
            else:
                event = {"msg": f"{rng.choice(TEXTS)} {number}", "value": rng.random()}
            found = told(node, decode(event))
            if number % 50 == 0:
                assert found == expected(asked, event)


def test_ten_thousand_texts_agree():
    rng = random.Random(4)
    asked = asks(when("contains", "msg", "".join(rng.choices("ab", k=rng.randrange(1, 14)))) for _ in range(10_000))
    events = [{"msg": "".join(rng.choices("abc", weights=[9, 9, 1], k=60))} for _ in range(12)]
    assert_agrees(asked, events)
