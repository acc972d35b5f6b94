"""How a sequence forgets keys that are over, and when it lets go of lines. By hand."""

import hashlib
import sys

import msgspec

from cepd.engine.identities import LONGEST_HELD, MOST_HELD
from cepd.engine.units.sequence import SWEEPS
from cepd.model.event import Event
from tests.support.saving import save
from tests.support.sequences import numbers, sequence, step
from tests.support.unit_driver import Driver, at


def test_keys_that_are_over_cost_a_sweep_now_and_then_and_no_entry_of_their_own() -> None:
    driver = Driver(sequence("A", "B", within=16))
    for n in range(400):
        driver.hear(n / 10, "A", key=f"k{n}")
        assert driver.pending() <= 1
    sweeps = 0
    for n in range(160, 600):
        before = driver.unit.status().keys
        driver.passes(n / 10)
        sweeps += driver.unit.status().keys < before
    assert sweeps <= 40 * SWEEPS / 16 + 1, "once a second at most, while a key is over ten times a second"
    assert driver.unit.status().keys == 0


def test_a_key_that_is_over_and_not_swept_up_yet_is_over() -> None:
    driver = Driver(sequence("A", "B", within=16))
    driver.hear(0, "A", key="first")
    driver.hear(0.5, "A", key="second")
    driver.passes(16.6)
    assert driver.unit.status().keys == 1, "the next sweep is a second after that of the first"
    assert driver.hear(16.7, "B", key="second") == []
    assert driver.unit.status().keys == 0


def test_a_key_that_is_over_makes_room_for_another() -> None:
    driver = Driver(sequence("A", "B", within=16, max_keys=2))
    driver.hear(0, "A", key="first")
    driver.hear(0.5, "A", key="second")
    driver.passes(16.6)
    for key in ("third", "fourth", "fifth"):
        driver.hear(17, "A", key=key)
    assert driver.unit.counts.refused_keys == 1
    assert [numbers(driver.hear(18, "B", key=key)) for key in ("third", "fourth", "fifth")] == [[(3, 6)], [(4, 7)], []]


def test_what_is_over_is_forgotten_when_somebody_asks_for_it() -> None:
    driver = Driver(sequence("A", "B", within=16))
    for time in (0, 0.5, 0.9):
        driver.hear(time, "A", key=f"k{time}")
    driver.passes(16.6)
    driver.unit.forget(driver.mark)
    assert driver.unit.status().keys == 1
    (key,) = msgspec.json.decode(save(driver.unit))
    assert key == "k0.9"


def test_a_run_that_goes_on_after_its_first_events_were_over_is_swept_up_later() -> None:
    driver = Driver(sequence("A*2", "B", within=16))
    driver.hear(0, "A")
    driver.hear(9, "A")
    driver.passes(24.9)
    assert driver.unit.status().keys == 1
    driver.passes(25.1)
    assert driver.unit.status().keys == 0


def test_what_is_saved_tells_identities_and_goes_on_the_same() -> None:
    for steps in (("A", "B"), ("A*1", step("not C"), "B"), ("A*2", "B")):
        driver = Driver(sequence(*steps))
        driver.hear(0, "A", id="x", n=1)
        line = b'{"type":"A","id":"x","n":1,"time":1767225600.0}'
        identity = f"tests\0x\0{hashlib.blake2b(line, digest_size=16).hexdigest()}"
        saved = msgspec.json.decode(save(driver.unit))["[]"]
        runs = saved["runs"] or [saved["gathering"]]
        assert runs[0]["steps"][0] == [[at(0), "x", identity]]
        driver.restart()
        driver.hear(1, "A", id="y")
        (found,) = driver.hear(2, "B")
        assert [part.split("\0")[1] for part in msgspec.json.decode(found.cause)[:-1]] == list(found.event_ids[:-1])


def test_no_more_lines_are_held_than_there_is_room_for() -> None:
    driver = Driver(sequence("A", "B", within=100))
    events = [_event(0, n) for n in range(MOST_HELD)]
    longer = _event(0, MOST_HELD, b" " * LONGEST_HELD)
    alone = [sys.getrefcount(event.line) for event in (*events, longer)]
    for n, event in enumerate([longer, *events]):
        driver.unit.feed(event, event.time, f"k{n}", driver.mark)
    assert driver.unit.status().keys == MOST_HELD + 1
    held = [sys.getrefcount(event.line) for event in (*events, longer)]
    more = [now - before for now, before in zip(held, alone, strict=True)]
    assert more[-1] == 0, "a long line is not held"
    assert more == [1] * (MOST_HELD // 2 - 1) + [0] * (MOST_HELD // 2 + 2), "a run has two events, so half the keys"
    save(driver.unit)
    assert [sys.getrefcount(event.line) for event in (*events, longer)] == alone


def _event(time: float, number: int = 0, more: bytes = b"") -> Event:
    return Event(f"e{number}", "A", "s", at(time), None, b'{"id":"e%d"}' % number + more, "j", number)
