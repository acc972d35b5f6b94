"""The engine against the models, and against itself, over many random streams. What came of it is counted, so that a
test that would show nothing fails."""

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cepd.engine.arrivals import read_view
from cepd.engine.engine import Engine
from cepd.engine.program import Program
from cepd.engine.rows import Batch, Lines, Recorded, Resume, Row, Swap, Tick
from cepd.model.firing import Firing
from cepd.model.rule import ActionSpec, Resolve, Rule, Suppress
from tests.support.generators import Sent, rows, sharing, streams
from tests.support.models.kinds import model
from tests.support.models.said import Said, said, same
from tests.support.rows import START, S, program, run


def fixed(examples: int) -> settings:
    """The same examples at every run."""
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


def versus_model(rules: st.SearchStrategy[Rule], examples: int, most: int = 40) -> Counter[str]:
    """Asserts that engine and model say the same; what was said, by kind, and the evaluations that led to it."""
    counts: Counter[str] = Counter()

    @fixed(examples)
    @given(rules, streams(most))
    def compare(rule: Rule, stream: list[Sent]) -> None:
        compiled = program(rule)
        given_rows = rows(compiled, stream)
        asked = model(rule)
        expected = asked.run(given_rows)
        heard = said(run(Engine(compiled), given_rows))
        counts.update(item.kind for item in expected)
        counts["evaluations"] += asked.evaluations
        counts["continued"] += asked.continued
        assert same(heard, expected), told(rule, given_rows, heard, expected)

    compare()
    return counts


def versus_alone(rules: st.SearchStrategy[list[Rule]], examples: int, most: int = 40) -> int:
    """Asserts that rules which share their state say what each says alone; how much that was."""
    count = 0

    @fixed(examples)
    @given(rules, streams(most))
    def compare(rules: list[Rule], stream: list[Sent]) -> None:
        nonlocal count
        together = program(*rules)
        assert len(together.units) <= 1
        given_rows = rows(together, stream)
        heard = run(Engine(together), given_rows)
        count += len(heard)
        for rule in rules:
            alone = run(Engine(program(rule)), given_rows)
            mine = [firing for firing in heard if firing.rule_id == rule.id]
            assert mine == alone, told(rule, given_rows, said(mine), said(alone))

    compare()
    return count


def versus_swapped(kind: st.SearchStrategy[Rule], examples: int, most: int = 40) -> Counter[str]:
    """Asserts that another Episode in mid-stream ends holds and episodes and keeps what events added up to."""
    counts: Counter[str] = Counter()

    @fixed(examples)
    @given(sharing(kind), streams(most), st.binary(min_size=most, max_size=most))
    def compare(rules: list[Rule], stream: list[Sent], luck: bytes) -> None:
        forms = [program(msgspec.structs.replace(rule, id="r")) for rule in rules]
        plain = rows(forms[0], stream)
        mixed: list[Row] = []
        for row, chance in zip(plain, luck + bytes(len(plain)), strict=False):
            mixed.append(row)
            if chance > 230:
                mixed.append(Swap(row.clock, forms[chance % len(forms)]))
        expected = model(forms[0].rules["r"]).run(mixed)
        heard = said(run(Engine(forms[0]), mixed))
        counts.update(item.reason or item.kind for item in expected)
        assert same(heard, expected), told(rules[0], mixed, heard, expected)

    compare()
    return counts


def versus_itself(rules: st.SearchStrategy[Rule], examples: int, most: int, turns: int = 1) -> Counter[str]:
    """Asserts that no change changes anything, not a byte; the firings, by kind, and the events that were matched.
    Each stream comes `turns` times, one after the other."""
    counts: Counter[str] = Counter()

    @fixed(examples)
    @given(rules, streams(most), st.binary(min_size=most, max_size=most))
    def compare(rule: Rule, stream: list[Sent], luck: bytes) -> None:
        compiled = program(rule)
        given_rows = rows(compiled, stream * turns)
        engine = Engine(compiled)
        plain = run(engine, given_rows)
        counts.update(firing.kind for firing in plain)
        counts["matched"] += engine.stats.rules[rule.id].matched
        for change in CHANGES:
            changed = change(rule, given_rows, luck * turns)
            assert changed == plain, f"{change.__name__}\n{told(rule, given_rows, said(changed), said(plain))}"

    compare()
    return counts


def versus_together(rules: st.SearchStrategy[Rule], examples: int, most: int) -> Counter[str]:
    """Asserts that events which come together, as lines of a body or of a recording, lead to what they lead to one by
    one; the firings, by kind, and the events that were matched."""
    counts: Counter[str] = Counter()

    @fixed(examples)
    @given(rules, streams(most))
    def compare(rule: Rule, stream: list[Sent]) -> None:
        compiled = program(rule)
        given_rows = rows(compiled, stream)
        engine = Engine(compiled)
        plain = run(engine, given_rows)
        counts.update(firing.kind for firing in plain)
        counts["matched"] += engine.stats.rules[rule.id].matched
        heard = one_body_a_clock(rule, given_rows)
        assert heard == plain, f"bodies\n{told(rule, given_rows, said(heard), said(plain))}"
        nameless = [_without_origin(row) for row in given_rows]
        plain, heard = run(Engine(compiled), nameless), recorded(rule, nameless)
        assert heard == plain, f"recorded\n{told(rule, nameless, said(heard), said(plain))}"

    compare()
    return counts


def one_batch_a_clock(rule: Rule, given_rows: Sequence[Row], luck: bytes) -> list[Firing]:
    """Events of one clock and input come as one batch, now and then."""
    merged: list[Row] = []
    for row, chance in zip(given_rows, luck + bytes(len(given_rows)), strict=False):
        last = merged[-1] if merged else None
        both = isinstance(row, Batch) and isinstance(last, Batch) and chance > 40
        if both and (row.clock, row.input) == (last.clock, last.input):
            merged[-1] = msgspec.structs.replace(last, events=[*last.events, *row.events])
        else:
            merged.append(row)
    return run(Engine(program(rule)), merged)


def one_body_a_clock(rule: Rule, given_rows: Sequence[Row]) -> list[Firing]:
    """Events of one clock and input come as the lines of one body."""
    compiled = program(rule)
    bodies: list[Row] = []
    for _, group in groupby(given_rows, lambda row: (row.clock, getattr(row, "input", None))):
        bodies += _as_lines(list(group))
    return run(Engine(compiled), bodies)


def recorded(rule: Rule, given_rows: Sequence[Row]) -> list[Firing]:
    """As one long row for all events that came through one input without another in between, each at its own clock."""
    compiled = program(rule)
    mixed: list[Row] = []
    for name, group in groupby(given_rows, lambda row: getattr(row, "input", None)):
        together = list(group)
        mixed += together if name is None else [_as_recorded(compiled, together)]
    return run(Engine(compiled), mixed)


def _without_origin(row: Row) -> Row:
    if not isinstance(row, Batch):
        return row
    return msgspec.structs.replace(row, events=[msgspec.structs.replace(event, origin="") for event in row.events])


def _as_lines(given_rows: Sequence[Row]) -> Sequence[Row]:
    first = given_rows[0]
    if not isinstance(first, Batch):
        return given_rows
    events = [event for row in given_rows for event in row.events]
    body = b"\n".join(event.line for event in events)
    return [Lines(first.clock, first.input, body, "tests", events[0].origin, events[0].number)]


def _as_recorded(compiled: Program, given_rows: Sequence[Batch]) -> Recorded:
    events = [event for row in given_rows for event in row.events]
    return Recorded(
        given_rows[0].clock,
        given_rows[0].input,
        lines=[event.line for event in events],
        views=[read_view(event.line, compiled.projection, compiled.counts) for event in events],
        times=[event.time for event in events],
        clocks=[row.clock for row in given_rows for _ in row.events],
        numbers=[event.number for event in events],
        source="tests",
    )


def ticks_between(rule: Rule, given_rows: Sequence[Row], luck: bytes) -> list[Firing]:
    """Time passes in smaller steps, of part of seconds too; downtime does not: nobody is there to tick."""
    mixed: list[Row] = [given_rows[0]]
    for row, chance in zip(given_rows[1:], luck + bytes(len(given_rows)), strict=False):
        gap = row.clock - mixed[-1].clock
        parts = () if isinstance(row, Resume) else sorted({chance, chance // 3})
        mixed += [Tick(mixed[-1].clock + gap * part // 256) for part in parts]
        mixed.append(row)
    return run(Engine(program(rule)), mixed)


def restarts_between(rule: Rule, given_rows: Sequence[Row], luck: bytes) -> list[Firing]:
    """The engine dies at any row and comes back from its snapshot, with a program that was compiled again."""
    engine = Engine(program(rule))
    found: list[Firing] = []
    for row, chance in zip(given_rows, luck + bytes(len(given_rows)), strict=False):
        found += engine.apply(row)
        if chance > 80:
            engine = Engine.restore(program(rule), engine.snapshot())
    return found


def swaps_between(rule: Rule, given_rows: Sequence[Row], luck: bytes) -> list[Firing]:
    """The same rule comes again, now and then with other texts."""
    texts = msgspec.structs.replace(
        rule, name="other", description="other", severity="low", actions=(ActionSpec("notify", {"channels": ["new"]}),)
    )
    mixed: list[Row] = []
    for row, chance in zip(given_rows, luck + bytes(len(given_rows)), strict=False):
        mixed.append(row)
        if chance > 80:
            mixed.append(Swap(row.clock, program(rule if chance % 2 else texts)))
    return run(Engine(program(rule)), mixed)


def replayed(rule: Rule, given_rows: Sequence[Row], luck: bytes) -> list[Firing]:
    """The same rows once more, before another rule that has nothing to do with it."""
    other = msgspec.structs.replace(rule, id="z", suppress=Suppress(7 * S), resolve=Resolve(3 * S), hold=None)
    firings = run(Engine(program(rule, other)), given_rows)
    return [firing for firing in firings if firing.rule_id == rule.id]


CHANGES: list[Callable[[Rule, Sequence[Row], bytes], list[Firing]]] = [
    one_batch_a_clock,
    ticks_between,
    restarts_between,
    swaps_between,
    replayed,
]
"""Each runs a rule over rows in another way; the bytes are luck to draw from."""


def told(rule: Rule, given_rows: Sequence[Row], heard: Sequence[Said], expected: Sequence[Said]) -> str:
    """Rows and both accounts in words, for a test that fails."""
    lines = [f"{rule.trigger} {rule.window} {dict(rule.aggregate)}"]
    lines.append(f"when={rule.when} having={rule.having} group_by={rule.group_by} time={rule.time}")
    lines.append(f"for={rule.hold} resolve={rule.resolve}")
    for row in given_rows:
        events = [f"{_seconds(event.time)} {event.line.decode()[:90]}" for event in getattr(row, "events", ())]
        lines.append(f"  {type(row).__name__} {_seconds(row.clock)} {getattr(row, 'input', '')} {events}")
    for name, account in (("heard", heard), ("expected", expected)):
        lines.append(name)
        lines += [f"  {_seconds(item.time)} {item}" for item in account]
    return "\n".join(lines)


def _seconds(time: int) -> float:
    return (time - START) / S
