"""The clock of the daemon: wall time, but never before its floor and never back."""

import time

import pytest

from cepd.model.duration import DAY, SECOND
from cepd.runtime.clock import SystemClock


def test_it_tells_wall_time_in_microseconds() -> None:
    before = time.time_ns() // 1_000
    told = SystemClock().now()
    assert before <= told <= time.time_ns() // 1_000 + SECOND


def test_it_starts_at_the_floor_where_the_wall_clock_is_behind() -> None:
    floor = time.time_ns() // 1_000 + DAY
    clock = SystemClock(floor)
    assert floor <= clock.now() < floor + DAY // 2


def test_a_wall_clock_that_is_set_back_does_not_move_it(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    first = clock.now()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert clock.now() >= first
