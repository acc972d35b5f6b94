"""Short ways to write rules, lines and rows in tests of the engine."""

from collections.abc import Sequence

import msgspec

from cepd.engine.expressions import parse_expression
from cepd.engine.program import Program, compile_program
from cepd.engine.rows import Batch, Row
from cepd.model.duration import SECOND
from cepd.model.firing import Firing
from cepd.model.generation import Definition
from cepd.model.rule import ActionSpec, EventTrigger, Rule

S = SECOND
START = 1_767_225_600 * SECOND
"""2026-01-01T00:00:00Z, the start of an hour."""


def rule(rule_id: str = "r", when: str | None = None, **parts: object) -> Rule:
    parts.setdefault("trigger", EventTrigger())
    parts.setdefault("actions", (ActionSpec("notify", {"channels": ["ops"]}),))
    condition = None if when is None else parse_expression(when)
    return Rule(id=rule_id, name=rule_id, when=condition, **parts)


def definition(the_rule: Rule, **parts: object) -> Definition:
    return Definition(rule=the_rule, document={}, pack="pack", file="pack.yaml", line=1, **parts)


def program(*rules: Rule, previous: Program | None = None, lateness: int = 5 * S) -> Program:
    return compile_program(rules, previous, lateness=lateness)


def line(at: float | None = None, **fields: object) -> bytes:
    """One event; `at` is its time in seconds after START."""
    time = {} if at is None else {"time": (START + round(at * S)) / S}
    return msgspec.json.encode(fields | time)


def batch(of: Program, at: float, *lines: bytes, first: int = 1, name: str = "http") -> Batch:
    """A row of events that arrive `at` seconds after START."""
    clock = START + round(at * S)
    return Batch(clock, name, of.decode(lines, clock, source="tests", origin="j", first=first))


def stream(of: Program, *events: tuple[float, bytes]) -> list[Batch]:
    """One row an event, each (arrival in seconds after START, line), numbered."""
    return [batch(of, at, text, first=number) for number, (at, text) in enumerate(events, 1)]


def run(engine: object, rows: Sequence[Row]) -> list[Firing]:
    return [firing for row in rows for firing in engine.apply(row)]
