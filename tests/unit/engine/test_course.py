"""The course of a row against the watermark event by event: where it stands, and where a stretch must end."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.course import Course
from cepd.engine.timers import Deadline, Kind, Timers
from cepd.engine.watermarks import IDLE_AFTER, Watermark
from tests.support.rows import START, S

seconds = st.integers(-20, 60)
steps = st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 5, 29, 30, 31]), seconds), min_size=1, max_size=12)
"""Of each event how long after the one before it comes, and its time, in seconds."""


def before(others: list[tuple[int, int]]) -> Watermark:
    """A watermark that other inputs, and maybe this one, have led to: (input, time in seconds), each a second apart."""
    mark = Watermark.begin(START, 5 * S)
    for name, time in others:
        mark.advance(mark.clock + S)
        mark.observe(f"i{name}", START + time * S)
    return mark


def one_by_one(mark: Watermark, rows: list[tuple[int, int]]) -> list[tuple[int, int, dict[str, tuple[int, int]]]]:
    """Watermark, clock and inputs after each event, told event by event."""
    found = []
    for clock, time in rows:
        if clock > mark.clock:
            mark.advance(clock)
        mark.observe("i0", time)
        found.append(state(mark))
    return found


def state(mark: Watermark) -> tuple[int, int, dict[str, tuple[int, int]]]:
    return mark.at, mark.clock, {name: (found.highest, found.seen) for name, found in mark.inputs.items()}


def rows_of(mark: Watermark, events: list[tuple[int, int]]) -> list[tuple[int, int]]:
    rows, clock = [], mark.clock
    for gap, time in events:
        clock += gap * S
        rows.append((clock, START + time * S))
    return rows


@given(st.lists(st.tuples(st.integers(0, 2), seconds), max_size=4), steps, st.integers(-10, 80), st.integers(-10, 200))
@settings(max_examples=500, deadline=None)
def test_stretches_reach_what_events_reach_and_pass_nothing_that_is_due(
    others: list[tuple[int, int]], events: list[tuple[int, int]], due: int, due_clock: int
) -> None:
    rows = rows_of(before(others), events)
    expected = one_by_one(before(others), rows)
    timers = Timers(
        [
            (Deadline(START + due * S, Kind.UNIT, 0, "", 0), False),
            (Deadline(START + due_clock * S, Kind.UNIT, 0, "", 0), True),
        ]
    )
    mark = before(others)
    course = Course(mark, "i0", [time for _, time in rows], [clock for clock, _ in rows])
    place = 0
    while place < len(rows):
        if rows[place][0] > mark.clock:
            mark.advance(rows[place][0])
        course.begin(place)
        assert state(mark) == expected[place]
        end = max(place + 1, course.stretch(place + 1, timers))
        for later in range(place + 1, end):
            at, clock, _ = expected[later]
            assert at < timers.mark
            assert clock < timers.clock
        course.reach(end - 1)
        assert state(mark) == expected[end - 1]
        place = end


@given(st.lists(st.integers(0, 40), min_size=2, max_size=12))
def test_a_stretch_ends_before_the_input_goes_idle(gaps: list[int]) -> None:
    clocks = [START]
    for gap in gaps:
        clocks.append(clocks[-1] + gap * S)
    mark = Watermark.begin(START, 5 * S)
    course = Course(mark, "i0", clocks, clocks)
    course.begin(0)
    idle = next((place for place, (one, two) in enumerate(pairwise(clocks), 1) if two - one >= IDLE_AFTER), len(clocks))
    assert course.stretch(1, Timers()) == idle


def test_a_stretch_of_one_clock_goes_to_its_end_where_the_clock_holds_the_watermark_back() -> None:
    """The deadline is 2 s ahead of the clock: no event's time can lead there."""
    mark = Watermark.begin(START, 5 * S)
    course = Course(mark, "i0", [START + time * S for time in (0, 50, 100)], [START] * 3)
    course.begin(0)
    waiting = Timers([(Deadline(START + 2 * S, Kind.UNIT, 0, "", 0), False)])
    assert course.stretch(1, waiting) == 3
