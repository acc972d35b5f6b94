"""A data directory, the daemon on it, and its receiver: what a drill disturbs, or leaves alone to compare with."""

import asyncio
import sys
from pathlib import Path

from tests.support.daemon import Daemon
from tests.support.drilling import End, Ledger, end_of, quiet
from tests.support.ops_tree import SECRET

ROOT = Path(__file__).parents[2]


class Drilled:
    """A data directory, its receiver, and the daemon that runs on it at the moment."""

    def __init__(
        self, root: Path, data: Path, address: str | None, entry: str = "archiving", **environment: str
    ) -> None:
        """`entry`: the module of tests.support that runs cepd, and takes a folder for what is trimmed."""
        self.ledger = Ledger()
        self._entry = entry
        self._environment = environment
        self._root = root
        self._data = data
        self._address = address
        self._receiver = self.ledger.receiver()
        self._daemon: Daemon | None = None

    def start(self, ahead: int = 0) -> Daemon:
        """With a journal of small files, and snapshots as often as they may be."""
        self.leave()
        archive = self._data / "archive"
        archive.mkdir(parents=True, exist_ok=True)
        environment = {"OPS_URL": self._receiver.url, "OPS_SECRET": SECRET} | self._environment
        self._daemon = Daemon(
            self._root,
            self._data,
            *("--snapshot-interval", "100ms"),
            *(() if self._address is None else ("--store", self._address)),
            environment=environment | ({"CLOCK_AHEAD": str(ahead)} if ahead else {}),
            command=(sys.executable, "-m", f"tests.support.{self._entry}", str(archive)),
            cwd=ROOT,
        )
        return self._daemon

    def end(self) -> End:
        """Lets the daemon come to rest, and another one an hour later, so that all ends that was open."""
        for ahead in (0, 3600):
            daemon = self._daemon if not ahead and self._daemon else self.start(ahead).wait_ready(60)
            quiet(daemon)
            assert daemon.stop() == 0
        assert not (self._data / "quarantine").exists(), "no event is to blame for a kill"
        return asyncio.run(end_of(self._address, self._data, self.ledger))

    def leave(self) -> None:
        if self._daemon is not None:
            self._daemon.__exit__()

    def __enter__(self) -> "Drilled":
        self._receiver.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()
        self._receiver.__exit__()
