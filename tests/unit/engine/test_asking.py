"""Rules on ladders beside twins that stand on none, because theirs are denied twice: each says what its twin says, and
whoever is not asked would have said nothing."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.evaluation import Evaluation
from cepd.engine.expressions import parse_expression
from cepd.model.condition import Condition, Not
from cepd.model.rule import Aggregate, Resolve, Rule, Window
from tests.support.rows import S, rule
from tests.support.saving import save
from tests.support.units import LONG_AGO, Bench

AGGREGATES = {"m": Aggregate("avg", "v"), "n": Aggregate("count"), "h": Aggregate("max", "v")}
SHAPES: dict[str, dict[str, Any]] = {
    "tumbling": {"type": "tumbling", "size": 20 * S},
    "sliding": {"type": "sliding", "size": 20 * S, "slide": 5 * S},
    "session": {"type": "session", "timeout": 4 * S},
}
HAVINGS = [
    *(f"m {op} {limit}" for op in (">", ">=", "<", "<=") for limit in (0.1, 0.2, 0.3)),
    "m > 0.2",
    "n >= 3",
    "3 <= n",
    "n >= 2 and m > 0.15",
    "h > 0.5 and n < 9",
    "m > 0.1 or n > 4",
    "h == 0.3",
]


class Asked(Bench):
    """Asks those members alone that `feed` names."""

    def feed(self, at: float, *, mark: float = LONG_AGO, **fields: Any) -> list[tuple[str, Evaluation]]:
        named: list[str] = []
        unit_feed = self.unit.feed

        def feed(*args: Any) -> Any:
            found = unit_feed(*args)
            named.extend(member.rule.id for member in found)
            assert [member.position for member in found] == sorted({member.position for member in found})
            return found

        self.unit.feed = feed  # type: ignore[method-assign]
        try:
            said = super().feed(at, mark=mark, **fields)
        finally:
            self.unit.feed = unit_feed  # type: ignore[method-assign]
        assert {name for name, _ in said} <= set(named), "who has something to say is asked"
        return said


def rules_of(window: Window, *, twins: bool) -> list[Rule]:
    made = []
    for number, text in enumerate(HAVINGS):
        having: Condition = parse_expression(text)
        parts: dict[str, Any] = {"window": window, "aggregate": AGGREGATES, "group_by": ("k",)}
        if number % 3 == 1:
            parts["resolve"] = Resolve()
        if number % 4 == 3:
            parts["hold"] = 3 * S
        made.append(rule(f"r{number:02}", having=Not(Not(having)) if twins else having, **parts))
    return made


def told(said: list[tuple[str, Evaluation]]) -> list[tuple[Any, ...]]:
    return [
        (name, found.key, found.time, found.truth, found.values, found.events, found.window) for name, found in said
    ]


def follow(bench: Bench, said: list[tuple[str, Evaluation]]) -> None:
    """As the engine does for rules that hold or resolve: a true evaluation begins an episode, a false one ends it."""
    for name, found in said:
        member = bench.members[name]
        if member.rule.hold is None and member.rule.resolve is None:
            continue
        if found.truth and found.key not in member.state.episodes:
            bench.open(name, found.key, found.time / S)
            if member.rule.hold is not None:
                member.state.episodes[found.key].first_id = None
        elif not found.truth:
            member.state.episodes.pop(found.key, None)


events = st.lists(
    st.tuples(
        st.one_of(st.integers(-8, 5), st.integers(0, 30)),
        st.sampled_from("ab"),
        st.sampled_from([0.1, 0.2, 0.3, 0.7, 1, -1, "x", None]),
        st.sampled_from(["", "", "", "", "restart", "until", "silence"]),
    ),
    max_size=25,
)


@pytest.mark.parametrize("emit", ["close", "eager"])
@pytest.mark.parametrize("shape", sorted(SHAPES))
@given(stream=events)
@settings(max_examples=40, deadline=None)
def test_each_rule_says_what_its_twin_without_a_ladder_says(
    shape: str, emit: str, stream: list[tuple[int, str, Any, str]]
) -> None:
    window = Window(**SHAPES[shape], emit=emit)
    plain, laddered = Bench(*rules_of(window, twins=True)), Asked(*rules_of(window, twins=False))
    mark, now = -100.0, 0.0
    for ahead, key, value, then in stream:
        at = now + ahead
        now = max(now, at - 5)
        for _ in range(2):
            expected = plain.feed(at, mark=mark, k=key, v=value)
            found = laddered.feed(at, mark=mark, k=key, v=value)
            assert told(found) == told(expected)
            follow(plain, expected)
            follow(laddered, found)
        if then == "restart":
            plain.restart()
            laddered.restart()
        elif then == "until":
            mark = now
            due = [bench.until(mark) for bench in (plain, laddered)]
            assert told(due[1]) == told(due[0])
            follow(plain, due[0])
            follow(laddered, due[1])
        elif then == "silence":
            for bench in (plain, laddered):
                for member in bench.members.values():
                    member.state.episodes.pop(f'["{key}"]', None)
    assert told(laddered.flush()) == told(plain.flush())


@given(stream=events, panes=st.sampled_from([2, 4]))
@settings(max_examples=60, deadline=None)
def test_what_an_eager_window_remembers_changes_nothing(stream: list[tuple[int, str, Any, str]], panes: int) -> None:
    """Beside a unit that forgets all that is no state before each event."""
    window = Window("sliding", size=panes * 5 * S, slide=5 * S, emit="eager")
    going, forgetful = Asked(*rules_of(window, twins=False)), Bench(*rules_of(window, twins=False))
    mark, now = -100.0, 0.0
    for ahead, key, value, then in stream:
        at = now + ahead
        now = max(now, at - 5)
        if then == "until":
            mark = now
            assert told(going.until(mark)) == told(forgetful.until(mark))
        forgetful.restart()
        found = going.feed(at, mark=mark, k=key, v=value)
        expected = forgetful.feed(at, mark=mark, k=key, v=value)
        assert told(found) == told(expected)
        follow(going, found)
        follow(forgetful, expected)
    assert save(going.unit) == save(forgetful.unit)


def test_an_event_behind_others_counts_in_the_windows_that_were_looked_at_before_it() -> None:
    window = Window("sliding", size=20 * S, slide=5 * S, emit="eager")
    (alone,) = rules_of(window, twins=False)[:1]
    bench = Asked(msgspec.structs.replace(alone, having=parse_expression("n >= 4")))
    assert [bench.feed(at, k="a", v=1) for at in (6, 16, 7)] == [[], [], []]
    assert [found.values["n"] for _, found in bench.feed(17, k="a", v=1)] == [4]


def test_a_rule_that_fired_before_an_edit_made_it_hold_is_told_everything() -> None:
    window = Window("tumbling", size=10 * S, emit="eager")
    parts: dict[str, Any] = {"window": window, "aggregate": AGGREGATES, "group_by": ("k",)}
    for text in (None, "n >= 1"):
        plain = rule("r", having=None if text is None else parse_expression(text), **parts)
        bench = Asked(plain)
        assert len(bench.feed(1, k="a")) == 1
        bench.swap(msgspec.structs.replace(plain, hold=5 * S))
        assert [len(bench.feed(at, k="a")) for at in (2, 3)] == [1, 1]


def test_sessions_that_move_into_fresh_cells_are_asked_as_if_they_had_been_there_always() -> None:
    window = Window("session", timeout=4 * S, emit="eager")
    parts: dict[str, Any] = {"window": window, "aggregate": AGGREGATES, "group_by": ("k",)}
    bench = Asked(rule("r", having=parse_expression("n >= 2"), **parts))
    assert [len(bench.feed(0, k=number)) for number in range(100) for _ in range(2)] == [0, 1] * 100
    assert bench.feed(5, k="stays") == []
    bench.until(6)
    assert bench.unit.status().windows == 1
    assert [found.values["n"] for _, found in bench.feed(6, k="stays")] == [2]


def test_a_hundred_thresholds_are_asked_once_each() -> None:
    window = Window("tumbling", size=10 * S, emit="eager")
    parts: dict[str, Any] = {"window": window, "aggregate": {"m": Aggregate("avg", "v")}, "group_by": ("k",)}
    bench = Bench(*(rule(f"r{limit:02}", having=parse_expression(f"m > {limit}"), **parts) for limit in range(100)))
    asked: list[int] = []
    unit_feed = bench.unit.feed

    def feed(*args: Any) -> Any:
        found = unit_feed(*args)
        asked.append(len(found))
        return found

    bench.unit.feed = feed  # type: ignore[method-assign]
    said = [len(bench.feed(1, k="a", v=value)) for value in (0, 5, 100, 0, 100)]
    assert asked == said == [0, 3, 32, 0, 6], "means of 0, 2.5, 35, 26.25 and 41"
