"""Ten thousand rules that ask about one field, against few; hardly an event meets any."""

import random
from collections.abc import Callable, Iterator, Sequence

import msgspec

from cepd.cli.console import counted
from cepd.engine.program import compile_program
from cepd.model.rule import Rule
from tests.bench.events import line_of, metrics
from tests.bench.measuring import Size, costs, decode_only
from tests.bench.mixes import by_text, typed
from tests.bench.table import Row, multiple, share
from tests.bench.targets import CONTAINS, THRESHOLDS, AtMost
from tests.bench.topics.stateless import check, matching

LENGTH = 95
"""Characters of a text; no two are the same, so that none is remembered."""


def rows(size: Size) -> Iterator[Row]:
    yield from compared("threshold", hardly_ever, 10, metrics(size.few, types=1), size, THRESHOLDS)
    yield from compared("text", by_text, 1, with_texts(metrics(size.few)), size, CONTAINS)


def compared(
    what: str,
    make: Callable[[int, random.Random], Rule],
    few: int,
    lines: Sequence[bytes],
    size: Size,
    promise: AtMost,
) -> Iterator[Row]:
    loads = []
    for count in (few, size.rules):
        dice = random.Random(5)
        rules = [make(number, dice) for number in range(count)]
        program = compile_program(rules)
        check(program, rules, lines)
        loads.append(matching(program, lines))
    bound, least, most = costs(decode_only(lines), *loads, rounds=size.rounds)
    yield share(f"indexes, {counted(few, what)} on one field", least, bound)
    many = f"indexes, {counted(size.rules, what)} on one field"
    yield share(many, most, bound)
    yield multiple(many, most, least, counted(few, what), promise)


def hardly_ever(number: int, dice: random.Random) -> Rule:
    """What is measured is the search: each match that is listed costs besides, see M3 of `stateless`."""
    return typed(number, f"value > {round(dice.uniform(99.99, 100), 8)}", types=1)


def with_texts(lines: Sequence[bytes]) -> list[bytes]:
    dice = random.Random(3)
    words = ("request", "timeout", "error", "code", "upstream", "refused", "tenant", "disk", "retry", "queue")
    found = []
    for number, line in enumerate(lines):
        fields = msgspec.json.decode(line)
        text = f"{number} " + " ".join(dice.choice(words) for _ in range(LENGTH // 4))
        fields["data"]["msg"] = text[:LENGTH]
        found.append(line_of(fields))
    return found
