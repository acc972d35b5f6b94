"""Programs: who listens to what, and what is compiled once. Decoding has its own file."""

from cepd.engine.engine import Engine
from cepd.engine.expressions import parse_expression
from cepd.model.rule import EventTrigger
from tests.support.rows import batch, line, program, rule, run


def test_all_matching_rules_fire_in_rule_order_by_type_and_source() -> None:
    compiled = program(
        rule("all"),
        rule("none", trigger=EventTrigger(())),
        rule("two", trigger=EventTrigger(("a", "b"))),
        rule("from-web", trigger=EventTrigger(None, ("web",))),
        rule("b", trigger=EventTrigger(("b",), ("db", "web"))),
        rule("last"),
    )

    def fired(**fields: object) -> list[str]:
        return [firing.rule_id for firing in run(Engine(compiled), [batch(compiled, 0, line(0, **fields))])]

    assert fired() == ["all", "last"]
    assert fired(type="c") == ["all", "last"]
    assert fired(type="a") == ["all", "two", "last"]
    assert fired(event_type="b", source="web") == ["all", "two", "from-web", "b", "last"]
    assert fired(type=5, source="web") == ["all", "from-web", "last"]


def test_what_did_not_change_is_not_compiled_again() -> None:
    before = program(rule("r", "cpu > 1", group_by=("host",)), rule("b", "x > 1"))
    after = program(rule("b", "x > 2"), rule("r", "cpu > 1", group_by=("host",)), previous=before)
    assert after.compiled["r"] is before.compiled["r"]
    assert after.compiled["b"] is not before.compiled["b"]
    assert after.rules["b"].when == parse_expression("x > 2")
