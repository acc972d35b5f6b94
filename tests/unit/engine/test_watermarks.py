"""The watermark against a loop that walks the clock second by second."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.watermarks import Watermark

S = 1_000_000
IDLE = 30
LATENESS = 5


class BySecond:
    """The definition, read aloud: one second at a time, in whole seconds."""

    def __init__(self, clock: int) -> None:
        self.clock = clock
        self.at = clock - LATENESS
        self.highest: dict[str, int] = {}
        self.seen: dict[str, int] = {}
        self.was_idle = True

    def awake(self) -> list[int]:
        return [
            min(self.highest[name], self.seen[name]) - LATENESS
            for name in self.seen
            if self.clock - self.seen[name] < IDLE
        ]

    def event(self, name: str, time: int) -> None:
        self.highest[name] = max(time, self.highest.get(name, time))
        self.seen[name] = self.clock
        self.at = max(self.at, min(self.awake()))
        self.was_idle = False

    def second(self) -> None:
        last_marks = self.latest()
        self.clock += 1
        if self.awake():
            self.at = max(self.at, min(self.awake()))
        elif self.was_idle:
            self.at += 1
        else:
            self.at = max(self.at, last_marks)
            self.was_idle = True

    def latest(self) -> int:
        """What the inputs that were awake just before leave behind."""
        return min(self.awake(), default=self.at)


steps = st.lists(
    st.tuples(st.sampled_from([0, 0, 1, 3, 29, 30, 31, 70]), st.sampled_from("abc"), st.integers(-80, 200)),
    max_size=25,
)


@given(steps, st.lists(st.integers(0, 90), max_size=3))
@settings(max_examples=300)
def test_any_steps_of_the_clock_give_what_single_seconds_give(
    steps: list[tuple[int, str, int]], ends: list[int]
) -> None:
    slow, fast = BySecond(1000), Watermark.begin(1000 * S, LATENESS * S)
    for gap, name, ahead in steps:
        for _ in range(gap):
            slow.second()
        fast.advance(slow.clock * S)
        assert fast.at == slow.at * S
        before = fast.at
        assert fast.observe(name, (slow.clock + ahead) * S) == (fast.at > before)
        slow.event(name, slow.clock + ahead)
        assert fast.at == slow.at * S
    for gap in ends:
        for _ in range(gap):
            slow.second()
        fast.advance(slow.clock * S)
        assert fast.at == slow.at * S


@given(steps, st.integers(-10, 200))
@settings(max_examples=200)
def test_reaches_names_the_first_second_at_which_the_watermark_is_there(
    steps: list[tuple[int, str, int]], ahead: int
) -> None:
    slow, fast = BySecond(1000), Watermark.begin(1000 * S, LATENESS * S)
    for gap, name, offset in steps:
        for _ in range(gap):
            slow.second()
        fast.advance(slow.clock * S)
        fast.observe(name, (slow.clock + offset) * S)
        slow.event(name, slow.clock + offset)
    deadline = slow.at + ahead
    expected = fast.reaches(deadline * S)
    while slow.at < deadline:
        slow.second()
    assert expected == slow.clock * S


@given(steps, st.integers(1, 100), st.integers(1, 100))
def test_two_advances_equal_one(steps: list[tuple[int, str, int]], first: int, second: int) -> None:
    once, twice = (Watermark.begin(1000 * S, LATENESS * S) for _ in range(2))
    for gap, name, ahead in steps:
        for mark in (once, twice):
            mark.advance(mark.clock + gap * S)
            mark.observe(name, mark.clock + ahead * S)
    end = once.clock + (first + second) * S
    once.advance(end)
    twice.advance(end - second * S)
    twice.advance(end)
    assert once == twice


@given(steps, st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.integers(-80, 200), min_size=1)), max_size=5))
def test_a_row_that_is_told_only_of_new_heights_does_what_observing_each_event_does(
    steps: list[tuple[int, str, int]], rows: list[tuple[str, list[int]]]
) -> None:
    each, told = (Watermark.begin(1000 * S, LATENESS * S) for _ in range(2))
    for gap, name, ahead in steps:
        for mark in (each, told):
            mark.advance(mark.clock + gap * S)
            mark.observe(name, mark.clock + ahead * S)
    for name, times in rows:
        found, limit = told.begin_row(name)
        for ahead in times:
            time = told.clock + ahead * S
            each.observe(name, time)
            if time > found.highest:
                told.rise(found, time, limit)
            assert told == each
        for mark in (each, told):
            mark.advance(mark.clock + 7 * S)


def test_the_slowest_input_holds_the_others_back_until_it_is_idle() -> None:
    mark = Watermark.begin(0, 5 * S)
    mark.observe("slow", 0)
    mark.advance(20 * S)
    mark.observe("fast", 20 * S)
    assert mark.at == -5 * S
    mark.advance(29 * S)
    assert mark.at == -5 * S
    mark.advance(30 * S)
    assert mark.at == 15 * S


def test_idle_inputs_let_it_move_by_elapsed_time_and_never_to_the_wall_clock() -> None:
    mark = Watermark.begin(1_000_000 * S, 5 * S)
    mark.advance(1_000_100 * S)
    assert mark.at == 1_000_095 * S, "before any input it is idle from the first row on"
    old = Watermark.begin(100 * S, 5 * S)
    old.observe("file", 50 * S)
    assert old.at == 95 * S, "it never goes back"
    old.advance(129 * S)
    assert old.at == 95 * S
    old.advance(190 * S)
    assert old.at == 155 * S, "60 s after it went idle"


def test_an_event_of_the_future_counts_only_as_the_clock_gets_there() -> None:
    mark = Watermark.begin(0, 5 * S)
    mark.observe("a", 200 * S)
    assert mark.at == -5 * S
    mark.advance(10 * S)
    mark.observe("a", 0)
    assert mark.at == 5 * S


def test_less_lateness_moves_it_on_at_once_and_more_never_takes_it_back() -> None:
    mark = Watermark.begin(0, 5 * S)
    mark.observe("a", 0)
    mark.relate(2 * S)
    assert mark.at == -2 * S
    mark.relate(9 * S)
    assert mark.at == -2 * S


@pytest.mark.parametrize("lateness", [1, 5, 9])
def test_before_any_input_it_goes_by_the_lateness_that_holds_as_if_it_always_had(lateness: int) -> None:
    """A daemon starts without rules, so without their lateness; a replay of its rows has it from the start."""
    mark, other = Watermark.begin(100 * S, 5 * S), Watermark.begin(100 * S, lateness * S)
    mark.advance(107 * S)
    mark.relate(lateness * S)
    other.advance(107 * S)
    assert mark == other
