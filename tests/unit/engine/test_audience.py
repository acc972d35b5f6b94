"""Whom an event is for: when one condition fails its rule alone pays, and matches are those of the plain conditions."""

import msgspec
import pytest

from cepd.engine import audience
from cepd.engine.conditions import compile_condition
from cepd.engine.engine import Engine
from cepd.engine.matching.node import compile_holds
from cepd.engine.projection import View
from cepd.model.condition import Condition
from cepd.model.rule import EventTrigger
from tests.support.rows import batch, line, program, rule


def test_a_condition_that_fails_costs_its_own_rule_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The node, then the second rule's condition by itself, raise: the others fire as ever."""
    rules = [rule(name, f"n > {limit}") for name, limit in (("first", 0), ("broken", 1), ("last", 2), ("high", 9))]
    compiled = program(*rules, rule("elsewhere", "n > 0", trigger=EventTrigger(None, ("other",))))
    engine = Engine(compiled)

    def node(view: View, add: object, extend: object, source: str) -> None:
        add(3)
        raise ArithmeticError("by the test")

    def holds(condition: Condition) -> object:
        if condition == rules[1].when:
            raise ArithmeticError("by the test")
        return compile_holds(condition)

    for found in engine._crew.audiences[None]:
        found.match = node
    monkeypatch.setattr(audience, "compile_holds", holds)
    fired = engine.apply(batch(compiled, 0, line(0, n=5), line(0, n=1)))
    assert [(firing.rule_id, firing.event_ids) for firing in fired] == [
        ("first", ("j#1",)),
        ("last", ("j#1",)),
        ("first", ("j#2",)),
    ]
    counts = engine.stats.rules
    assert {name: counts[name].errors for name in counts} == {
        "first": 0,
        "broken": 2,
        "last": 0,
        "high": 0,
        "elsewhere": 0,
    }
    assert counts["broken"].last_error == "ArithmeticError: by the test"


def test_matches_see_type_and_source_of_the_envelope_as_firings_do() -> None:
    rules = [rule("typed", "type == 'a'"), rule("sourced", "exists(source)"), rule("absent", "not exists(type)")]
    lines = [line(type="a"), line(event_type="a"), line(event_type="b", source="s"), line(n=1), line(type=5)]
    compiled = program(*rules)
    plain = [compile_condition(found.when) for found in rules]
    expected = []
    for number, fields in enumerate(map(msgspec.json.decode, lines)):
        kind = fields.get("event_type")
        seen = {"source": ""} | ({} if kind is None else {"type": kind}) | fields
        met = [place for place, holds in enumerate(plain) if holds(seen)]
        expected.append((number, met))
    assert compiled.matches(b"\n".join(lines)) == expected
    assert expected[1] == (1, [0, 1])
