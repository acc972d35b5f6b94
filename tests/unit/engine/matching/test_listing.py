"""The lines that are said to stand for an entry are the ones that run when it holds."""

import random
import re
import sys
from collections.abc import Iterable
from types import FrameType

import msgspec

from cepd.engine.expressions import parse_expression
from cepd.engine.matching.listing import Listed, list_code
from cepd.engine.matching.node import Asked, Node, compile_node
from tests.support.matching import NOBODY, asks, expected, projection_of

WHENS = [
    *(f'host == "web-{number % 9}" and cpu.load > {number % 7}' for number in range(30)),
    *(f'host in {[f"web-{each}" for each in range(number, number + 6)]} and ok == true'.replace("'", '"')
      for number in range(3)),
    *(f'contains(message, "error {number}")' for number in range(9)),
    *(f'contains(message, "error {number}") and cpu.load > 1' for number in range(9)),
    'matches(message, "fail[0-9]+") and mem < 100',
    'contains(message, "ERROR", ignore_case=true)',
    'not (host == "web-1") and cpu.load > 5',
    "cpu.load * 2 > mem",
    *(f"mem > {number}" for number in range(20)),
    *(f"mem > {number % 10} and ok == true" for number in range(30)),
    *(f"free >= {number % 8} and free * 2 > mem" for number in range(300)),
    "exists(host)",
]  # fmt: skip


def events() -> Iterable[dict]:
    rng = random.Random(4)
    for _ in range(120):
        message = f"{rng.choice(['', 'error ', 'fail'])}{rng.randrange(9)}"
        yield {
            "host": f"web-{rng.randrange(9)}",
            "cpu": {"load": rng.randrange(9)},
            "message": rng.choice([message, [message]]),
            "mem": rng.randrange(25),
            "free": rng.randrange(25),
            "ok": rng.random() < 0.5,
        }


def running(node: Node, view: object) -> dict[int, list[tuple[str, int]]]:
    """For each place that holds the lines that were running, as (source, line from 0), outermost first."""
    sources = {id(written.call.__code__): written.source for written in node.functions}
    seen: dict[int, list[tuple[str, int]]] = {}

    def extend(places: Iterable[int]) -> None:
        stack: list[tuple[str, int]] = []
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if id(frame.f_code) in sources:
                stack.insert(0, (sources[id(frame.f_code)], frame.f_lineno - 1))
            frame = frame.f_back
        seen.update(dict.fromkeys(places, stack))

    def add(place: int) -> None:
        extend([place])

    node.match(view, add, extend, NOBODY)
    return seen


def listed(when: str, *others: str) -> list[Listed]:
    return list_code(compile_node(asks(map(parse_expression, (when, *others)))), 0, "mine")


def test_every_line_that_runs_for_an_entry_is_one_of_its_own() -> None:
    asked = [*asks(map(parse_expression, WHENS)), Asked(None, None), Asked(None, frozenset({NOBODY}))]
    node, views = compile_node(asked), projection_of(asked)
    listings = {place: list_code(node, place, "mine") for place in range(len(asked))}
    owned = {
        place: {("\n".join(one.lines) + "\n", line) for one in found for line in one.own}
        for place, found in listings.items()
    }
    held: set[int] = set()
    for event in events():
        lines = running(node, views.of(msgspec.json.decode(msgspec.json.encode(event))))
        assert sorted(lines) == expected(asked, event)
        for place, stack in lines.items():
            assert stack
            assert set(stack) <= owned[place], (place, stack)
        held |= lines.keys()
    assert held == set(range(len(asked)))


def test_what_is_shown_is_little_and_every_name_in_it_is_told() -> None:
    asked = asks(map(parse_expression, WHENS))
    node = compile_node(asked)
    for place in range(len(asked)):
        for one in list_code(node, place, "mine"):
            shown = [one.lines[index] for index in (*one.own, *one.used)]
            assert len(shown) < 40
            assert {*re.findall(r"\bK\d+\b", " ".join(shown))} <= one.names.keys()
            assert not any(" at 0x" in meaning for meaning in one.names.values())
            assert "tells mine" in str([found.names for found in list_code(node, place, "mine")])


def test_constants_are_told_as_they_stand_in_the_rule() -> None:
    (one,) = listed('host == "web" and lower(team) == "ops" and cidr(ip, "10.0.0.0/8") and cpu > limit', "cpu > 3")
    assert {
        "'web'",
        'says whether lower(team) == "ops"',
        'says whether cidr(ip, "10.0.0.0/8")',
        "says whether cpu > limit",
    } <= set(one.names.values())
    assert "3" not in one.names.values(), "what another rule compares with is not shown"


def test_the_way_through_an_index_is_told() -> None:
    first, second = listed('host == "h0" and cpu > 5', *(f'host == "h{number}" and cpu > 5' for number in range(1, 9)))
    assert (first.number, first.names["K0"]) == (1, "a table of 9: 'h0' function 2")
    assert [second.lines[index].strip() for index in second.own][-1].startswith("add(")
    (search,) = listed('contains(m, "e0")', *(f'contains(m, "e{number}")' for number in range(1, 9)))
    assert "a search for 9 texts at once: 'e0' tells mine" in search.names.values()
