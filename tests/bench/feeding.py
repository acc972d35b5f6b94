"""An engine that is fed bodies of events, as the daemon feeds it."""

from collections.abc import Callable, Sequence

from cepd.engine.engine import Engine
from cepd.engine.program import Program
from cepd.engine.rows import Lines
from cepd.model.instant import Instant
from tests.bench.measuring import BODY, Load, bodies, drop


def rows_of(lines: Sequence[bytes], clock: Callable[[int], Instant]) -> list[Lines]:
    """One row a body. `clock`: the time of the event of a number, from 0; a body comes when its last event happens."""
    return [
        Lines(clock(min((place + 1) * BODY, len(lines)) - 1), "http", body, "bench", "j", place * BODY + 1)
        for place, body in enumerate(bodies(lines))
    ]


def fired(engine: Engine) -> int:
    """Firings of kind fired, before any folding."""
    assert not any(rule.errors for rule in engine.stats.rules.values()), engine.stats.rules
    return sum(rule.fired for rule in engine.stats.rules.values())


def feed(engine: Engine, rows: Sequence[Lines]) -> None:
    for row in rows:
        drop(engine.run(row))


def fed(program: Program, rows: Sequence[Lines], count: int, expected: int | None = None) -> Load:
    """A new engine each round, all windows closed at the end. AssertionError where it does not fire as expected."""

    def prepare() -> Callable[[], None]:
        engine = Engine(program)

        def run() -> None:
            feed(engine, rows)
            drop(engine.flush())
            assert expected is None or fired(engine) == expected, (fired(engine), expected)

        return run

    return Load(count, prepare)
