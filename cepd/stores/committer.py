"""One thread that commits in groups: everything queued while it was busy becomes the next group, and shares its sync.

It knows nothing of what it commits. Results go back to the event loop by the commit function's own means.
"""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Committer(Generic[Item]):
    """`commit` is called in the thread, with one item or more, in the order of `put`. It must not raise."""

    def __init__(self, name: str, commit: Callable[[list[Item]], None]) -> None:
        self._commit = commit
        self._queue: list[Item] = []
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        with self._changed:
            self._queue.append(item)
            self._changed.notify()

    def take(self) -> list[Item]:
        """Empties the queue: what is returned will not be committed."""
        with self._changed:
            taken, self._queue = self._queue, []
            return taken

    def close(self) -> None:
        """Blocks until everything queued has been committed and the thread has ended."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while group := self._next():
            self._commit(group)

    def _next(self) -> list[Item]:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closing)
        return self.take()
