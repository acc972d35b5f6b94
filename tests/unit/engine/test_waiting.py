"""Events that wait for windows: many at once in one body mean what they mean one by one."""

import msgspec
import pytest

from cepd.engine.aggregates import avg
from cepd.engine.engine import Engine
from cepd.engine.expressions import parse_expression
from cepd.engine.rows import Lines, Tick
from cepd.model.firing import Firing
from cepd.model.rule import Aggregate, Rule, Window
from tests.support.rows import START, S, line, program, rule

MEAN = {"mean": Aggregate("avg", "v"), "n": Aggregate("count")}
CLOCK = START + 100 * S


def windowed(name: str = "r", **parts: object) -> Rule:
    parts = {"aggregate": {"mean": Aggregate("avg", "v")}, "window": Window("tumbling", size=60 * S)} | parts
    return rule(name, group_by=("k",), **parts)


def told(rules: list[Rule], lines: list[bytes], at_once: int) -> tuple[list[Firing], Engine]:
    """What bodies of so many lines lead to, and the end of all windows."""
    engine = Engine(program(*rules))
    fired = []
    for start in range(0, len(lines), at_once):
        body = b"\n".join(lines[start : start + at_once])
        fired += engine.apply(Lines(CLOCK, "http", body, "tests", "j", start + 1))
    return fired + engine.apply(Tick(CLOCK + 1000 * S)), engine


def found(rules: list[Rule], lines: list[bytes], at_once: int) -> tuple[list[Firing], object, object]:
    fired, engine = told(rules, lines, at_once)
    rule_counts = {name: msgspec.to_builtins(counts) for name, counts in engine.stats.rules.items()}
    return fired, rule_counts, [msgspec.to_builtins(counts) for _, counts in engine.stats.units]


ODD = [
    line(90, k="a", v=1),
    line(91, k="a", v="text", id="given"),
    line(92, k=["none"], v=2),
    line(92, k="b", v=10**400),
    line(30, k="a", v=5),
    line(93, k={"a": 1}, v=2),
    line(94, k="b", v=0.5, id=""),
    line(94, k=7, v=3, id=7),
    line(95, v=4),
    line(96, k="a", id="given", v=2),
    line(20, k="c", v=1),
    line(97, k="a"),
]


@pytest.mark.parametrize("size", [1, 2, 5, len(ODD)])
@pytest.mark.parametrize(
    "parts",
    [
        {},
        {"aggregate": MEAN},
        {"carries": ("v", "id")},
        {"max_keys": 2},
        {"window": Window("sliding", size=60 * S, slide=10 * S)},
        {"window": Window("tumbling", size=60 * S, emit="eager"), "having": parse_expression("mean > 0")},
        {"time": "arrival"},
        {"when": "v != 3"},
    ],
    ids=str,
)
def test_bodies_of_any_size_lead_to_the_same(parts: dict[str, object], size: int) -> None:
    rules = [windowed(**parts), rule("each", "v > 2")]
    one_by_one = found(rules, ODD * 3, 1)
    assert found(rules, ODD * 3, size) == one_by_one
    assert len(one_by_one[0]) > 3


def test_what_one_body_leads_to() -> None:
    """Worked out by hand: a: 1, 2 and two that are no numbers; b: 0.5 and one out of range; 7: 3; null: 4."""
    on_time = [text for text in ODD if text not in (ODD[4], ODD[10])]
    (fired, counts, units) = found([windowed(aggregate=MEAN)], on_time, len(on_time))
    assert {tuple(firing.key.values()): (firing.values, firing.event_ids) for firing in fired} == {
        ("a",): ({"mean": 1.5, "n": 4}, ("j#1", "j#10")),
        ("b",): ({"mean": 0.5, "n": 2}, ("j#4", "j#6")),
        (7,): ({"mean": 3, "n": 1}, ("7",)),
        (None,): ({"mean": 4, "n": 1}, ("j#8",)),
    }
    assert counts["r"]["matched"] == 8
    assert counts["r"]["skipped_keys"] == 2
    assert [found["unusable"] for found in units] == [3]


def test_a_fault_while_a_unit_takes_events_in_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [windowed("broken"), windowed("well", aggregate={"n": Aggregate("count")}), rule("each", "v > 2")]
    monkeypatch.setattr(avg.Column, "adder_of_all", lambda self, read: lambda slots, events, order: 1 // 0)
    fired, engine = told(rules, [line(90, k="a", v=3), line(91, k="a", v=3)], 2)
    assert [firing.rule_id for firing in fired].count("each") == 2
    assert [firing.values for firing in fired if firing.rule_id == "well"] == [{"n": 2}]
    counts = engine.stats.rules
    assert {name: counts[name].errors for name in counts} == {"broken": 1, "well": 0, "each": 0}
    assert counts["broken"].last_error.startswith("ZeroDivisionError")
