"""Entries that hold no more do not pile up, and to begin anew without them changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cepd.engine import timers
from cepd.engine.engine import Engine
from cepd.engine.timers import NEVER, Deadline, Kind, Timers, Wheel
from cepd.engine.watermarks import Watermark
from cepd.model.duration import DAY
from cepd.model.rule import AbsenceTrigger, Resolve, Rule
from tests.support.generators import ABSENCE, SEQUENCE, SESSION, SLIDING, STATELESS, Sent, rows, streams
from tests.support.rows import START, S, line, program, rule, run, stream
from tests.support.versus import fixed


def entry(at: int) -> tuple[Deadline, bool]:
    return Deadline(at, Kind.UNIT, 0, "", 0), bool(at % 2)


def test_twice_as_many_as_held_at_first_are_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "SPARE", 3)
    found = Timers(entry(at) for at in range(10))
    assert len(found) == 10
    for at in range(13):
        assert not found.crowded
        found.add(entry(at)[0], by_clock=False)
    assert len(found) == 23
    assert not found.crowded
    found.add(entry(0)[0], by_clock=True)
    assert found.crowded


def test_what_a_swap_made_overdue_by_the_clock_is_due_now_not_in_the_past() -> None:
    """As a shorter `forget` does. Clock and watermark never go back."""
    found = Timers([(Deadline(START + 60 * S, Kind.UNIT, 0, "", 0), True)])
    mark = Watermark.begin(START, 5 * S)
    mark.advance(START + 600 * S)
    assert found.first_clock(mark) == START + 600 * S
    due = found.pop_due(mark, START + 700 * S)
    assert due is not None
    assert due[0] == START + 600 * S


instants = st.one_of(st.integers(0, 5), st.integers(S - 2, S + 2), st.integers(0, 40).map(lambda at: at * S // 4))
entries = st.builds(Deadline, instants, st.sampled_from(Kind), st.integers(0, 2), st.sampled_from("ab"), st.just(0))


@fixed(300)
@given(st.lists(st.one_of(entries, st.just(None)), max_size=60))
def test_a_wheel_gives_what_a_sorted_list_gives(steps: list[Deadline | None]) -> None:
    """A step is an entry, or to take off the first; at the end all are taken off."""
    wheel, plain = Wheel(), list[Deadline]()
    for step in [*steps, *([None] * len(steps))]:
        if step is not None:
            wheel.add(step)
            plain.append(step)
        elif plain:
            first = min(one.at for one in plain)
            assert wheel.pop() == sorted(
                (one for one in plain if one.at == first), key=lambda one: (one.kind, one.owner, one.key)
            )
            plain = [one for one in plain if one.at != first]
        assert wheel.length == len(plain)
        assert wheel.first == min((one.at for one in plain), default=NEVER)


@fixed(200)
@given(st.lists(st.tuples(entries, st.booleans(), st.integers(0, S)), max_size=40))
def test_what_falls_due_comes_by_clock_and_deadline_and_each_but_once(
    steps: list[tuple[Deadline, bool, int]],
) -> None:
    """Without inputs the watermark is the clock less the lateness."""
    found, mark = Timers(), Watermark.begin(0, S)
    waiting: list[tuple[int, int, Deadline]] = []
    for deadline, by_clock, passed in [*steps, (Deadline(0, Kind.UNIT, 0, "", 0), True, 100 * S)]:
        found.add(deadline, by_clock=by_clock)
        waiting.append((max(mark.clock, deadline.at + (0 if by_clock else S)), deadline.at, deadline))
        until = mark.clock + passed
        assert found.first_clock(mark) == min(waiting)[0]
        assert found.quiet(mark, until) or min(waiting)[0] <= until or mark.at < found.mark
        told = []
        while (popped := found.pop_due(mark, until)) is not None:
            mark.advance(popped[0])
            told.append(popped)
        mark.advance(until)
        due = sorted({(clock, at) for clock, at, _ in waiting if clock <= until})
        assert [(clock, together[0].at) for clock, together in told] == due
        for clock, together in told:
            assert sorted(together) == sorted(
                {one for when, at, one in waiting if (when, at) == (clock, together[0].at)}
            )
        waiting = [one for one in waiting if one[0] > until]
        assert len(found) == len(waiting)
        assert mark.at < found.mark
        assert mark.clock < found.clock


def test_what_waits_is_named_by_plain_attributes() -> None:
    found = Timers([(Deadline(7, Kind.UNIT, 0, "", 0), False)])
    assert (found.mark, found.clock) == (7, NEVER)
    found.add(Deadline(5, Kind.UNIT, 0, "", 0), by_clock=True)
    assert (found.mark, found.clock) == (7, 5)
    found.add(Deadline(6, Kind.UNIT, 0, "", 0), by_clock=False)
    assert (found.mark, found.clock) == (6, 5)


@pytest.mark.parametrize("kind", [STATELESS, SLIDING, SESSION, SEQUENCE, ABSENCE])
def test_to_begin_anew_after_every_row_changes_nothing(
    kind: st.SearchStrategy[Rule], monkeypatch: pytest.MonkeyPatch
) -> None:
    count = 0

    @fixed(60)
    @given(kind, streams(60))
    def compare(the_rule: Rule, sent: list[Sent]) -> None:
        nonlocal count
        compiled = program(the_rule)
        given_rows = rows(compiled, sent)
        with monkeypatch.context() as patched:
            plain = run(Engine(compiled), given_rows)
            patched.setattr(timers, "SPARE", -1_000_000)
            assert run(Engine(compiled), given_rows) == plain
        count += len(plain)

    compare()
    assert count >= 50


FLAPPING = {
    "silences that end": rule(trigger=AbsenceTrigger(timeout=S, forget=30 * DAY)),
    "episodes that end": rule(when="up == true", resolve=Resolve(30 * DAY)),
}


@pytest.mark.parametrize("kind", FLAPPING)
def test_what_comes_and_goes_leaves_nothing_behind(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time one entry is left that would wait for thirty days."""
    monkeypatch.setattr(timers, "SPARE", 100)
    engine = Engine(compiled := program(FLAPPING[kind]))
    waiting = []
    for row in stream(compiled, *((7 * at, line(7 * at, type="beat", up=bool(at % 2))) for at in range(2_000))):
        engine.apply(row)
        waiting.append(len(engine._crew.timers))
    assert engine.stats.rules["r"].fired >= 999
    assert max(waiting) <= 110
