"""Rules disabled at run time: what is told meanwhile, and that nothing is wrong when it is over."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cepd.engine.engine import Engine
from cepd.engine.muting import LEAST_ROOM
from cepd.engine.rows import Disable, Enable, Row, Swap, Tick
from cepd.model.firing import Firing
from cepd.model.instant import Instant
from cepd.model.rule import Aggregate, Resolve, Rule, Suppress, Window
from tests.support.rows import START, S, batch, line, program, rule, run

EPISODIC = rule(when="n > 0", group_by=("host",), resolve=Resolve(after=60 * S))
KINDS = (
    rule(when="n > 0"),
    rule(when="n > 0", max_alerts=1),
    EPISODIC,
    rule(when="n > 0", group_by=("host",), suppress=Suppress(20 * S), max_alerts=2),
    rule(when="n > 0", group_by=("host",), resolve=Resolve(), suppress=Suppress(20 * S), hold=3 * S),
    rule(
        group_by=("host",),
        window=Window("tumbling", size=10 * S),
        aggregate={"most": Aggregate("max", "n")},
        when=None,
        resolve=Resolve(after=30 * S),
    ),
)


def at(seconds: float) -> Instant:
    return START + round(seconds * S)


def off(since: float, until: float, rule_id: str = "r") -> Disable:
    return Disable(at(since), rule_id, at(until), "kim", "too loud")


def said(of: Rule, rows: Sequence[Row | tuple[float, dict[str, object]]]) -> list[tuple[str, bool, int]]:
    """Of rows, and of (seconds, fields of one event), what is told: kind, whether it opens an alert, count."""
    compiled = program(of)
    made = [
        batch(compiled, row[0], line(row[0], **row[1]), first=number) if isinstance(row, tuple) else row
        for number, row in enumerate(rows)
    ]
    return [(one.kind, one.opens, one.count) for one in run(Engine(compiled), made)]


def test_a_disabled_rule_opens_nothing_until_its_end() -> None:
    fires = {"n": 1}
    rows = [(1, fires), off(2, 10), (3, fires), (9.9, fires), (10, fires), (11, fires)]
    assert said(KINDS[0], rows) == [("fired", True, 1)] * 3
    assert said(KINDS[0], [off(2, 10), (3, fires), Enable(at(4), "r"), (5, fires)]) == [("fired", True, 1)]
    assert said(KINDS[0], [off(2, 10, "other"), (3, fires)]) == [("fired", True, 1)]


def test_an_alert_that_was_open_is_counted_and_resolved() -> None:
    rows = [(1, {"n": 1, "host": "a"}), off(2, 10), (3, {"n": 1, "host": "a"}), (4, {"n": 0, "host": "a"})]
    assert said(EPISODIC, rows) == [("fired", True, 1), ("continued", False, 2), ("resolved", False, 2)]


def test_an_episode_that_began_meanwhile_and_lasts_opens_its_alert_then() -> None:
    lasts = [off(2, 10), *((second, {"n": 1, "host": "a"}) for second in (3, 5, 12, 13)), (14, {"n": 0, "host": "a"})]
    assert said(EPISODIC, lasts) == [("fired", True, 3), ("continued", False, 4), ("resolved", False, 4)]


def test_an_episode_that_began_and_ended_meanwhile_never_was() -> None:
    ends = [off(2, 10), (3, {"n": 1, "host": "a"}), (4, {"n": 0, "host": "a"}), Tick(at(100))]
    assert said(EPISODIC, ends) == []
    ends_later = [off(2, 10), (3, {"n": 1, "host": "a"}), (11, {"n": 0, "host": "a"}), (12, {"n": 1, "host": "a"})]
    assert said(EPISODIC, ends_later) == [("fired", True, 1)]


def test_a_storm_that_began_meanwhile_is_told_as_one() -> None:
    of = rule(when="n > 0", group_by=("host",), max_alerts=1)
    compiled = program(of)
    engine = Engine(compiled)
    events = [(second, {"n": 1, "host": "a"}) for second in (1, 3, 4, 12)]
    rows: list[Row] = [batch(compiled, second, line(second, **fields), first=second) for second, fields in events]
    fired = run(engine, [rows[0], off(2, 10), *rows[1:]])
    assert [(one.kind, one.opens, one.count, one.key) for one in fired] == [
        ("fired", True, 1, {"host": "a"}),
        ("storm", True, 3, {}),
    ]
    assert fired[1].values == {"count": 3, "folded": 3}


def test_a_summary_is_not_sent_meanwhile_and_is_after_it() -> None:
    of = rule(when="n > 0", suppress=Suppress(10 * S))
    twice = [(1, {"n": 1}), (2, {"n": 1})]
    assert said(of, [*twice, off(3, 100), Tick(at(50))]) == [("fired", True, 1), ("fired", False, 2)]
    after = said(of, [*twice, off(3, 5), Tick(at(50))])
    assert after[2:] == [("summary", False, 2)]


def test_a_second_stop_takes_the_place_of_the_first_and_began_with_it() -> None:
    engine = Engine(program(KINDS[0]))
    run(engine, [off(1, 10), off(5, 20)])
    assert {name: (stop.since, stop.until) for name, stop in engine.stops.items()} == {"r": (at(1), at(20))}
    run(engine, [Tick(at(20))])
    assert not engine.stops, "it is over by itself"
    run(engine, [off(30, 40)])
    assert engine.stops["r"].since == at(30)


def test_what_is_muted_is_counted() -> None:
    compiled = program(rule(when="n > 0", max_alerts=1))
    engine = Engine(compiled)
    lines = [line(3, n=1, id=str(number)) for number in range(3)]
    assert run(engine, [off(1, 10), batch(compiled, 3, *lines)]) == []
    assert engine.stats.rules["r"].muted == 3, "the storm's own firing is none"


def test_a_rule_that_goes_while_it_is_disabled_leaves_nothing_behind() -> None:
    compiled = program(EPISODIC)
    engine = Engine(compiled)
    rows = [off(1, 100), batch(compiled, 3, line(3, n=1, host="a")), Swap(at(4), program(previous=compiled))]
    assert run(engine, rows) == []
    again = program(EPISODIC)
    run(engine, [Swap(at(5), again)])
    assert run(engine, [batch(again, 6, line(6, n=1, host="a"))]) == [], "it comes back disabled"
    assert len(run(engine, [batch(again, 101, line(101, n=1, host="a"))])) == 1


def test_alerts_that_were_not_told_do_not_pile_up() -> None:
    compiled = program(rule(when="n > 0", max_alerts=10 * LEAST_ROOM))
    engine = Engine(compiled)
    lines = [line(3, n=1, id=str(number)) for number in range(2 * LEAST_ROOM)]
    run(engine, [off(1, 1000), batch(compiled, 3, *lines)])
    assert not engine._muting.untold, "nothing more is fired into an alert of a plain rule"


def test_a_snapshot_from_before_there_were_stops_is_read() -> None:
    compiled = program(EPISODIC)
    data = msgspec.json.decode(Engine(compiled).snapshot())
    del data["state"]["muting"]
    assert not Engine.restore(compiled, msgspec.json.encode(data)).stops


gaps = st.sampled_from([1, 2, 3, 12, 40])
events = st.tuples(gaps, st.sampled_from("ab"), st.sampled_from([0, 1, 1]))
switches = st.tuples(gaps, st.just("off"), st.sampled_from([2, 15, 60]))
ons = st.tuples(gaps, st.just("on"), st.just(0))


def rows_of(of: Rule, steps: list[tuple[int, str, int]]) -> tuple[list[Row], list[Row]]:
    """The rows with the stops, and with a tick in the place of each. Stops begin and end where nothing falls due."""
    compiled, second, rows, without = program(of), 100, list[Row](), list[Row]()
    for number, (gap, what, value) in enumerate(steps):
        second += gap
        row: Row = Tick(at(second + 0.1))
        without.append(row)
        if what == "off":
            row = off(second + 0.1, second + value + 0.1)
        elif what == "on":
            row = Enable(at(second + 0.1), "r")
        else:
            row = without[-1] = batch(compiled, second, line(second, n=value, host=what), first=number)
        rows.append(row)
    return [*rows, Tick(at(second + 200))], [*without, Tick(at(second + 200))]


def lived(of: Rule, rows: list[Row], cut: int | None) -> list[tuple[Instant, Firing]]:
    """What is fired, with the clock of its row; there is a row for each deadline. After row number `cut` there is a
    restart from a snapshot."""
    compiled = program(of)
    engine, found = Engine(compiled), list[tuple[Instant, Firing]]()
    for number, row in enumerate(rows):
        while (due := engine.next_deadline()) is not None and due < row.clock:
            found += [(due, firing) for firing in engine.apply(Tick(due))]
        found += [(row.clock, firing) for firing in engine.apply(row)]
        if number == cut:
            engine = Engine.restore(compiled, engine.snapshot())
    return found


def expected(firings: list[tuple[Instant, Firing]], stops: list[tuple[Instant, Instant]]) -> list[tuple[str, str]]:
    """(alert, what) of what is told, of all that is fired with its clock."""
    known, told = set[str](), list[tuple[str, str]]()
    for clock, firing in firings:
        stopped = any(since <= clock < until for since, until in stops)
        if firing.alert_id in known:
            if not (stopped and firing.kind == "summary"):
                told.append((firing.alert_id, firing.kind))
        elif not stopped and firing.kind in ("fired", "continued", "storm"):
            known.add(firing.alert_id)
            told.append((firing.alert_id, "opens"))
    return told


@pytest.mark.parametrize("of", KINDS, ids=range(len(KINDS)))
@settings(max_examples=100, deadline=None)
@given(steps=st.lists(st.one_of(events, events, switches, ons), min_size=1, max_size=25), cut=st.integers(0, 25))
def test_what_is_told_is_what_is_fired_less_what_a_stop_holds_back(
    of: Rule, steps: list[tuple[int, str, int]], cut: int
) -> None:
    """Also over a restart from a snapshot at any place."""
    rows, without = rows_of(of, steps)
    stops: list[tuple[Instant, Instant]] = []
    for row in rows:
        if isinstance(row, (Disable, Enable)) and stops and stops[-1][1] > row.clock:
            stops[-1] = (stops[-1][0], row.clock)
        if isinstance(row, Disable):
            stops.append((row.clock, row.until))
    told = [(one.alert_id, "opens" if one.opens else one.kind) for _, one in lived(of, rows, cut)]
    assert told == expected(lived(of, without, None), stops)
