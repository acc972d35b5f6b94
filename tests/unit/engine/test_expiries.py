"""Keys by when they are over, and the sweeps that look for them."""

from cepd.engine.expiries import SPARE, Expiries

Entry = tuple[int, str]


def expiries(*pending: Entry, rest: int = 10) -> tuple[Expiries, list[int]]:
    """With the times of the sweeps that were scheduled."""
    scheduled: list[int] = []
    return Expiries(lambda: pending, lambda at, key, start: scheduled.append(at), rest), scheduled


def test_entries_are_taken_in_order_of_their_times_whatever_order_they_came_in() -> None:
    made, _ = expiries((5, "b"), (1, "a"))
    for at, key in ((9, "c"), (3, "d"), (9, "a"), (0, "e")):
        made.add(at, key)
    assert made.take(-1) == []
    assert made.take(3) == [(0, "e"), (1, "a"), (3, "d")]
    assert made.take(100) == [(5, "b"), (9, "c"), (9, "a")]
    assert made.take(100) == []


def test_a_sweep_comes_with_the_first_entry_and_rests_after_it() -> None:
    made, scheduled = expiries()
    assert made.sweep is None
    made.add(20, "a")
    made.add(21, "b")
    assert scheduled == [20], "one entry of the schedule for all keys"
    made.add(15, "late")
    assert (scheduled, made.sweep) == ([20, 15], 15)
    made.take(15)
    made.swept(15)
    assert scheduled[2:] == [25], "10 later, though an entry is due at 20"
    made.add(16, "later still")
    assert scheduled[2:] == [25]
    made.take(25)
    made.swept(25)
    assert made.sweep is None
    made.add(90, "c")
    assert scheduled[3:] == [90]


def test_the_first_sweep_of_what_was_loaded_is_told_and_not_scheduled() -> None:
    made, scheduled = expiries((7, "b"), (5, "a"))
    assert (made.sweep, scheduled) == (5, [])


def test_entries_that_hold_no_more_go_when_they_are_too_many() -> None:
    made, _ = expiries((SPARE * 9, "a"))
    for at in range(SPARE * 3):
        made.add(at, "gone")
    left = made.take(SPARE * 10)
    assert len(left) <= SPARE + 2
    assert (SPARE * 9, "a") in left
