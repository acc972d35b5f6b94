"""Required texts: a text that a pattern matches holds them, whatever the pattern."""

import random

import pytest
import re2

from cepd.engine.matching.patterns import required_text, required_texts
from tests.support.matching import when

PIECES = [
    "ab",
    "c",
    "é",
    "a b",
    r"\.",
    r"\(",
    ".",
    "^",
    "$",
    "a*",
    "b?",
    "c+",
    "d{2}",
    "e{0,3}",
    "f{2,}",
    "x*?",
    "y+?",
    "[ab]",
    "[^ab]",
    r"[a\]]",
    r"[\w-]",
    "[a-c]+",
    r"\d",
    r"\bq",
    "(g|h)",
    "(?:ij)?",
    "(kl)+",
    "(m(n)o)*",
    "(?P<name>pq)",
    "(?i:r)",
    "(?s:.)",
    "|",
    r"\x41",
    r"\Qa.b\E",
    r"\pL",
    "[[:alpha:]]",
    "{",
    "}",
    "{x",
    r"\n",
    r"\_",
    "#",
    " ",
]
LETTERS = "abcdefghijklmnopqrxyzé.( _#{}A\n-]"


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("connection refused", "connection refused"),
        ("^error: .* failed$", "error: "),
        (r"took \d+ms after retry", "ms after retry"),
        (r"a\.b\.c", "a.b.c"),
        ("disks?", "disk"),
        ("disk+full", "disk"),
        ("ab{2}cd", "cd"),
        ("needle-[0-9]+ ", "needle-"),
        (r"code (\d+|x) in module", " in module"),
        ("(?P<who>[a-z]+) was here", " was here"),
        ("((a|b)(c))longest", "longest"),
        ("é ü", "é ü"),
    ],
)
def test_the_longest_text_that_every_match_holds(pattern, text):
    assert required_text(pattern) == text


@pytest.mark.parametrize(
    "pattern",
    [
        "error|fail",
        "(?i)error",
        "a",
        ".*",
        r"\d+",
        "(error)",
        "(?i:error) x",
        r"\Qab.\E",
        r"\x41bc",
        r"\p{L}bc",
        "[[:alpha:]]bc",
        "a*b?",
        "[error",
        "ab{x",
        "",
        "[]abc]",
        r"error\Z",
    ],
)
def test_patterns_of_which_nothing_is_known(pattern):
    assert required_text(pattern) is None


def test_of_several_patterns_every_one_has_to_require_something():
    assert required_texts(when("matches", "a", ["error", "fail.*ed", "error"])) == ("error", "fail")
    assert required_texts(when("matches", "a", ["error", r"\d"])) is None
    assert required_texts(when("matches", "a", "error", ignore_case=True)) is None


def test_what_a_random_pattern_matches_holds_its_required_text():
    rng = random.Random(7)
    options = re2.Options()
    options.log_errors = False
    matched = 0
    for _ in range(6000):
        pattern = "".join(rng.choices(PIECES, k=rng.randrange(1, 6)))
        text = required_text(pattern)
        if text is None:
            continue
        try:
            compiled = re2.compile(pattern, options)
        except re2.error:
            continue
        shuffled = "".join(rng.choices(LETTERS, k=8))
        for candidate in (
            shuffled,
            text,
            text[:-1],
            text[1:],
            shuffled[:3] + text + shuffled[3:],
            pattern,
            pattern.replace("?", ""),
            pattern.replace("\\", ""),
            text.replace("d", "dd"),
            "".join(rng.sample(text, len(text))),
        ):
            if compiled.search(candidate) is not None:
                matched += 1
                assert text in candidate, (pattern, text, candidate)
    assert matched > 1000
