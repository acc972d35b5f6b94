"""Senders that load a daemon at once, each with batches of its own, and send again what was not answered."""

import random
import threading
import time
from http.client import HTTPException
from typing import Any
from urllib.error import URLError

from tests.support.daemon import Daemon

HOSTS = 4
BUSY = (429, 503)


class Sender:
    """`sent` are the ids of all events that left, answered or not; each comes with the same bytes at every try."""

    def __init__(self, name: str) -> None:
        self.sent: list[str] = []
        self._name = name
        self._dice = random.Random(name)
        self._unanswered: list[dict[str, Any]] = []
        self._answered: list[list[dict[str, Any]]] = []

    def send(self, daemon: Daemon) -> bool:
        """One batch: the unanswered one, else a new one, and at times one that was answered long ago. Whether the
        daemon took it; it may be dead."""
        if not self._unanswered:
            self._unanswered = [self._event() for _ in range(self._dice.randrange(1, 40))]
        try:
            if self._answered and self._dice.random() < 0.2:
                again = self._dice.choice(self._answered)
                answer = daemon.ingest(*again)
                assert answer.status in BUSY or answer.json()["duplicates"] == len(again)
            status = daemon.ingest(*self._unanswered).status
        except (URLError, ConnectionError, HTTPException):
            return False
        assert status == 202 or status in BUSY
        if status == 202:
            self._answered.append(self._unanswered)
            self._unanswered = []
        return status == 202

    def _event(self) -> dict[str, Any]:
        """Most are of now, some a little old, some too old for their windows; some have no time."""
        dice = self._dice
        identity = f"{self._name}-{len(self.sent)}"
        self.sent.append(identity)
        at = time.time() - dice.choice((0, 0, 0, 0, 0, 0, 0.1, 0.4, 2))
        kind = "beat" if dice.random() < 0.02 else "host"
        found = {"type": kind, "id": identity, "host": f"h{dice.randrange(HOSTS)}", "n": dice.randrange(100)}
        found |= {"level": int(at) % 2, "version": f"v{len(self.sent) // 300}"}
        return found if dice.random() < 0.1 else found | {"ts": at}


def load(daemon: Daemon, senders: list[Sender]) -> list[threading.Thread]:
    """The senders at work, each in a thread, until the daemon is dead."""

    def work(sender: Sender) -> None:
        while daemon.process.poll() is None:
            sender.send(daemon)

    threads = [threading.Thread(target=work, args=(sender,)) for sender in senders]
    for thread in threads:
        thread.start()
    return threads
