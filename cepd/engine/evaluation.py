"""What a rule found for a key at a point in time, before it is decided whether that is a firing."""

import msgspec

from cepd.model.event import Event
from cepd.model.firing import StepSeen
from cepd.model.instant import Instant
from cepd.model.json import Json


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
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


def of_event(event: Event, key: str, time: Instant, values: dict[str, Json] | None = None) -> Evaluation:
    """A true evaluation that one event is the cause of."""
    return Evaluation(
        key=key,
        time=time,
        truth=True,
        cause=event.identity,
        values={} if values is None else values,
        event_ids=(event.id,),
        payload=event.line,
        event_type=event.type,
        event_source=event.source,
    )
