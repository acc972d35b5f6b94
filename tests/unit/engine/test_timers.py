"""Entries that hold no more do not pile up, and to begin anew without them changes nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cepd.engine import timers
from cepd.engine.engine import Engine
from cepd.engine.timers import Deadline, Kind, Timers
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
        waiting.append(len(engine._timers))
    assert engine.stats.rules["r"].fired >= 999
    assert max(waiting) <= 110
