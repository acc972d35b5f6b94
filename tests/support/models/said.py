"""What a rule says, in the words that model and engine are compared in, and what a model's evaluation holds."""

import math
from typing import Any, NamedTuple

from cepd.model.firing import Firing
from cepd.model.instant import Instant

Values = dict[str, Any]


class Said(NamedTuple):
    """`id` follows from the cause; of a resolve only kind, key, time and reason count beside it."""

    kind: str
    key: Values
    time: Instant
    id: str
    reason: str | None = None
    window: tuple[Instant, Instant] | None = None
    values: Values | None = None
    events: int | None = None
    event_ids: tuple[str, ...] | None = None
    payload: bytes | None = None


class Found(NamedTuple):
    """One evaluation of a model. `once`: names of what may fire once only, as the window of an eager rule."""

    key: str
    time: Instant
    truth: bool
    cause: str
    values: Values | None
    """None here and below: not compared."""
    window: tuple[Instant, Instant] | None = None
    events: int = 1
    event_ids: tuple[str, ...] = ()
    payload: bytes | None = b""
    once: tuple[object, ...] = ()


def said(firings: list[Firing]) -> list[Said]:
    """What the engine's firings say; `continued` ones say nothing."""
    return [_said(firing) for firing in firings if firing.kind != "continued"]


def _said(firing: Firing) -> Said:
    if firing.kind == "resolved":
        return Said("resolved", firing.key, firing.time, firing.id, firing.reason)
    return Said(
        firing.kind,
        firing.key,
        firing.time,
        firing.id,
        firing.reason,
        firing.window,
        firing.values,
        firing.events,
        firing.event_ids,
        firing.payload,
    )


def same(heard: list[Said], expected: list[Said]) -> bool:
    """Equal in all that is expected, but for the last digits of floats."""
    return len(heard) == len(expected) and all(map(_same, heard, expected))


def _same(heard: Said, expected: Said) -> bool:
    return all(want is None or _near(got, want) for got, want in zip(heard, expected, strict=True))


def _near(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_near(one[name], other[name]) for name in one)
    if type(one) in (int, float) and type(other) in (int, float):
        return one == other or math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return type(one) is type(other) and bool(one == other)
