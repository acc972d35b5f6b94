"""Long work in steps: what comes of it, and that the loop has its turn in between."""

import asyncio

import pytest

from cepd.engine.stepping import Steps, finished
from cepd.runtime import turns
from cepd.runtime.turns import in_turns


def counting(steps: int) -> Steps[int]:
    for _ in range(steps):
        yield
    return steps


def test_what_comes_of_it_is_what_it_returns() -> None:
    assert finished(counting(3)) == 3
    assert finished(counting(0)) == 0
    assert asyncio.run(in_turns(counting(3))) == 3


@pytest.mark.parametrize(("each", "others"), [(0.001, 1), (0.003, 5), (1.0, 10)])
def test_the_loop_has_its_turn_once_the_steps_took_long_enough(
    each: float, others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten steps: of one millisecond the loop comes after the sixth, of three after every second one."""
    now = 0.0

    def steps() -> Steps[None]:
        nonlocal now
        for _ in range(10):
            now += each
            yield

    async def scenario() -> int:
        had = 0

        async def other() -> None:
            nonlocal had
            while True:
                had += 1
                await asyncio.sleep(0)

        task = asyncio.ensure_future(other())
        await in_turns(steps())
        task.cancel()
        return had

    monkeypatch.setattr(turns, "perf_counter", lambda: now)
    assert asyncio.run(scenario()) == others


def test_a_failure_is_the_caller_s() -> None:
    def failing() -> Steps[None]:
        yield
        raise ArithmeticError("by the test")

    with pytest.raises(ArithmeticError):
        asyncio.run(in_turns(failing()))
