"""Where a rule stands, and which of its fields no event ever had."""

from cepd.engine.engine import Engine
from cepd.engine.rows import Swap
from cepd.model.duration import MINUTE
from cepd.model.rule import Aggregate, AnomalyTrigger, EventTrigger, Resolve, SequenceTrigger, Step, Suppress, Window
from tests.support.rows import START, S, batch, line, program, rule


def test_fields_that_no_event_had_are_told_over_swaps_too() -> None:
    before = program(rule("r", "cpu > 80 and env == 'live'", group_by=("host",)))
    engine = Engine(before)
    assert engine.standing("r").unseen == ("cpu", "env", "host")
    engine.apply(batch(before, 0, line(0, cpu=1, host="a")))
    assert engine.standing("r").unseen == ("env",)
    after = program(rule("r", "cpu > 80 and zone == 'live'", group_by=("host",)), previous=before)
    engine.apply(Swap(START + S, after))
    assert engine.standing("r").unseen == ("zone",)
    engine.apply(batch(after, 2, line(2, zone=None)))
    assert engine.standing("r").unseen == ()


def test_every_place_of_a_rule_that_names_a_field_is_looked_at() -> None:
    window = Window("tumbling", size=MINUTE)
    counted = rule("w", window=window, aggregate={"n": Aggregate("avg", "cpu.total")})
    steps = (Step("a", event_type=("a",)), Step("b", when=rule(when="user == a.user and ok == true").when))
    engine = Engine(
        program(
            counted,
            rule("a", trigger=AnomalyTrigger("ms", "zscore")),
            rule("s", trigger=SequenceTrigger(within=MINUTE, steps=steps)),
        )
    )
    assert engine.standing("w").unseen == ("cpu.total",)
    assert engine.standing("a").unseen == ("ms",)
    assert engine.standing("s").unseen == ("ok", "user")


def test_keys_windows_holds_episodes_and_suppress_windows_are_counted() -> None:
    compiled = program(
        rule("w", trigger=EventTrigger(("t",)), group_by=("host",), window=Window("tumbling", size=MINUTE), max_keys=2),
        rule("e", "cpu > 80", group_by=("host",), resolve=Resolve(), suppress=Suppress(MINUTE)),
        rule("h", "cpu > 80", group_by=("host",), hold=MINUTE),
    )
    engine = Engine(compiled)
    hosts = (line(0, type="t", cpu=90, host=host) for host in "abc")
    engine.apply(batch(compiled, 0, *hosts))
    window, episodes, holds = (engine.standing(name) for name in "weh")
    assert (window.keys, window.windows, window.incomplete, window.unit_counts.refused_keys) == (2, 1, 1, 1)
    assert (episodes.episodes, episodes.suppressed_keys, episodes.last_fired) == (3, 3, START)
    assert (holds.holds, holds.episodes, holds.last_fired) == (3, 0, None)
    assert engine.standing("none") is None
