"""What a firing costs: a rule that fires for each event, less the same rule where it never does."""

from collections.abc import Iterator

from cepd.engine.program import compile_program
from cepd.model.duration import HOUR
from cepd.model.rule import Rule, Suppress
from tests.bench.events import metric_clock, metrics
from tests.bench.feeding import fed, rows_of
from tests.bench.measuring import Size, costs, decode_only
from tests.bench.table import Row, added
from tests.support.rows import rule

UNBOUNDED = 10**9

FORMS: dict[str, dict[str, object]] = {
    "alone": {"max_alerts": UNBOUNDED},
    "by host": {"max_alerts": UNBOUNDED, "group_by": ("host",)},
    "by host, suppress 1h": {"max_alerts": UNBOUNDED, "group_by": ("host",), "suppress": Suppress(HOUR)},
    "in a storm": {"max_alerts": 1},
}


def rows(size: Size) -> Iterator[Row]:
    lines = metrics(size.few)
    clocked = rows_of(lines, metric_clock)
    for name, parts in FORMS.items():
        bound, never, always = costs(
            decode_only(lines),
            fed(compile_program([if_above(1000, parts)]), clocked, len(lines), 0),
            fed(compile_program([if_above(-1, parts)]), clocked, len(lines), len(lines)),
            rounds=size.rounds,
        )
        yield added(f"firing {name}", always - never, bound)


def if_above(least: int, parts: dict[str, object]) -> Rule:
    return rule("r", f"value > {least}", **parts)
