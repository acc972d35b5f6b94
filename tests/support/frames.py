"""Frames for tests of journals."""

from cepd.model.frame import Frame
from cepd.ports import Journal


def batch(journal: Journal, *lines: bytes, clock: int = 0) -> Frame:
    """The next frame of the journal, with these lines."""
    return Frame(
        seq=journal.next_seq,
        clock=clock or journal.last_clock + 1,
        kind="batch",
        input="http",
        source="token",
        first=journal.next_event,
        count=len(lines),
        body=b"\n".join(lines),
    )


def tick(journal: Journal, clock: int) -> Frame:
    return Frame(seq=journal.next_seq, clock=clock, kind="tick")
