"""Sequences against brute force, and against themselves with restarts."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.model.rule import Rule
from tests.support.rows import S
from tests.support.sequence_loop import Heard, Plain, all_runs, one_run
from tests.support.sequences import numbers, sequence
from tests.support.unit_driver import Driver, at

Match = tuple[int, tuple[int, ...]]
BruteForce = Callable[[Plain, list[Heard], int], list[Match]]
Move = tuple[int, int, str, bool]

MOVES = st.lists(
    st.tuples(st.integers(-9, 2), st.integers(0, 4), st.sampled_from("AABBC"), st.booleans()), min_size=15, max_size=30
)
PATTERNS = [
    Plain((("A", 1), ("B", 1)), 6, True),
    Plain((("A", 2), ("B", 1)), 9, True),
    Plain((("A", 1), ("B", 2), ("*", 1)), 9, True),
    Plain((("A", 1), ("A", 1), ("B", 1)), 9, True, guard=(2, "C")),
    Plain((("A", 2), ("B", 1)), 9, True, guard=(1, "C"), absent="A"),
    Plain((("A", 1),), 6, True, absent="B"),
    Plain((("A", 1), ("B", 1)), 6, False),
    Plain((("A", 1), ("*", 2)), 9, False),
    Plain((("A", 2), ("B", 1)), 9, False, absent="C"),
]


def written(pattern: Plain, runs: str) -> Rule:
    steps = [f"{'any' if wanted == '*' else wanted}*{count}" for wanted, count in pattern.steps]
    if pattern.guard is not None:
        steps.insert(pattern.guard[0], f"not {pattern.guard[1]}")
    if pattern.absent is not None:
        steps.append(f"absent {pattern.absent}")
    order = "strict" if pattern.strict else "any"
    return sequence(*steps, within=pattern.within, order=order, runs=runs, max_runs=1000)


def play(rule: Rule, moves: Sequence[Move], *, restarts: bool) -> tuple[list[Heard], list[Match]]:
    """What was heard, and (number of the completing event or 0, numbers) of what matched, in order."""
    driver, clock, heard, found = Driver(rule), 0, [], []
    for number, (offset, gap, event_type, restart) in enumerate(moves, 1):
        time, mark = max(0, clock + offset), (driver.mark - at(0)) // S
        heard.append(Heard(number, time, event_type, mark))
        found += [(number, match) for match in numbers(driver.hear(time, event_type))]
        if restart and restarts:
            driver.restart()
        clock += gap
        found += [(0, match) for match in numbers(driver.passes(clock - 3))]
    found += [(0, match) for match in numbers(driver.passes(10**5))]
    assert driver.unit.status().keys == 0
    return heard, found


@pytest.mark.parametrize(("runs", "brute_force"), [("one", one_run), ("all", all_runs)])
def test_against_brute_force(runs: str, brute_force: BruteForce) -> None:
    matches = [0] * len(PATTERNS)

    @settings(max_examples=600, deadline=None, derandomize=True, database=None)
    @given(st.sampled_from(range(len(PATTERNS))), MOVES)
    def compare(place: int, moves: list[Move]) -> None:
        heard, found = play(written(PATTERNS[place], runs), moves, restarts=True)
        expected = brute_force(PATTERNS[place], heard, 10**5)
        assert [one for one in found if one[0]] == [one for one in expected if one[0]]
        assert [one for one in found if not one[0]] == [one for one in expected if not one[0]]
        matches[place] += len(found)

    compare()
    assert min(matches) >= 10
    assert sum(matches) > 800


@pytest.mark.parametrize("runs", ["one", "all"])
def test_a_restart_anywhere_changes_nothing(runs: str) -> None:
    matches = 0

    @settings(max_examples=200, deadline=None, derandomize=True, database=None)
    @given(st.sampled_from(PATTERNS), MOVES)
    def compare(pattern: Plain, moves: list[Move]) -> None:
        nonlocal matches
        rule = written(pattern, runs)
        plain = play(rule, moves, restarts=False)
        assert play(rule, moves, restarts=True) == plain
        matches += len(plain[1])

    compare()
    assert matches > 200
