"""Notices that the tree may have changed. It only wakes: what the tree holds is read by the reloader.

Watched are the parent of the root, the parent of each symbolic link on the way to it (git-sync and ConfigMap replace
links), and the folder that they lead to. Notices get lost on some file systems, so time wakes it as well.
"""

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from cepd.model.duration import SECOND, Span

log = logging.getLogger(__name__)

QUIET = 0.3
"""Seconds without a further notice after which the tree is read."""
LONGEST = 1.0
"""Seconds after which it is read although notices keep coming."""
LONGEST_CHAIN = 40
"""Links on the way to one file, as Linux has it."""

_NOTICED: list[type[FileSystemEvent]] = [
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileMovedEvent,
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
]
"""Not modifications: a writer that keeps its file open is not done, and the journal may lie below the root."""


class Place(NamedTuple):
    """A folder to watch: for one name in it, or whole."""

    folder: str
    name: str | None


def places_of(root: Path) -> set[Place]:
    """Where a change can change what `root` leads to, or what is in it. Of what is missing, where it would appear."""
    places: set[Place] = set()
    todo = list((Path.cwd() / root).parts)
    at = Path(todo.pop(0))
    links = 0
    while todo:
        name = todo.pop(0)
        step = at / name
        if name == "..":
            at = at.parent
        elif step.is_symlink() and links < LONGEST_CHAIN:
            links += 1
            places.add(Place(str(at), name))
            target = Path(os.readlink(step))
            todo[:0] = target.parts[1:] if target.is_absolute() else target.parts
            at = Path(target.anchor) if target.is_absolute() else at
        elif step.is_dir():
            at = step
        else:
            places.add(Place(str(at), name))
            return places
    places.add(Place(str(at.parent), at.name))
    places.add(Place(str(at), None))
    return places


class Watcher:
    """`interval`: after so long it wakes without a notice."""

    def __init__(self, root: Path, interval: Span) -> None:
        self._root = root
        self._interval = interval / SECOND
        self._observer: BaseObserver = Observer()
        self._watches: dict[_Wanted, ObservedWatch] = {}
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._renewing = threading.Lock()

    def start(self) -> None:
        """Begins to notice; before the tree is first read, so that nothing falls between."""
        self._loop = asyncio.get_running_loop()
        self._observer.start()
        self._renew()

    async def changed(self) -> None:
        """Ends when the tree may have changed and has been quiet for a moment, or when it is time to look again.

        The watches are renewed by then, so what changes after it wakes the next call.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._interval):
                await self._woken.wait()
            await self._quiet()
        self._woken.clear()
        await asyncio.to_thread(self._renew)

    def wake(self) -> None:
        """Look now, notice or not."""
        self._woken.set()

    def close(self) -> None:
        """Ends the notices; from then on time alone wakes it. Blocking."""
        with self._renewing:
            self._closed = True
        if self._observer.is_alive():
            self._observer.stop()
            self._observer.join()

    async def _quiet(self) -> None:
        assert self._loop is not None
        end = self._loop.time() + LONGEST
        while self._loop.time() < end:
            self._woken.clear()
            async with asyncio.timeout(QUIET):
                await self._woken.wait()

    def _noticed(self) -> None:
        """In a thread of the observer."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._woken.set)

    def _renew(self) -> None:
        """Watches what now is on the way to the root, and anew what was replaced by another of its name.

        In a thread, which a cancelled wait leaves behind: so it can come after the close.
        """
        with self._renewing:
            if not self._closed:
                self._watch_places()

    def _watch_places(self) -> None:
        names: dict[str, set[str | None]] = {}
        for folder, name in places_of(self._root):
            names.setdefault(folder, set()).add(name)
        wanted = {_Wanted.of(folder, found) for folder, found in names.items()}
        noticing = {emitter.watch for emitter in self._observer.emitters if emitter.is_alive()}
        for known, watch in list(self._watches.items()):
            if known not in wanted or watch not in noticing:
                self._observer.unschedule(self._watches.pop(known))
        for new in wanted - self._watches.keys():
            try:
                self._watches[new] = self._observer.schedule(
                    _Notice(new, self._noticed), new.folder, recursive=None in new.names, event_filter=_NOTICED
                )
            except OSError as error:
                log.warning("folder not watched", extra={"folder": new.folder, "reason": str(error)})


class _Wanted(NamedTuple):
    folder: str
    inode: int | None
    """A folder that was moved away would go on to be watched under its old name."""
    names: frozenset[str | None]

    @classmethod
    def of(cls, folder: str, names: Iterable[str | None]) -> "_Wanted":
        try:
            inode = os.stat(folder).st_ino
        except OSError:
            inode = None
        return cls(folder, inode, frozenset(names))


class _Notice(FileSystemEventHandler):
    """Passes on what is about one of the names, or about anything that is not inside a hidden folder."""

    def __init__(self, wanted: _Wanted, wake: Callable[[], None]) -> None:
        self._wanted = wanted
        self._wake = wake

    def on_any_event(self, event: FileSystemEvent) -> None:
        if any(self._matters(os.fsdecode(path)) for path in (event.src_path, event.dest_path) if path):
            self._wake()

    def _matters(self, path: str) -> bool:
        parts = Path(os.path.relpath(path, self._wanted.folder)).parts
        if None in self._wanted.names:
            return not any(part.startswith(".") for part in parts[:-1])
        return not parts or parts[0] in self._wanted.names
