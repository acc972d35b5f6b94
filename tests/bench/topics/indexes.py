"""Ten thousand rules that ask about one field, against few."""

import random
from collections.abc import Iterator

import msgspec

from cepd.engine.program import compile_program
from tests.bench.events import line_of, metrics
from tests.bench.measuring import Size, costs, decode_only
from tests.bench.mixes import by_text, by_threshold
from tests.bench.table import Row, multiple, share
from tests.bench.targets import CONTAINS, THRESHOLDS
from tests.bench.topics.stateless import check, matching

LENGTH = 95
"""Characters of a text; no two are the same, so that none is remembered."""


def rows(size: Size) -> Iterator[Row]:
    yield from compared("thresholds", by_threshold, 10, metrics(size.few, types=1), size, THRESHOLDS)
    yield from compared("texts", by_text, 1, with_texts(metrics(size.few)), size, CONTAINS)


def compared(what, make, few, lines, size, promise) -> Iterator[Row]:
    loads = []
    for count in (few, size.rules):
        dice = random.Random(5)
        rules = [make(number, dice) for number in range(count)]
        program = compile_program(rules)
        check(program, rules, lines)
        loads.append(matching(program, lines))
    bound, least, most = costs(decode_only(lines), *loads, rounds=size.rounds)
    yield share(f"indexes, {few:,} {what} on one field", least, bound)
    yield share(f"indexes, {size.rules:,} {what} on one field", most, bound)
    yield multiple(f"indexes, {size.rules:,} {what} on one field", most, least, f"{few:,} of them", promise)


def with_texts(lines: list[bytes]) -> list[bytes]:
    dice = random.Random(3)
    words = ("request", "timeout", "error", "code", "upstream", "refused", "tenant", "disk", "retry", "queue")
    found = []
    for number, line in enumerate(lines):
        fields = msgspec.json.decode(line)
        text = f"{number} " + " ".join(dice.choice(words) for _ in range(LENGTH // 4))
        fields["data"]["msg"] = text[:LENGTH]
        found.append(line_of(fields))
    return found
