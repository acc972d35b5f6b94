"""Raw bytes to matches: rules that remember nothing, in six mixes."""

from collections.abc import Iterator, Sequence

import msgspec

from cepd.engine.program import Program, compile_program
from cepd.engine.reference import evaluate
from cepd.model.rule import Rule
from tests.bench.events import metrics
from tests.bench.measuring import BODY, Load, Size, bodies, costs, decode_only
from tests.bench.mixes import MIXES, Mix
from tests.bench.table import Row, share
from tests.bench.targets import STATELESS

COUNTS = (10, 100, 1_000, 10_000)
MOST_TESTS = 5_000_000
"""Of rules that are tested one by one, in a round."""
CHECKED = 20_000
"""Tests of rules by the reference, about."""
MOST_LINES = 100


def rows(size: Size) -> Iterator[Row]:
    for mix in MIXES:
        yield from of_mix(mix, size)


def of_mix(mix: Mix, size: Size) -> Iterator[Row]:
    lines = metrics(size.few, mix.types)
    counts = size.counts(*COUNTS)
    loads = []
    for count in counts:
        rules = mix.rules(count)
        program = compile_program(rules)
        check(program, rules, lines)
        loads.append(matching(program, lines if mix.indexable else lines[: max(BODY, MOST_TESTS // count)]))
    bound, *found = costs(decode_only(lines), *loads, rounds=size.rounds)
    for count, cost in zip(counts, found, strict=True):
        promise = STATELESS.get(count) if mix.indexable else None
        yield share(f"stateless {mix.name} ({mix.about}), {count:,} rules", cost, bound, promise)


def matching(program: Program, lines: Sequence[bytes]) -> Load:
    """All matches of the lines, in bodies."""
    texts = bodies(lines)

    def run() -> None:
        for text in texts:
            program.matches(text)

    return Load(len(lines), lambda: run)


def check(program: Program, rules: Sequence[Rule], lines: Sequence[bytes]) -> None:
    """AssertionError where the reference says otherwise, of the first lines and of some that match."""
    first = min(max(1, CHECKED // len(rules)), MOST_LINES)
    hit = [line for line, _ in program.matches(b"\n".join(lines))][:first]
    for line in (*lines[:first], *(lines[place] for place in hit)):
        found = dict(program.matches(line)).get(0, [])
        assert found == _expected(rules, line), (found, line)


def _expected(rules: Sequence[Rule], line: bytes) -> list[int]:
    fields = msgspec.json.decode(line)
    return [
        place
        for place, rule in enumerate(rules)
        if (rule.trigger.event_type is None or fields["type"] in rule.trigger.event_type)
        and evaluate(rule.when, fields)
    ]
