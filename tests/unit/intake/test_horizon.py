import copy
import random

from cepd.intake.horizon import Horizon


def knows(horizon: Horizon, source: str, event_id: str, line: bytes) -> bool:
    """Asked of a copy, since to ask is to admit."""
    return copy.deepcopy(horizon).admit(source, event_id, line) == "duplicate"


def test_an_event_is_its_source_its_id_and_its_bytes() -> None:
    horizon = Horizon()
    assert horizon.admit("a", "1", b"{}") == "new"
    assert horizon.admit("a", "1", b"{}") == "duplicate"
    assert horizon.admit("b", "1", b"{}") == "new"
    assert horizon.id_reused == 0
    assert horizon.admit("a", "1", b'{"other": 1}') == "new"
    assert horizon.id_reused == 1
    assert horizon.admit("a", "1", b'{"other": 1}') == "duplicate"
    assert horizon.id_reused == 1


def test_without_an_id_everything_is_new() -> None:
    horizon = Horizon()
    assert [horizon.admit("a", None, b"{}") for _ in range(3)] == ["new"] * 3
    assert len(horizon) == 0
    horizon.forget("a", None, b"{}")


def test_it_holds_exactly_the_newest_and_a_duplicate_renews_nothing() -> None:
    horizon = Horizon(size=3)
    for number in range(3):
        horizon.admit("s", str(number), b"{}")
    assert horizon.admit("s", "0", b"{}") == "duplicate"
    assert horizon.admit("s", "3", b"{}") == "new"
    assert [knows(horizon, "s", str(number), b"{}") for number in range(4)] == [False, True, True, True]
    assert horizon.admit("s", "0", b'{"another": 1}') == "new"
    assert horizon.id_reused == 0


def test_a_forgotten_event_is_new_again() -> None:
    horizon = Horizon()
    horizon.admit("s", "1", b"{}")
    horizon.forget("s", "1", b"{}")
    horizon.forget("s", "1", b"{}")
    assert len(horizon) == 0
    assert horizon.admit("s", "1", b'{"other": 1}') == "new"
    assert horizon.id_reused == 0


def test_a_replay_of_what_was_new_rebuilds_it() -> None:
    dice = random.Random(7)
    live, plain = Horizon(size=50), []
    for _ in range(5_000):
        event = (dice.choice("ab"), str(dice.randrange(60)), b"%d" % dice.randrange(2))
        expected = "duplicate" if event in plain[-50:] else "new"
        assert live.admit(*event) == expected
        if expected == "new":
            plain.append(event)
    replayed = Horizon(size=50)
    assert all(replayed.admit(*event) == "new" for event in plain)
    assert replayed.id_reused == live.id_reused
    assert all(knows(replayed, *event) for event in plain[-50:])
    assert len(replayed) == len(live) == 50


def test_what_was_saved_and_loaded_judges_as_before() -> None:
    dice = random.Random(3)
    live = Horizon(size=50)
    events = [(dice.choice("ab"), str(dice.randrange(60)), b"%d" % dice.randrange(2)) for _ in range(3_000)]
    for event in events[:1_000]:
        live.admit(*event)
    loaded = Horizon(size=50)
    loaded.admit("other", "gone", b"{}")
    loaded.load(live.entries())
    reused = live.id_reused
    for event in events[1_000:]:
        assert loaded.admit(*event) == live.admit(*event)
    assert list(loaded.entries()) == list(live.entries())
    assert loaded.id_reused == live.id_reused - reused
