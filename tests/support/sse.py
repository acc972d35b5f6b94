"""A client of server-sent events: reads what comes, as the standard says, and keeps the last id."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec


class Event(NamedTuple):
    id: int | None
    """The last id that the client has seen with this event."""
    kind: str
    data: Any


class Reader:
    """Takes the body in pieces of any size; whoever stops in the middle of an event has not seen it."""

    def __init__(self, last_id: int | None = None) -> None:
        self.last_id = last_id
        self.comments: list[str] = []
        self.retry: int | None = None
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Event]:
        *blocks, self._rest = (self._rest + data).split(b"\n\n")
        for block in blocks:
            event = self._event(block.decode().split("\n"))
            if event is not None:
                yield event

    def _event(self, lines: list[str]) -> Event | None:
        kind, data = "message", None
        for line in lines:
            name, _, value = line.partition(": ")
            if not name:
                self.comments.append(value)
            elif name == "id":
                self.last_id = int(value)
            elif name == "event":
                kind = value
            elif name == "retry":
                self.retry = int(value)
            elif name == "data":
                assert data is None, "one line holds all of it"
                data = msgspec.json.decode(value)
            else:
                raise AssertionError(f"not a field of a stream: {line!r}")
        return None if data is None else Event(self.last_id, kind, data)


def unchunked(data: bytes) -> tuple[bytes, bytes]:
    """What whole chunks of a chunked body hold, and what is left of the rest."""
    body = b""
    while True:
        head, found, rest = data.partition(b"\r\n")
        size = int(head, 16) if found else -1
        if size < 0 or len(rest) < size + 2:
            return body, data
        body += rest[:size]
        data = rest[size + 2 :]
        if not size:
            return body, b""
