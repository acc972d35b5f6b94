import copy
import random

import hypothesis
from hypothesis import strategies as st

from cepd.intake.envelope import Given
from cepd.intake.horizon import SHORT, Horizon
from cepd.model.event import identity_of


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


def test_a_line_too_long_to_keep_is_known_by_its_digest() -> None:
    horizon = Horizon(size=10)
    long, other = b"x" * (SHORT + 1), b"x" * SHORT + b"y"
    for line, verdict in (
        (long, "new"),
        (long, "duplicate"),
        (other, "new"),
        (other, "duplicate"),
        (long, "duplicate"),
    ):
        assert horizon.admit("s", "1", line) == verdict
    assert horizon.id_reused == 1
    horizon.forget("s", "1", long)
    assert horizon.admit("s", "1", long) == "new"


def test_what_it_tells_of_an_event_is_its_identity_however_it_came_to_know_it() -> None:
    events = [("s", "1", b"{}"), ("s", "1", b'{"other": 1}'), ("s", "2", b"x" * 1_000), ("t", "1", b"{}")]
    horizon = Horizon()
    for event in events:
        horizon.admit(*event)
    told = [(identity_of(source, given, line, "", 0), (source, given)) for source, given, line in events]
    assert list(horizon.entries()) == told
    loaded = Horizon()
    loaded.load(told)
    assert list(loaded.entries()) == told
    assert [loaded.admit(*event) for event in events] == ["duplicate"] * 4


def test_the_first_of_an_id_goes_and_the_others_of_that_id_stay() -> None:
    horizon = Horizon(size=2)
    for line in (b"first", b"second", b"third"):
        assert horizon.admit("s", "1", line) == "new"
    assert horizon.id_reused == 2
    assert [knows(horizon, "s", "1", line) for line in (b"first", b"second", b"third")] == [False, True, True]
    assert horizon.admit("s", "1", b"first") == "new"
    assert horizon.id_reused == 3
    for number in (2, 3):
        horizon.admit("s", str(number), b"{}")
    assert horizon.admit("s", "1", b"first") == "new"
    assert horizon.id_reused == 3, "nothing of that id was known any more"


def plainly(known: list[tuple[str, str, bytes]], event: tuple[str, str, bytes], size: int) -> tuple[bool, bool]:
    """(is it new, is its id used again); `known` are the newest events, oldest first."""
    if event in known:
        return False, False
    again = any(one[:2] == event[:2] for one in known)
    known.append(event)
    del known[:-size]
    return True, again


def test_events_by_the_batch_forgotten_ones_and_long_lines_against_a_plain_list() -> None:
    dice = random.Random(11)
    horizon, known, reused = Horizon(size=40), [], 0
    for _ in range(600):
        batch = [
            (dice.choice("ab"), str(dice.randrange(50)), b"%d" % dice.randrange(3) * dice.choice((1, SHORT + 1)))
            for _ in range(dice.randrange(1, 90))
        ]
        lines = [line for _, _, line in batch]
        expected = []
        for event in batch:
            is_new, again = plainly(known, event, 40)
            reused += again
            expected += [event[2]] if is_new else []
        given = [Given(event_id, None if source == "a" else source) for source, event_id, _ in batch]
        assert horizon.admit_all(lines, given, "a") == expected
        for event in dice.sample(known, min(len(known), dice.randrange(4))):
            horizon.forget(*event)
            known.remove(event)
        assert len(horizon) == len(known)
        assert horizon.id_reused == reused
    assert [entry[1] for entry in horizon.entries()] == [(source, given) for source, given, _ in known]


IDS = st.one_of(
    st.text("ab\x00", max_size=2), st.integers(0, 2), st.sampled_from((None, True, 1.5)), st.just(["no id"])
)
SOURCES = st.one_of(st.sampled_from(("s", "default", "", None)), st.just(5))
LINES = st.sampled_from((b"{}", b'{"other": 1}', b"x" * (SHORT + 1)))


@hypothesis.given(st.lists(st.lists(st.tuples(IDS, SOURCES, LINES), max_size=6), max_size=12), st.integers(1, 5))
def test_many_at_once_are_judged_as_one_after_the_other(
    batches: list[list[tuple[object, object, bytes]]], size: int
) -> None:
    together, singly = Horizon(size), Horizon(size)
    for batch in batches:
        lines = [line for *_, line in batch]
        members = [Given(event_id, source) for event_id, source, _ in batch]  # type: ignore[arg-type]
        one_by_one = [singly.admit_all((line,), (one,), "default") for line, one in zip(lines, members, strict=True)]
        assert list(together.admit_all(lines, members, "default")) == [line for new in one_by_one for line in new]
        assert list(together.entries()) == list(singly.entries())
        assert together.id_reused == singly.id_reused


def test_a_batch_of_which_one_is_known_leaves_nothing_twice() -> None:
    horizon = Horizon()
    horizon.admit("s", "2", b"{}")
    lines = [b'{"n": %d}' % number for number in range(3)]
    members = [Given(event_id, "s") for event_id in ("1", "2", "3")]
    assert horizon.admit_all(lines, members, "") == lines
    assert [given for _, given in horizon.entries()] == [("s", "2"), ("s", "1"), ("s", "2"), ("s", "3")]
