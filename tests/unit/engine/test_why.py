"""Why a rule fired or did not, in words and values, for each thing that can decide."""

from cepd.engine.engine import Engine
from cepd.engine.why import Why, render_why
from cepd.model.condition import Condition
from cepd.model.duration import MINUTE
from cepd.model.rule import Aggregate, EventTrigger, Rule, SequenceTrigger, Step, Suppress, Window
from tests.support.rows import batch, line, program, rule


def condition(text: str) -> Condition:
    from cepd.engine.expressions import parse_expression

    return parse_expression(text)


def asked(the_rule: Rule, *events: tuple[float, dict[str, object]]) -> Why:
    """What the rule says of the last of the events."""
    compiled = program(the_rule)
    engine = Engine(compiled)
    for number, (at, fields) in enumerate(events, 1):
        row = batch(compiled, at, line(at, **fields), first=number)
        fired = engine.apply(row)
    found = engine.why(the_rule.id, row.events[-1], fired)
    assert found is not None
    return found


def test_a_false_condition_is_shown_with_the_value_of_each_leaf() -> None:
    found = asked(rule("r", "cpu > 80 and env != 'test'"), (0, {"cpu": 70}))
    assert found.outcome == "did not fire: the condition is false"
    told = "\n".join(render_why(found))
    assert "cpu is 70" in told
    assert "env is missing" in told


def test_an_event_of_another_type_or_source() -> None:
    heard = rule("r", trigger=EventTrigger(("cpu",), ("agent",)))
    assert "type 'disk'" in asked(heard, (0, {"type": "disk", "source": "agent"})).outcome
    assert "the source 'x'" in asked(heard, (0, {"type": "cpu", "source": "x"})).outcome


def test_a_key_that_is_none() -> None:
    assert "group_by" in asked(rule("r", group_by=("host",)), (0, {"host": {}})).outcome


def test_a_firing_says_which_alert_it_went_into() -> None:
    folded = asked(rule("r", suppress=Suppress(MINUTE)), (0, {}), (1, {}))
    assert "folded into alert" in folded.outcome
    assert folded.alert is not None
    assert (folded.alert["count"], folded.alert["opened"]) == (2, False)


def test_a_hold_says_until_when() -> None:
    found = asked(rule("r", "cpu > 80", hold=5 * MINUTE, group_by=("host",)), (0, {"cpu": 90, "host": "a"}))
    assert found.outcome == "did not fire: it has to hold until 2026-01-01T00:05:00Z"
    assert found.hold == {"since": "2026-01-01T00:00:00Z", "from": "2026-01-01T00:05:00Z"}
    assert found.key == {"host": "a"}


def test_a_window_shows_its_aggregates_so_far() -> None:
    windowed = rule(
        "r",
        window=Window("tumbling", size=MINUTE),
        aggregate={"avg_cpu": Aggregate("avg", "cpu")},
        having=condition("avg_cpu > 85"),
    )
    found = asked(windowed, (0, {"cpu": 90}), (1, {"cpu": 80}))
    assert found.outcome == "did not fire yet: the window is evaluated when it closes"
    assert "avg(cpu)" in "\n".join(render_why(found))
    assert "85" in "\n".join(render_why(found))


def test_a_window_that_closed_because_time_went_on_is_not_fired_by_the_event_that_moved_it() -> None:
    counting = rule("r", trigger=EventTrigger(("cpu",)), window=Window("tumbling", size=MINUTE))
    first, other, later = (0, {"type": "cpu"}), (70, {"type": "disk"}), (70, {"type": "cpu"})
    assert "type 'disk'" in asked(counting, first, other).outcome
    assert asked(counting, first, later).outcome == "did not fire yet: the window is evaluated when it closes"


def test_a_sequence_shows_its_steps_when_it_fires_and_where_it_stands_before() -> None:
    steps = (Step("a", event_type=("a",)), Step("b", event_type=("b",)))
    sequence = rule("r", trigger=SequenceTrigger(within=MINUTE, steps=steps))
    waiting = asked(sequence, (0, {"type": "a", "id": "e1"}))
    assert waiting.state, "the run that waits for b"
    fired = asked(sequence, (0, {"type": "a", "id": "e1"}), (1, {"type": "b", "id": "e2"}))
    assert [(step["step"], step["event_ids"]) for step in fired.steps] == [("a", ["e1"]), ("b", ["e2"])]
