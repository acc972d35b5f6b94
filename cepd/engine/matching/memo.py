"""Answers about texts that come again: log lines often do, and a dictionary is 20 times as fast as looking."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar

LONGEST_TEXT = 256
MOST_TEXTS = 4096
TRIAL = 1024
REST = 16_384

Answer = TypeVar("Answer")


class Memo(Generic[Answer]):
    """A memo of `find`, which is asked about all texts longer than 256 characters. Whether it pays is found out by
    trial: where less than a quarter of 1,024 texts came again, it rests for 16,384 texts and is tried anew. When it
    holds 4,096 answers it is emptied, and tried anew too."""

    def __init__(self, find: Callable[[str], Answer]) -> None:
        self.known: Final[dict[str, Answer]] = {}
        """What has proved worth it. To be looked at before `ask`."""
        self.find: Final = find
        self._tried: dict[str, Answer] | None = {}
        self._asked = 0

    def ask(self, text: str) -> Answer:
        """What `find` says of a text that is not among `known`; None is no answer."""
        if len(text) > LONGEST_TEXT:
            return self.find(text)
        tried = self._tried
        if tried is None:
            return self._keep(text)
        self._asked += 1
        if self._asked <= 0:
            return self.find(text)
        found = tried.get(text)
        if found is None:
            found = tried[text] = self.find(text)
        if self._asked == TRIAL:
            self._judge(tried)
        return found

    def _keep(self, text: str) -> Answer:
        if len(self.known) >= MOST_TEXTS:
            self.known.clear()
            self._tried = {}
            return self.ask(text)
        found = self.known[text] = self.find(text)
        return found

    def _judge(self, tried: dict[str, Answer]) -> None:
        if len(tried) * 4 <= TRIAL * 3:
            self.known.update(tried)
            self._tried, self._asked = None, 0
        else:
            self._tried, self._asked = {}, -REST
