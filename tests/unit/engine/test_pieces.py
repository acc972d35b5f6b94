"""State in pieces: the very bytes that one call gives, and no piece much longer than another."""

from array import array
from typing import Any

import msgspec
import pytest

from cepd.engine.arrays import enc_hook
from cepd.engine.pieces import PIECE, of_items, of_members, pieces_of
from cepd.engine.runs import Seen


class Inner(msgspec.Struct):
    texts: list[str]
    numbers: Any
    buffer: bytearray


class Outer(msgspec.Struct):
    panes: dict[int, Inner]
    both: tuple[Inner, Inner]
    entries: dict[str, dict[str, int]]
    nothing: None = None


def inner(size: int) -> Inner:
    texts = [f'k"é\n{number}' * (1 + number % 40) for number in range(size)]
    return Inner(texts, array("d", map(float, range(size))), bytearray(range(256)) * size)


def outer(size: int) -> Outer:
    panes = {-5: inner(size), 0: inner(0), 7: inner(1)}
    return Outer(panes, (inner(size), inner(2)), {f"[{place}]": {"a": place} for place in range(size)})


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1_000, 30_001])
@pytest.mark.parametrize("large", [None, Inner])
def test_joined_they_are_what_one_call_gives(size: int, large: type | None) -> None:
    value = outer(size)
    assert b"".join(pieces_of(value, large)) == msgspec.json.encode(value, enc_hook=enc_hook)


@pytest.mark.parametrize(
    "value", [None, 1, "é", [], {}, (), {"a": None}, {1: 2}, [Seen(1, "a", "b")], Seen(1, "a", "b"), array("q")]
)
def test_of_values_of_every_kind(value: Any) -> None:
    assert b"".join(pieces_of(value, dict)) == msgspec.json.encode(value, enc_hook=enc_hook)


@pytest.mark.parametrize("typecode", ["q", "Q", "d"])
@pytest.mark.parametrize("count", [3_071, 3_072, 3_073, 3_074, 6_144, 100_000])
def test_of_long_arrays(typecode: str, count: int) -> None:
    value = array(typecode, map(int, range(count)))
    assert b"".join(pieces_of(value)) == msgspec.json.encode(value, enc_hook=enc_hook)


def test_of_items_and_members() -> None:
    assert b"".join(of_items((str(number), number) for number in range(40))) == msgspec.json.encode(
        {str(number): number for number in range(40)}
    )
    assert b"".join(of_members([('a"', [b"1"]), (2, [b"[", b"]"])])) == b'{"a\\"":1,"2":[]}'


def test_no_piece_is_long() -> None:
    assert max(map(len, pieces_of(outer(30_001), Inner))) < 5 * PIECE


def test_a_piece_is_made_when_it_is_asked_for() -> None:
    asked = []

    def items() -> Any:
        for number in range(10_000):
            asked.append(number)
            yield str(number), number

    pieces = of_items(items())
    next(pieces)
    next(pieces)
    assert len(asked) < 100
    assert len(list(pieces)) > 3
