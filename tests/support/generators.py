"""Random rules that remember, and streams of events that meet them: few keys, few values, times on a grid of seconds,
so that ties, edges, late and early events are common."""

from typing import Any, NamedTuple

import msgspec
from hypothesis import strategies as st

from cepd.engine.expressions import parse_expression
from cepd.engine.program import Program
from cepd.engine.rows import Batch, Resume, Row, Tick
from cepd.model.rule import (
    AbsenceTrigger,
    Aggregate,
    AnomalyTrigger,
    MetricTrigger,
    NewValueTrigger,
    Resolve,
    Rule,
    SequenceTrigger,
    Step,
    Window,
)
from tests.support.rows import START, S, rule

GAPS = [0, 0, 0, 0, 1, 2, 5, 5, 10, 10, 20, 31, 90]
DOWN = 31
"""A gap that was downtime."""
OFFSETS = [0, 0, 0, 0, 0, -1, -3, -5, -5, -10, -15, -40, 3, 10, 400]
KEYS = ["a", "a", "a", "b", "b", 1, 1.0, None]
ODD_KEYS = ["a", "b", {}, True, "ü"]
NUMBERS = [0, 1, 1, 2, 3, 5, 0.5, -1]
ODD = [True, "3", None, {"x": 1}, [], 2**60, 10**400]


class Sent(NamedTuple):
    """`gap` seconds after the one before it comes an event whose time is `offset` seconds from its arrival."""

    gap: int
    offset: int
    fields: dict[str, Any]
    input: str = "http"


def streams(most: int = 40) -> st.SearchStrategy[list[Sent]]:
    """Four bytes an event: one draw makes a stream, however long."""
    return st.binary(min_size=2 * most, max_size=4 * most).map(_stream)


def _stream(data: bytes) -> list[Sent]:
    return [_sent(*data[place : place + 4]) for place in range(0, len(data) - 3, 4)]


def _sent(gap: int, offset: int, kind: int, value: int) -> Sent:
    fields: dict[str, Any] = {"type": "AABBC"[kind % 5]}
    if kind < 220:
        fields |= {"host": KEYS[value % len(KEYS)], "n": 1000 if value >= 248 else NUMBERS[value // 8 % len(NUMBERS)]}
    else:
        fields |= {"n": ODD[value % len(ODD)]} if value < 160 else {}
        fields |= {"host": ODD_KEYS[kind % len(ODD_KEYS)]} if kind < 250 else {}
        fields |= {"id": "same"} if value % 3 else {}
    name = "kafka" if gap >= 220 else "http"
    return Sent(GAPS[gap % len(GAPS)], OFFSETS[offset % len(OFFSETS)], fields, name)


def rows(program: Program, stream: list[Sent], *, end: int = 400) -> list[Row]:
    """One row an event, after a resume where the gap is that of a restart; then a tick `end` seconds after the last."""
    made: list[Row] = []
    clock = START + 1000 * S
    for number, sent in enumerate(stream, 1):
        clock += sent.gap * S
        if sent.gap == DOWN:
            made.append(Resume(clock))
        line = encoded(sent.fields | {"time": (clock + sent.offset * S) // S})
        events = program.decode([line], clock, source="tests", origin="j", first=number)
        made.append(Batch(clock, sent.input, events))
    made.append(Tick(clock + end * S))
    return made


def encoded(fields: dict[str, Any]) -> bytes:
    """As JSON, also with an int that msgspec has no room for."""
    huge = [name for name, value in fields.items() if type(value) is int and value >= 2**64]
    line = msgspec.json.encode(fields | dict.fromkeys(huge, "huge"))
    for name in huge:
        line = line.replace(f'"{name}":"huge"'.encode(), f'"{name}":{fields[name]}'.encode())
    return line


AGGREGATES = {
    "events": Aggregate("count"),
    "given": Aggregate("count", "n"),
    "total": Aggregate("sum", "n"),
    "mean": Aggregate("avg", "n"),
    "low": Aggregate("min", "n"),
    "high": Aggregate("max", "n"),
    "spread": Aggregate("stddev", "n"),
    "p50": Aggregate("percentile", "n", 50),
    "p95": Aggregate("percentile", "n", 95),
    "kinds": Aggregate("distinct_count", "n"),
    "head": Aggregate("first", "n"),
    "tail": Aggregate("last", "n"),
}
HAVINGS = [
    None,
    "events >= 2",
    "events >= 3",
    "total > 3",
    "mean >= 1",
    "events < 2",
    "not (events > 1)",
    "high > 2 and events > 1",
    "low == 1 or spread > 1",
    "p95 >= 3",
    'head == tail and host != "b"',
]


def _having(text: str | None) -> Any:
    return None if text is None else parse_expression(text)


def _common(held: bool) -> dict[str, st.SearchStrategy[Any]]:
    found: dict[str, st.SearchStrategy[Any]] = {
        "group_by": st.sampled_from([("host",), ("host",), ()]),
        "when": st.sampled_from([None, None, "n >= 1"]),
        "time": st.sampled_from(["event", "event", "event", "arrival"]),
    }
    if held:
        found["hold"] = st.sampled_from([None, None, 10 * S, 20 * S])
        found["resolve"] = st.sampled_from([None, None, Resolve(), Resolve(), Resolve(15 * S), Resolve(60 * S)])
    return found


def _rules(held: bool, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Rule]:
    return st.fixed_dictionaries(_common(held) | parts).map(lambda given: rule(max_alerts=10**9, **given))


def windowed(*windows: Window) -> st.SearchStrategy[Rule]:
    names = st.lists(st.sampled_from(list(AGGREGATES)), max_size=3, unique=True)
    havings = st.sampled_from(HAVINGS).map(_having)
    return st.builds(_windowed, _rules(True, window=st.sampled_from(windows)), names, havings, st.booleans())


def _windowed(base: Rule, names: list[str], having: Any, carries: bool) -> Rule:
    used = [*names, *(name for name in AGGREGATES if having is not None and f"'{name}'" in repr(having))]
    chosen = {name: AGGREGATES[name] for name in AGGREGATES if name in used}
    return msgspec.structs.replace(base, aggregate=chosen, having=having, carries=("n", "type") if carries else ())


def _ends(kind: str, size: int, **more: Any) -> list[Window]:
    return [Window(kind, size=size * S, emit=emit, **more) for emit in ("close", "close", "eager")]


TUMBLING = windowed(*_ends("tumbling", 10), *_ends("tumbling", 60))
SLIDING = windowed(
    *_ends("sliding", 20, slide=10 * S), *_ends("sliding", 60, slide=20 * S), *_ends("sliding", 5, slide=5 * S)
)
SESSION = windowed(
    *[Window("session", timeout=timeout * S, emit=emit) for timeout in (5, 20) for emit in ("close", "eager")]
)
STATELESS = st.one_of(
    _rules(True),
    _rules(True, trigger=st.builds(MetricTrigger, st.just("n"), st.sampled_from([">", "<=", "!="]), st.just(1))),
)
ABSENCE = st.builds(
    lambda base, resolve: msgspec.structs.replace(base, resolve=resolve),
    _rules(
        False,
        trigger=st.builds(
            AbsenceTrigger,
            timeout=st.sampled_from([5 * S, 20 * S, 60 * S]),
            event_type=st.sampled_from([None, ("A",)]),
            forget=st.sampled_from([90 * S, 1000 * S]),
        ),
    ),
    st.sampled_from([None, Resolve(), Resolve(60 * S)]),
)
NEW_VALUE = _rules(
    False,
    trigger=st.builds(
        NewValueTrigger,
        field=st.sampled_from(["n", "n", "type"]),
        ttl=st.sampled_from([20 * S, 60 * S, 1000 * S]),
        learn=st.sampled_from([0, 0, 10 * S, None]),
    ),
)


def _step(text: str) -> Step:
    """`A`, `B*3`, `fail:A*2`, `B if n == fail.n`, `not C`, `absent C`."""
    head, _, condition = text.partition(" if ")
    role = "event"
    for word in ("not", "absent"):
        if head.startswith(word + " "):
            role, head = word, head[len(word) + 1 :]
    name, _, head = head.rpartition(":")
    wanted, _, count = head.partition("*")
    return Step(
        id=name or None,
        role=role,
        event_type=None if wanted == "any" else (wanted,),
        when=parse_expression(condition) if condition else None,
        count=int(count or 1),
    )


STRICT = [
    ("A", "B"),
    ("A", "A"),
    ("A*2", "B"),
    ("A", "B*2"),
    ("A", "not C", "B"),
    ("A*3", "not C", "B", "A"),
    ("first:A", "B if n == first.n"),
    ("first:A", "B", "any if n > first.n"),
    ("A", "absent B"),
    ("A*2", "absent any"),
    ("A", "B", "absent C"),
    ("A", "not C", "B", "absent A"),
]


def sequences(order: str, patterns: list[tuple[str, ...]]) -> st.SearchStrategy[Rule]:
    steps = st.sampled_from(patterns).map(lambda texts: tuple(map(_step, texts)))
    within = st.sampled_from([5 * S, 20 * S, 60 * S, 60 * S])
    runs = st.sampled_from(["one", "one", "all"])
    return _rules(
        False, trigger=st.builds(SequenceTrigger, within=within, steps=steps, order=st.just(order), runs=runs)
    )


ANY = [("A", "B"), ("A", "B", "C"), ("A*2", "B"), ("any", "B*2"), ("A if n > 1", "A", "B if n > 0")]
SEQUENCE = sequences("strict", STRICT)
ANY_ORDER = sequences("any", ANY)
METHODS = {
    "zscore": {"threshold": 1, "window": 20},
    "iqr": {"multiplier": 0.5, "window": 20},
    "ema": {"threshold": 1},
    "level_shift": {"threshold": 0.5},
    "extreme": {"threshold": 0.3},
    "seasonal": {"threshold": 0.5, "season": 4 * S},
    "volatility": {"threshold": 0.5},
    "auto": {"sensitivity": "high", "season": 4 * S},
}
TUNINGS = [
    {"min_baseline": 3, "cooldown": 0},
    {"min_baseline": 2, "cooldown": 20 * S},
    {"min_baseline": 5, "cooldown": 0, "direction": "up", "min_change": 1},
    {"min_baseline": 3, "cooldown": 5 * S, "consecutive": 2, "direction": "down"},
]


def anomalies(method: str) -> st.SearchStrategy[Rule]:
    trigger = st.sampled_from(TUNINGS).map(
        lambda tuning: AnomalyTrigger("n", method, None, None, METHODS[method] | tuning)
    )
    return st.builds(
        lambda base, resolve: msgspec.structs.replace(base, resolve=resolve),
        _rules(False, trigger=trigger),
        st.sampled_from([None, None, Resolve(), Resolve(60 * S)]),
    )


ANOMALY = st.sampled_from(["zscore", "iqr", "ema", "extreme"]).flatmap(anomalies)
"""By the methods that need few values."""


def sharing(kind: st.SearchStrategy[Rule]) -> st.SearchStrategy[list[Rule]]:
    """Up to three rules with one State: what they ask of it differs."""
    asking = st.tuples(
        st.sampled_from(HAVINGS),
        st.sampled_from([None, 10 * S]),
        st.sampled_from([None, Resolve(), Resolve(15 * S)]),
        st.sampled_from(TUNINGS),
    )
    return st.builds(_sharing, kind, st.lists(asking, min_size=1, max_size=2))


def _sharing(first: Rule, others: list[tuple[Any, ...]]) -> list[Rule]:
    return [first, *(asking(first, f"r{number}", *other) for number, other in enumerate(others))]


def asking(of: Rule, rule_id: str, having: str | None, hold: int | None, resolve: Resolve | None, tuning: Any) -> Rule:
    """The rule with another Episode, or for an anomaly another tuning; its State stays."""
    trigger: Any = of.trigger
    if isinstance(trigger, AnomalyTrigger):
        trigger = msgspec.structs.replace(trigger, parameters=METHODS[trigger.method] | tuning)
    if isinstance(trigger, SequenceTrigger | NewValueTrigger):
        resolve = None
    if of.window is None:
        hold = of.hold if of.hold is None or hold is None else hold
        return msgspec.structs.replace(of, id=rule_id, trigger=trigger, resolve=resolve, hold=hold)
    known = having is None or all(name in of.aggregate for name in AGGREGATES if name in having.split())
    wanted = _having(having) if known else of.having
    return msgspec.structs.replace(of, id=rule_id, having=wanted, hold=hold, resolve=resolve)
