"""Identities of events that are remembered, made of their lines only when somebody asks for one.

Most of what is remembered of events comes to nothing, and an identity costs as much as to decode the line: see
`model.event.identity_of`. Until it is asked for, a short line stands in its place, of so many events as there is room
for. Nothing else of an event is held: its view and itself go while they are at hand.
"""

from typing import TypeAlias

from cepd.model.event import Happening, identity_of

MOST_HELD = 4_096
"""Lines that one unit may hold."""

LONGEST_HELD = 512
"""Bytes of such a line."""

Identity: TypeAlias = str | tuple[str, bytes]
"""The identity of an event with an id, or its source and line."""


def hold_identity(event: Happening, room: bool) -> Identity:
    """`room`: whether the line of one more event may be held."""
    line = event.line
    if room and event.given is not None and len(line) <= LONGEST_HELD:
        return event.source, line
    return event.identity


def tell_identity(identity: Identity, event_id: str) -> str:
    """The identity of the event with that id."""
    if isinstance(identity, str):
        return identity
    source, line = identity
    return identity_of(source, event_id, line, "", 0)
