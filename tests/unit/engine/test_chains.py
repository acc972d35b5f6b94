"""Plain sequences as chains, against the same sequences as lanes: event by event the same, to the byte."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine import chains, lanes
from cepd.engine.movers import make_mover
from cepd.engine.steps import compile_steps
from cepd.engine.unit import UnitCounts
from cepd.model.rule import Rule
from tests.support.saving import save
from tests.support.sequences import sequence, step
from tests.support.unit_driver import Driver

PLAIN = [
    sequence("A", "B", within=6),
    sequence("A", "A", "any", within=9),
    sequence(step("a:A", "n > 0"), step("B", "n >= a.n"), "C", within=6, carries=("a.n",)),
    sequence(step("a:any"), step("b:any", "n == a.n"), step("any", "n > b.n and not exists(c.n)"), within=9),
]
MOVES = st.lists(
    st.tuples(st.integers(-7, 3), st.integers(0, 3), st.sampled_from("AABBC"), st.integers(0, 2), st.booleans()),
    min_size=10,
    max_size=40,
)


@pytest.mark.parametrize(
    "rule",
    [
        sequence("A"),
        sequence("A*2", "B"),
        sequence("A", "not C", "B"),
        sequence("A", "absent B"),
        sequence("A", "B", order="any"),
        sequence("A", "B", runs="all"),
    ],
)
def test_a_pattern_with_anything_else_is_not_plain(rule: Rule) -> None:
    assert isinstance(make_mover(compile_steps(rule.trigger), UnitCounts()), lanes.Mover)


@pytest.mark.parametrize("rule", PLAIN)
def test_a_plain_one_is_kept_in_chains(rule: Rule) -> None:
    assert isinstance(make_mover(compile_steps(rule.trigger), UnitCounts()), chains.Mover)


def play(monkeypatch: pytest.MonkeyPatch, rule: Rule, moves: list[tuple[int, int, str, int, bool]], kind: type) -> list:
    """All that a unit with such a mover says: what matched, its state, its counts."""
    told: list = []
    with monkeypatch.context() as patched:
        patched.setattr("cepd.engine.units.sequence.make_mover", kind)
        driver, clock = Driver(rule), 0
        for offset, gap, event_type, n, restart in moves:
            found = driver.hear(max(0, clock + offset), event_type, n=n, id=f"{clock}")
            if restart:
                driver.restart()
            clock += gap
            driver.passes(clock - 3)
            driver.unit.forget(driver.mark)
            told.append(
                (found, save(driver.unit), msgspec.structs.replace(driver.unit.counts), driver.unit.describe("[]"))
            )
    return told


def test_chains_are_lanes_of_plain_sequences(monkeypatch: pytest.MonkeyPatch) -> None:
    matches = older = 0

    @settings(max_examples=150, deadline=None, derandomize=True, database=None)
    @given(st.sampled_from(PLAIN), MOVES)
    def compare(rule: Rule, moves: list[tuple[int, int, str, int, bool]]) -> None:
        nonlocal matches, older
        told = play(monkeypatch, rule, moves, chains.Mover)
        assert told == play(monkeypatch, rule, moves, lanes.Mover)
        matches += sum(len(one[0]) for one in told)
        older += told[-1][2].out_of_order

    compare()
    assert matches > 100
    assert older > 10


def test_what_a_unit_saves_of_a_chain_is_a_lane() -> None:
    driver = Driver(sequence("A", step("b:B"), "C"))
    driver.hear(0, "A")
    saved = save(driver.unit)
    assert saved.startswith(b'{"[]":{"runs":[{"steps":[[[1767225600000000,"j#1","#j#1"]],[],[]],"place":1,')
    assert saved.endswith(b'"captured":{},"carried":{}}],"gathering":null,"armed":1767225610000001}}')
