"""How runs of one key begin, restart and stand beside one another, by hand. Events are numbered from 1."""

from tests.support.sequences import numbers, sequence, step
from tests.support.unit_driver import Driver


def heard(driver: Driver, *events: tuple[float, str]) -> list[list[tuple[int, ...]]]:
    """For each event (time, type) that matched something, the matches by the numbers of their events."""
    found = [numbers(driver.hear(time, event_type)) for time, event_type in events]
    return [one for one in found if one]


def test_every_first_step_begins_a_run_and_matches_come_in_order_of_their_beginnings() -> None:
    driver = Driver(sequence("A", "B", runs="all"))
    assert heard(driver, (0, "A"), (1, "A"), (2, "B"), (3, "B"), (4, "A"), (5, "B")) == [[(1, 3), (2, 3)], [(5, 6)]]
    assert heard(driver, (20, "A"), (15, "A"), (24, "B")) == [[(7, 9), (8, 9)]], "an older one begins a run as well"


def test_every_so_many_newest_first_steps_begin_a_run() -> None:
    driver = Driver(sequence("A*2", "B", runs="all"))
    assert heard(driver, *((n, "A") for n in range(4)), (4, "B")) == [[(1, 2, 5), (2, 3, 5), (3, 4, 5)]]
    assert heard(driver, (4, "A"), (4, "B")) == [[(4, 6, 7)]], "a match does not use up the newest"
    driver = Driver(sequence("A*2", "B", runs="all"))
    assert heard(driver, (0, "A"), (9, "A"), (8, "A"), (12, "A"), (13, "B")) == [[(2, 4, 5)]]
    assert driver.unit.counts.out_of_order == 1
    driver.passes(19)
    assert driver.unit.status().windows == 1, "the newest of the first step still count"
    driver.passes(100)
    assert driver.unit.status().keys == 0


def test_an_event_too_old_for_one_run_may_begin_another() -> None:
    driver = Driver(sequence("A*2", "any", "any", runs="all"))
    assert heard(driver, (0, "A"), (1, "A"), (5, "C"), (3, "A")) == []
    assert heard(driver, (6, "C"), (7, "C")) == [[(1, 2, 3, 5)], [(2, 4, 5, 6)]]


def test_each_run_of_many_ends_by_itself() -> None:
    driver = Driver(sequence("A", step("not C", "n > 0"), "B", runs="all"))
    driver.hear(0, "A")
    driver.hear(1, "C", n=0)
    driver.hear(5, "A")
    driver.hear(4, "C", n=1)
    assert numbers(driver.hear(9, "B")) == [(3, 5)], "the guard came after the first and before the second"


def test_an_event_serves_several_runs_and_begins_one() -> None:
    driver = Driver(sequence("A", "A", "B", runs="all"))
    assert heard(driver, (0, "A"), (1, "A"), (2, "A"), (3, "B")) == [[(1, 2, 4), (2, 3, 4)]]


def test_beyond_max_runs_no_run_begins_and_that_is_counted() -> None:
    driver = Driver(
        sequence("A", "B", runs="all", max_runs=1), sequence("A", "B", runs="all", max_runs=2, rule_id="wider")
    )
    assert heard(driver, (0, "A"), (1, "A"), (2, "A"), (3, "B"), (4, "A"), (5, "B")) == [[(1, 4), (2, 4)], [(5, 6)]]
    assert driver.unit.counts.refused_keys == 1


def test_any_order() -> None:
    driver = Driver(sequence("A", "B*2", order="any"))
    assert heard(driver, (0, "B"), (1, "A"), (2, "B"), (3, "B")) == [[(1, 2, 3)]]
    assert heard(driver, (4, "A"), (5, "B")) == [[(4, 5, 6)]], "what did not match before still counts"


def test_any_order_looks_at_the_span_alone() -> None:
    driver = Driver(sequence("A", "B", order="any"))
    (found,) = [driver.hear(9, "B"), driver.hear(2, "A")][1]
    assert numbers([found]) == [(2, 1)], "in order of time"
    assert found.time == found.steps[1].last
    assert heard(driver, (20, "A"), (30, "B")) == [[(3, 4)]]
    assert heard(driver, (40, "A"), (51, "B"), (52, "A")) == [[(6, 7)]], "the first was too old by then"
    assert heard(driver, (60, "A"), (49, "B"), (61, "B")) == [[(8, 10)]]
    assert driver.unit.counts.out_of_order == 1


def test_any_order_keeps_the_newest_of_a_step() -> None:
    driver = Driver(sequence("A", "B", order="any"))
    assert heard(driver, (0, "A"), (5, "A"), (4, "A"), (15, "B")) == [[(2, 4)]]


def test_any_order_lets_go_what_was_compared_with_what_went() -> None:
    rule = sequence(step("a:A"), step("b:B", "user == a.user"), "C", order="any")
    driver = Driver(rule)
    driver.hear(0, "A", user=1)
    driver.hear(1, "B", user=1)
    driver.hear(2, "A", user=2)
    assert driver.hear(3, "C") == []
    (found,) = driver.hear(4, "B", user=2)
    assert numbers([found]) == [(3, 4, 5)]
    assert found.values == {"a": {"user": 2}}
    driver = Driver(rule)
    driver.hear(0, "A", user=1)
    driver.hear(5, "B", user=1)
    driver.passes(11)
    driver.hear(12, "A", user=2)
    assert driver.hear(12, "C") == [], "the first was forgotten, and with it what it was compared with"


def test_a_restart_forgets_what_later_steps_were_seen_by() -> None:
    driver = Driver(sequence("A", step("B", "not exists(c.n)"), "c:C", "D"))
    for event_type in "ABCAB":
        driver.hear(0, event_type, n=1)
    assert heard(driver, (0, "C"), (0, "D")) == [[(4, 5, 6, 7)]]


def test_no_step_sees_itself() -> None:
    driver = Driver(sequence(step("a:A", "not exists(a.n)"), "B", order="any"))
    driver.hear(0, "A", n=1)
    driver.hear(1, "A", n=2)
    assert numbers(driver.hear(2, "B")) == [(2, 3)]


def test_a_key_has_one_entry_in_the_schedule_however_often_it_begins_anew() -> None:
    driver = Driver(sequence("A", "B"))
    for time in range(100):
        driver.hear(time, "A")
        driver.hear(time, "B")
    driver.hear(100, "A")
    driver.passes(109.5)
    assert driver.pending() == 1


def test_any_order_takes_the_first_step_that_lacks_an_event() -> None:
    driver = Driver(sequence("any", "A", order="any"))
    assert heard(driver, (0, "A"), (1, "C"), (2, "A")) == [[(2, 3)]], "the C took the place of the first A"


def test_any_order_with_all_runs_and_an_end() -> None:
    driver = Driver(sequence("A", "B", order="any", runs="all"))
    assert heard(driver, (0, "A"), (1, "B"), (2, "A")) == [[(1, 2)], [(2, 3)]]
    driver = Driver(sequence("A", "B", "absent C", order="any"))
    assert heard(driver, (5, "B"), (2, "A"), (3, "C")) == []
    assert numbers(driver.passes(12.1)) == [(2, 1)], "the C came before the last of them"
