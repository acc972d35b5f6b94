"""What a rule found for a key at a point in time, before it is decided whether that is a firing."""

import msgspec

from cepd.model.event import Happening
from cepd.model.firing import StepSeen
from cepd.model.instant import Instant
from cepd.model.json import Json


class Evaluation(msgspec.Struct, frozen=True, gc=False):
    """`truth`, and what a firing made of it tells. The fields are those of `Firing` where the names are equal."""

    key: str
    """The key's text."""
    time: Instant
    """The firing's time, should it fire."""
    truth: bool
    cause: str = ""
    """What makes the firing the same again: see `firing_id`. Needed of true ones alone."""
    values: dict[str, Json] = msgspec.field(default_factory=dict)
    window: tuple[Instant, Instant | None] | None = None
    events: int = 1
    """0: nothing was heard of the key; the evaluation is that of an empty window."""
    event_ids: tuple[str, ...] = ()
    payload: bytes = b""
    event_type: str | None = None
    event_source: str | None = None
    steps: tuple[StepSeen, ...] = ()


def of_event(
    event: Happening, key: str, time: Instant, values: dict[str, Json] | None = None, *, truth: bool = True
) -> Evaluation:
    """An evaluation that one event is the cause of."""
    cause = event.identity if truth else ""
    found = {} if values is None else values
    return Evaluation(key, time, truth, cause, found, None, 1, (event.id,), event.line, event.type, event.source)
