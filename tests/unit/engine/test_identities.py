"""Which lines are held until their event's identity is asked for."""

import pytest

from cepd.engine.identities import LONGEST_HELD, hold_identity, tell_identity
from cepd.model.event import Event


def event(line: bytes, given: str | None = "x") -> Event:
    return Event(given, "t", "s", 0, None, line, "j", 7)


@pytest.mark.parametrize(
    ("one", "room", "held"),
    [
        pytest.param(event(b"x" * LONGEST_HELD), True, True, id="a short line"),
        pytest.param(event(b"x" * (LONGEST_HELD + 1)), True, False, id="a long line"),
        pytest.param(event(b"x"), False, False, id="no room"),
        pytest.param(event(b"x", None), True, False, id="without an id there is nothing to digest"),
    ],
)
def test_a_short_line_is_held_where_there_is_room(one: Event, room: bool, held: bool) -> None:
    identity = hold_identity(one, room)
    assert (identity == ("s", one.line)) is held
    assert tell_identity(identity, one.id) == one.identity
