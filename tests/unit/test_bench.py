"""The benchmark: each topic at a size that takes no time, the loops that its counts are held against, its table."""

import gc
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from cepd.engine.program import compile_program
from cepd.model.rule import EventTrigger
from tests.bench import plain
from tests.bench.__main__ import TOPICS, chosen_of, measured
from tests.bench.events import TYPES, hosts, metric_clock, metrics
from tests.bench.feeding import fed, rows_of
from tests.bench.measuring import Load, Size, costs
from tests.bench.table import Row, as_json, as_text
from tests.bench.targets import AtLeast, AtMost
from tests.bench.topics import stateless
from tests.support.rows import rule

TINY = Size(events=200, rules=20, keys=50, rounds=1)
FOLDER = Path(plain.__file__).with_name("topics")


@pytest.fixture(autouse=True)
def _only_their_own_garbage() -> Iterator[None]:
    """A measurement collects garbage before each round; what other tests of this process hold is not looked through."""
    gc.freeze()
    yield
    gc.unfreeze()


def test_every_topic_is_in_the_table() -> None:
    assert sorted(TOPICS) == sorted(path.stem for path in FOLDER.glob("*.py"))


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_gives_rows(topic: str) -> None:
    rows = measured(topic, TINY)
    assert rows
    assert all(isinstance(row, Row) for row in rows)
    assert all(row.what.startswith(topic) for row in rows)
    assert len({(row.what, row.of) for row in rows}) == len(rows)


def test_topics_are_chosen_by_how_they_begin() -> None:
    assert chosen_of([]) == list(TOPICS)
    assert chosen_of(["st", "peers"]) == ["stateless", "peers"]
    assert chosen_of(["eers"]) == []


def test_the_plain_loops_count_what_other_engines_were_held_to() -> None:
    events = list(hosts(200_000))
    assert (plain.w1(events), plain.w2(events), plain.w3(events)) == (20_177, 8_410, 46_772)


def test_a_match_too_many_or_too_few_is_an_error() -> None:
    lines = metrics(100, types=1)
    low, high = ([rule("r", f"value > {least}", trigger=EventTrigger((TYPES[0],)))] for least in (10, 90))
    stateless.check(compile_program(low), low, lines)
    for program, rules in ((low, high), (high, low)):
        with pytest.raises(AssertionError):
            stateless.check(compile_program(program), rules, lines)


def test_a_firing_too_many_or_too_few_is_an_error() -> None:
    lines = metrics(100)
    for expected in (99, 101):
        load = fed(compile_program([rule("r", "value >= 0")]), rows_of(lines, metric_clock), len(lines), expected)
        with pytest.raises(AssertionError):
            load.prepare()()


def test_thresholds_are_counted_at_the_end_and_at_once() -> None:
    """Averages of one minute: 90, then 80, then 82; of the next one 70."""
    told = [(0, 90), (1, 70), (2, 86), (60, 70)]
    events = [{"ts": ts, "type": "t", "host": "h", "cpu": cpu} for ts, cpu in told]
    assert plain.at_the_end(events, [65, 75, 81, 85]) == 3 + 1
    assert plain.at_once(events, [65, 75, 81, 85]) == 4 + 1


@pytest.mark.parametrize(
    ("promise", "ratio", "verdict"),
    [
        (AtLeast(0.7, 0.5), 0.7, "ok"),
        (AtLeast(0.7, 0.5), 0.69, "below"),
        (AtLeast(0.7, 0.5), 0.5, "below"),
        (AtLeast(0.7, 0.5), 0.49, "below floor"),
        (AtLeast(0.7), 0.01, "below"),
        (AtMost(4), 4.0, "ok"),
        (AtMost(4), 4.1, "above"),
    ],
)
def test_a_promise_holds_or_not(promise: AtLeast | AtMost, ratio: float, verdict: str) -> None:
    assert promise.verdict(ratio) == verdict
    assert Row("it", 1.0, "ms", ratio, "that", promise).holds == verdict


ROWS = [Row("it", 1234.5, "ms", 0.004, "that", AtLeast(0.7, 0.5)), Row("the other", 1.5, "us/event", 12.0, "that")]


def test_the_table_for_people() -> None:
    assert as_text(ROWS).splitlines() == [
        "what              figure  ratio  of    promised",
        "it              1,234 ms  0.004  that  >= 0.7 (floor 0.5)  below floor",
        "the other  1.50 us/event  12.00  that",
    ]


def test_the_table_for_machines() -> None:
    first, second = json.loads(as_json(ROWS))
    assert first == {
        "what": "it",
        "figure": 1234.5,
        "unit": "ms",
        "ratio": 0.004,
        "of": "that",
        "promise": {"target": 0.7, "floor": 0.5},
        "holds": "below floor",
    }
    assert (second["promise"], second["holds"]) == (None, "")


def test_loads_take_turns_and_the_first_round_does_not_count() -> None:
    ran: list[str] = []

    def load(name: str, work: int) -> Load:
        def prepare():
            ran.append(name)
            return lambda: sum(range(work if len(ran) > 2 else 3_000_000))

        return Load(10, prepare)

    first, second = costs(load("a", 10), load("b", 1_000_000), rounds=3)
    assert ran == ["a", "b"] * 4
    assert first < second
    costs(load("c", 1), rounds=1)
    assert ran[8:] == ["c"]
