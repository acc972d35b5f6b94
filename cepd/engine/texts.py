"""Texts in one buffer: a slot of a few bytes a text, where a list of str takes some sixty more.

Meant for texts that are written once. What a slot held before stays in the buffer, which goes with its window. Texts
that come one slot after the other are encoded many at once, which takes a fraction of the time.
"""

from collections.abc import Sequence
from itertools import accumulate
from operator import add

import msgspec

from cepd.engine.arrays import Ints, ints

_END = b"\xff"
"""Behind each text: no byte of UTF-8."""
_AS_TEXT = _END.decode("latin-1")
_MANY = 64


class Texts(msgspec.Struct):
    buffer: bytearray = msgspec.field(default_factory=bytearray)
    starts: Ints = msgspec.field(default_factory=ints)
    """Where in the buffer the text of each slot begins; -1 where there is none."""
    latest: list[str] = msgspec.field(default_factory=list)
    """The texts of the slots after those, which are not in the buffer yet."""

    def grow(self) -> None:
        """One more slot, without a text."""
        self._settle()
        self.starts.append(-1)

    def put(self, slot: int, text: str) -> None:
        """`text` holds no half of a surrogate pair; intake lets none in."""
        self._settle()
        self.starts[slot] = len(self.buffer)
        self.buffer += text.encode() + _END

    def append(self, text: str) -> None:
        """One more slot, with a text. As for `put`."""
        self.latest.append(text)
        if len(self.latest) == _MANY:
            self._settle()

    def extend(self, texts: Sequence[str]) -> None:
        """As `append` of each."""
        self.latest += texts
        if len(self.latest) >= _MANY:
            self._settle()

    def at(self, slot: int) -> str:
        """The text that was put there last."""
        if slot >= len(self.starts):
            return self.latest[slot - len(self.starts)]
        start = self.starts[slot]
        return self.buffer[start : self.buffer.index(_END, start)].decode()

    def _settle(self) -> None:
        latest = self.latest
        if not latest:
            return
        if "".join(latest).isascii():
            lengths, joined = map(len, latest), _AS_TEXT.join(latest).encode("latin-1")
        else:
            encoded = [text.encode() for text in latest]
            lengths, joined = map(len, encoded), _END.join(encoded)
        behind_ends = accumulate(lengths, initial=len(self.buffer))
        self.starts.extend(map(add, behind_ends, range(len(latest))))
        self.buffer += joined + _END
        latest.clear()
