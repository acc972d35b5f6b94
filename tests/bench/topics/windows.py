"""Rules that differ in their thresholds alone and share their windows, against one such rule."""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from cepd.engine.expressions import parse_expression
from cepd.engine.program import Program, compile_program
from cepd.model.duration import MINUTE
from cepd.model.rule import Aggregate, EventTrigger, Window
from tests.bench import plain
from tests.bench.events import KINDS, host_clock, host_lines
from tests.bench.feeding import fed, rows_of
from tests.bench.measuring import Size, costs, decode_only
from tests.bench.table import Row, multiple, share
from tests.bench.targets import SHARED_WINDOWS
from tests.support.rows import rule

ROUNDS = 3
"""At most: each takes seconds."""
LEAST, STEP = 97.503, 0.02
"""Thresholds begin there; no average that the events can have lies on one."""


def rows(size: Size) -> Iterator[Row]:
    lines = host_lines(size.events // 2)
    clocked = rows_of(lines, host_clock)
    many = [LEAST + place * STEP for place in range(min(100, size.rules))]
    for emit, loop in (("close", plain.at_the_end), ("eager", plain.at_once)):
        loads = [
            fed(program_of(emit, found), clocked, len(lines), loop(map(msgspec.json.decode, lines), found))
            for found in (many[:1], many)
        ]
        bound, one, all_of_them = costs(decode_only(lines), *loads, rounds=min(size.rounds, ROUNDS))
        what = f"windows {emit}, {{}} a type"
        yield share(what.format("1 rule"), one, bound)
        yield share(what.format(f"{len(many)} rules"), all_of_them, bound)
        yield multiple(what.format(f"{len(many)} rules"), all_of_them, one, "one rule", SHARED_WINDOWS)


def program_of(emit: Literal["close", "eager"], thresholds: Sequence[float]) -> Program:
    return compile_program(
        [
            rule(
                f"{kind}-{place}",
                trigger=EventTrigger((kind,)),
                group_by=("host",),
                window=Window("tumbling", size=MINUTE, emit=emit),
                aggregate={"mean": Aggregate("avg", "cpu")},
                having=parse_expression(f"mean > {threshold:.3f}"),
            )
            for kind in KINDS
            for place, threshold in enumerate(thresholds)
        ]
    )
