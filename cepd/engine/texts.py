"""Texts in one buffer: a slot of a few bytes a text, where a list of str takes some sixty more.

Meant for texts that are written once. What a slot held before stays in the buffer, which goes with its window.
"""

import msgspec

from cepd.engine.arrays import Ints, ints

_END = b"\xff"
"""Behind each text: no byte of UTF-8."""


class Texts(msgspec.Struct):
    buffer: bytearray = msgspec.field(default_factory=bytearray)
    starts: Ints = msgspec.field(default_factory=ints)
    """Where in the buffer the text of each slot begins; -1 where there is none."""

    def grow(self) -> None:
        """One more slot, without a text."""
        self.starts.append(-1)

    def put(self, slot: int, text: str) -> None:
        """`text` holds no half of a surrogate pair; intake lets none in."""
        self.starts[slot] = len(self.buffer)
        self.buffer += text.encode() + _END

    def append(self, text: str) -> None:
        """One more slot, with a text. As for `put`."""
        self.starts.append(len(self.buffer))
        self.buffer += text.encode() + _END

    def at(self, slot: int) -> str:
        """The text that was put there last."""
        start = self.starts[slot]
        return self.buffer[start : self.buffer.index(_END, start)].decode()
