"""Nodes against the plain interpreter: what a node tells of events, and what the reference says it should."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from cepd.engine.matching.node import Asked, Node, compile_node
from cepd.engine.paths import fields_of
from cepd.engine.projection import Projection
from cepd.engine.reference import evaluate
from cepd.model.condition import Condition, Field, Literally, Test
from cepd.model.json import Json

NOBODY = "nobody"
"""The source of events that name none."""


def when(op: str, path: str, value: Json = None, *, ignore_case: bool = False) -> Test:
    """A test of a field against a literal."""
    return Test(op, Field(path), None if op == "exists" else Literally(value), ignore_case)


def asks(conditions: Iterable[Condition]) -> list[Asked]:
    return [Asked(condition, None) for condition in conditions]


def projection_of(asked: Sequence[Asked]) -> Projection:
    return Projection(path for condition, _ in asked if condition is not None for path in fields_of(condition))


def told(node: Node, view: object) -> list[int]:
    """The places that a node gives, in order; one that it gives twice is there twice."""
    found: list[int] = []
    node.match(view, found.append, found.extend, NOBODY)
    return sorted(found)


def expected(asked: Sequence[Asked], event: Mapping[str, Json]) -> list[int]:
    source = event.get("source")
    sender = source if isinstance(source, str) and source else NOBODY
    return [
        place
        for place, (condition, sources) in enumerate(asked)
        if (sources is None or sender in sources) and (condition is None or evaluate(condition, event))
    ]


def assert_agrees(asked: Sequence[Asked], events: Sequence[Mapping[str, Json]], *, node: Node | None = None) -> int:
    """How many evaluations agreed. Events come as they are decoded from their JSON."""
    node = node or compile_node(asked)
    decode = projection_of(asked).decode
    for event in events:
        found, wanted = told(node, decode(msgspec.json.encode(event))), expected(asked, event)
        assert found == wanted, (event, [asked[place] for place in {*found} ^ {*wanted}])
    return len(asked) * len(events)
