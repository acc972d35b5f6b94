import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cepd.intake.limits import Limits
from cepd.intake.lines import all_within, depth_of, emptied_below, excess_of, mended, reason_against

LIMITS = Limits()


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\\ud83d\\ude00", "b": "\xf0\x9f\x98\x80"}',
        b'{"a": "' + b"[" * 500 + b'\\"{{{"}',
        b'{"a": [' + b"{}," * 5000 + b"{}]}",
        b'{"id": 1, "id": "twice"}',
    ],
)
def test_accepted(line: bytes) -> None:
    assert reason_against(line, LIMITS) is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"null", "not an object but null"),
        (b"true", "not an object but true or false"),
        (b'"text"', "not an object but text"),
        (b"1.5", "not an object but a number"),
        (b"[{}]", "not an object but an array"),
        (b'{"a": NaN}', "not JSON: invalid character (byte 6)"),
        (b'{"a": -Infinity}', "not JSON: invalid character (byte 7)"),
        (b'{"a": 01}', "not JSON: invalid number (byte 7)"),
        (b'{"a": 1} {"b": 2}', "not JSON: trailing characters (byte 10)"),
        (b'{"a": 1,}', "not JSON: trailing comma in object (byte 8)"),
        (b'{"a": ', "not JSON: it ends early"),
        (b"{'a': 1}", "not JSON: object keys must be strings (byte 1)"),
        (b'{"a": "\x01"}', "not JSON: invalid character (byte 7)"),
        (b'{"a": "\\u12"}', "not JSON: invalid character in unicode escape (byte 12)"),
        (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", "nested deeper than 64"),
        (b"[" * 100_000, "nested deeper than 64"),
    ],
)
def test_rejected_with_the_reason(line: bytes, reason: str) -> None:
    assert reason_against(line, LIMITS) == reason


def test_the_length_counts_to_the_byte() -> None:
    line = b'{"a": "' + b"x" * (LIMITS.line - 9) + b'"}'
    assert len(line) == LIMITS.line
    assert reason_against(line, LIMITS) is None
    assert reason_against(line + b" ", LIMITS) == "longer than 1048576 bytes"


def plain_depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(plain_depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(plain_depth, value), default=0)
    return 0


TEXTS = st.text(alphabet='"\\[]{}a\n', max_size=5)
VALUES = st.recursive(
    st.one_of(st.integers(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=20,
)


@given(VALUES, st.integers(0, 4))
def test_depth_and_emptying_agree_with_a_walk_of_the_decoded_value(value: Any, depth: int) -> None:
    text = json.dumps(value).encode()
    deep = plain_depth(value)
    assert depth_of(text) == deep
    left = emptied_below(text, depth)
    assert plain_depth(json.loads(left)) == min(deep, depth + 1)
    if deep <= depth:
        assert left == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rb'{"a": "cut \ud83d"}', rb'{"a": "cut \ufffd"}'),
        (rb'{"a": "\uDE00 low alone"}', rb'{"a": "\ufffd low alone"}'),
        (rb'{"a": "\ud83d\ud83d\ude00"}', rb'{"a": "\ufffd\ud83d\ude00"}'),
        (rb'{"\uD800": "\ud83d\u0041"}', rb'{"\ufffd": "\ufffd\u0041"}'),
        (rb'{"a": "\\ud83d is a backslash and letters"}', rb'{"a": "\\ud83d is a backslash and letters"}'),
        (rb'{"a": "\\\ud83d"}', rb'{"a": "\\\ufffd"}'),
        (rb'{"a": "\ud83"}', rb'{"a": "\ud83"}'),
        (rb'{"a": "\uabcd"}', rb'{"a": "\uabcd"}'),
    ],
)
def test_half_a_surrogate_pair_becomes_the_replacement_character(text: bytes, expected: bytes) -> None:
    assert mended(text) == expected


@given(st.text(st.characters(codec=None), max_size=20))
def test_whatever_text_json_writes_is_accepted(text: str) -> None:
    line = mended(json.dumps({"text": text}).encode())
    assert reason_against(line, LIMITS) is None
    assert msgspec.json.decode(line)["text"] == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def lines_of(count: int, depth: int) -> st.SearchStrategy[list[bytes]]:
    """Lines that open up to `depth` brackets one inside another, with anything up to a window's length before."""

    def line(many: int, blank: int, flat: int) -> bytes:
        return b'{"a":' + b" " * blank + b"[" * many + b"]" * many + b',"b":[' + b"{}," * flat + b"0]}"

    one = st.builds(line, st.integers(0, depth), st.sampled_from((0, 50, 1_000, 2_030, 5_000)), st.integers(0, 40))
    return st.lists(one, max_size=count)


@given(lines_of(6, 12))
def test_what_a_look_at_the_text_says_of_its_lines_is_what_each_line_says(lines: list[bytes]) -> None:
    for limits in (Limits(depth=10), Limits(depth=10, line=1_500), Limits()):
        singly = all(excess_of(line, limits) is None for line in lines)
        assert all_within(limits, lines, b"\n".join(lines)) == singly


def test_a_line_that_is_too_deep_by_one_is_found_wherever_it_stands_in_the_text() -> None:
    def deep(depth: int) -> bytes:
        return b'{"a":' * depth + b"0" + b"}" * depth

    for before in range(0, 2_400, 7):
        lines = [b'{"x":"' + b"-" * before + b'"}', deep(64)]
        assert all_within(LIMITS, lines, b"\n".join(lines))
        lines[1] = deep(65)
        assert not all_within(LIMITS, lines, b"\n".join(lines))


def test_a_line_of_nothing_but_objects_that_is_as_short_as_it_can_be_may_be_too_deep() -> None:
    for limit in (1, 2, 10, 64):
        limits, line = Limits(depth=limit), b"{}"
        for depth in range(1, limit + 3):
            assert all_within(limits, [line], line) == (depth <= limit) == (excess_of(line, limits) is None)
            line = b'{"":' + line + b"}"
