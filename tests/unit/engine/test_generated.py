"""Which code stands for a rule: by type, and through the rule that asks for its unit."""

import pytest

from cepd.engine.generated import generated_for
from cepd.model.rule import EventTrigger, Window
from tests.support.rows import S, program, rule


def test_by_type_with_how_many_are_tested_beside_it() -> None:
    of = program(
        rule("a", "cpu > 1", trigger=EventTrigger(("x", "y"))),
        rule("b", "cpu > 2", trigger=EventTrigger(("y",))),
        rule("every", "cpu > 3"),
    )
    assert [(found.event_type, found.conditions) for found in generated_for(of, "a")] == [("x", 1), ("y", 2)]
    assert [(found.event_type, found.conditions) for found in generated_for(of, "every")] == [(None, 1)]
    assert generated_for(program(rule("none", trigger=EventTrigger(()))), "none") == []
    with pytest.raises(KeyError):
        generated_for(of, "gone")


def test_rules_with_one_unit_have_one_code() -> None:
    window = Window(type="tumbling", size=60 * S)
    of = program(rule("first", "cpu > 1", window=window), rule("other", "cpu > 1", window=window))
    (first,), (other,) = generated_for(of, "first"), generated_for(of, "other")
    assert (first.speaker, other.speaker) == ("first", "first")
    assert first == other
    assert "tells first" in other.functions[0].names.values()
