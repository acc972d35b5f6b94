"""cepd's own happenings in the engine: only rules that name them hear them, and they move no watermark."""

from cepd.engine.engine import Engine
from cepd.engine.rows import Lines, Row, Tick
from cepd.model.duration import MINUTE
from cepd.model.firing import Firing
from cepd.model.happenings import OWN
from cepd.model.rule import Aggregate, EventTrigger, Resolve, SequenceTrigger, Step, Window
from tests.support.rows import START, S, batch, line, program, rule, run

NAMES = rule("names", trigger=EventTrigger(("cepd.alert", "host")))
EVERY = rule("every", trigger=EventTrigger())
FAILED = rule("failed", trigger=EventTrigger(("cepd.delivery_failed",)))


def own(at: float, **fields: object) -> Lines:
    return Lines(START + round(at * S), OWN, line(at, **fields), OWN, "j", 1)


def test_a_rule_for_every_event_hears_no_happening() -> None:
    engine = Engine(program(NAMES, EVERY, FAILED))
    fired = run(engine, [own(1, id="a", type="cepd.alert"), own(2, id="b", type="cepd.ack"), own(3, id="c", type="x")])
    assert [(one.rule_id, one.event_ids) for one in fired] == [("names", ("a",))]
    assert [one.rule_id for one in run(engine, [batch(program(NAMES, EVERY), 4, line(4, type="host"))])] == [
        "names",
        "every",
    ]


def test_a_program_matches_as_the_engine_does() -> None:
    of = program(NAMES, EVERY, FAILED)
    assert of.matches(b'{"type":"cepd.alert"}\n{"type":"host"}\n{"type":"x"}') == [(0, [0]), (1, [0, 1]), (2, [1])]


def test_happenings_hold_no_window_up_and_close_none() -> None:
    """Events come late by up to four seconds, each second one; a happening every twenty."""
    counted = rule(
        "counted",
        trigger=EventTrigger(("host",)),
        window=Window("tumbling", size=10 * S),
        aggregate={"n": Aggregate("count")},
    )
    of = program(counted, FAILED)

    def fired(*, told: bool) -> list[tuple[int, Firing]]:
        """By `counted`, each with the second in which it came."""
        engine, found = Engine(of), list[tuple[int, Firing]]()
        for at in range(300):
            rows: list[Row] = [batch(of, at, line(max(0, at - at % 5), type="host"), first=at)]
            if told and at % 20 == 7:
                rows.insert(0, own(at, id=str(at), type="cepd.delivery_failed"))
            found += [(at, one) for one in run(engine, rows) if one.rule_id == "counted"]
        return found

    assert len(fired(told=False)) > 25
    assert fired(told=True) == fired(told=False)


def test_an_alert_that_nobody_acknowledges_is_an_absence() -> None:
    waits = rule(
        "waits",
        trigger=SequenceTrigger(
            15 * MINUTE, (Step("alert", event_type=("cepd.alert",)), Step(role="absent", event_type=("cepd.ack",)))
        ),
        group_by=("alert_id",),
    )
    engine = Engine(program(waits))
    rows = [own(0, id="1", type="cepd.alert", alert_id="x"), own(1, id="2", type="cepd.alert", alert_id="y")]
    rows.append(own(60, id="3", type="cepd.ack", alert_id="y"))
    fired = run(engine, [*rows, Tick(START + 20 * MINUTE)])
    assert [one.key for one in fired] == [{"alert_id": "x"}]


def test_events_that_come_with_them_are_heard_as_ever() -> None:
    episodic = rule("episodic", "n > 0", trigger=EventTrigger(("cepd.alert",)), resolve=Resolve())
    engine = Engine(program(episodic, EVERY))
    fired = run(engine, [own(1, id="a", type="cepd.alert", n=1), own(2, id="b", type="cepd.alert", n=0)])
    assert [one.kind for one in fired] == ["fired", "resolved"]
