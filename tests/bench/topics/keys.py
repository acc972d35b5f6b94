"""The first event of each of very many keys: one average, by host, within one window; then the window closes."""

from collections.abc import Callable, Iterator, Sequence

from cepd.engine.engine import Engine
from cepd.engine.expressions import parse_expression
from cepd.engine.program import Program, compile_program
from cepd.engine.rows import Lines
from cepd.model.duration import HOUR, SECOND
from cepd.model.instant import Instant
from cepd.model.rule import Aggregate, EventTrigger, Rule, Window
from tests.bench.events import BEGIN, line_of
from tests.bench.feeding import fed, feed, rows_of
from tests.bench.measuring import Load, Size, costs, decode_only
from tests.bench.table import DECODE_ONLY, Row, added, multiple
from tests.bench.targets import COLD_KEYS
from tests.support.rows import rule

ROUNDS = 1
"""At most: a million keys take their time."""
HIGH = 99.9


def rows(size: Size) -> Iterator[Row]:
    keys = size.keys
    lines = [line_of(fields) for fields in one_each(keys)]
    clocked = rows_of(lines, lambda number: second(number, keys) * SECOND)
    expected = sum(cpu_of(number) > HIGH for number in range(keys))
    bound, without, cost, closed = costs(
        decode_only(lines),
        left_open(compile_program([]), clocked, keys),
        left_open(compile_program([average(keys)]), clocked, keys),
        fed(compile_program([average(keys)]), clocked, keys, expected),
        rounds=min(size.rounds, ROUNDS),
    )
    yield added(f"keys, the first event of each of {keys:,}", cost - without, bound, COLD_KEYS)
    yield multiple(f"keys, closing their window, a key of {keys:,}", closed - cost, bound, DECODE_ONLY)


def average(keys: int) -> Rule:
    return rule(
        trigger=EventTrigger(("host.cpu",)),
        group_by=("host",),
        window=Window("tumbling", size=HOUR),
        aggregate={"mean": Aggregate("avg", "cpu")},
        having=parse_expression(f"mean > {HIGH}"),
        max_keys=keys,
    )


def left_open(program: Program, clocked: Sequence[Lines], count: int) -> Load:
    def prepare() -> Callable[[], None]:
        engine = Engine(program)
        return lambda: feed(engine, clocked)

    return Load(count, prepare)


def one_each(keys: int) -> Iterator[dict[str, object]]:
    """Within a thousand seconds of one hour."""
    for number in range(keys):
        host = f"host-{number:07d}"
        yield {
            "id": f"{number:08x}",
            "type": "host.cpu",
            "source": host,
            "host": host,
            "severity": "info",
            "service": "svc-search",
            "region": "eu-west-1",
            "ts": second(number, keys),
            "cpu": cpu_of(number),
            "mem": 48.2,
            "disk": 71.9,
            "latency_ms": 112.5,
            "errors": number % 1000,
        }


def second(number: int, keys: int) -> Instant:
    return BEGIN + 1_000 * number // keys


def cpu_of(number: int) -> float:
    return number * 7_919 % 10_007 / 100
