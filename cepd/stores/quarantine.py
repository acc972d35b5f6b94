"""Events that are left out, in a folder: a file of JSON each, for a person to look at. The first one makes the folder.

A file that is taken away is an event that the next start replays again, where the journal still holds it.
"""

import os
from collections import defaultdict
from collections.abc import Collection
from pathlib import Path

import msgspec

from cepd.model.errors import StartError
from cepd.model.frame import Frame
from cepd.ports import LeftOut
from cepd.stores.segment import sync_directory

FOLDER = "quarantine"


class FileQuarantine:
    """The port Quarantine."""

    def __init__(self, directory: Path) -> None:
        """Reads the folder, where there is one. StartError for a file that cannot be read: to leave it out would be to
        replay its event."""
        self._directory = directory
        self._places: dict[tuple[str, int], set[int]] = defaultdict(set)
        for path in sorted(directory.glob("*.json")):
            try:
                found = msgspec.json.decode(path.read_bytes(), type=LeftOut)
            except (OSError, msgspec.DecodeError) as error:
                help = "mend it, or take it away: its event is then replayed"
                raise StartError(f"{path} cannot be read: {error}", help=help) from error
            self._places[found.origin, found.seq].add(found.event)

    def __len__(self) -> int:
        return sum(map(len, self._places.values()))

    def of(self, frame: Frame) -> Collection[int]:
        return self._places.get((frame.origin, frame.seq), ())

    def add(self, found: LeftOut) -> str:
        path = self._directory / f"{found.seq:020d}-{found.event}.json"
        fresh = path.with_suffix(".new")
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(found)))
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(path)
            sync_directory(self._directory)
            sync_directory(self._directory.parent)
        except OSError as error:
            raise StartError(f"{path} cannot be written: {error}", help="see to the disk") from error
        self._places[found.origin, found.seq].add(found.event)
        return f"{FOLDER}/{path.name}"
