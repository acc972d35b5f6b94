"""A running `cepd simulate --events -` that is fed through a pipe, and what it takes."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]


class Took(NamedTuple):
    report: dict[str, Any]
    peak: int
    """Bytes."""
    cpu: float
    """Seconds."""


def in_status(field: str, process: int | str = "self") -> int:
    """Bytes that the kernel tells of a process: `VmRSS` now, `VmHWM` at most so far."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.removesuffix("kB")) * 1024
    raise AssertionError(f"the kernel tells no {field}")


class Simulating:
    def __init__(self, root: Path, told: Path) -> None:
        """`told` is a file that does not exist yet."""
        self._told = told
        arguments = (str(told), "simulate", str(root), "--events", "-", "--format", "json")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.measured", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
        )

    def feed(self, lines: Iterable[str]) -> None:
        """Returns when all but the last few hundred, which the pipe holds, are taken."""
        assert self._process.stdin is not None
        self._process.stdin.writelines(line.encode() + b"\n" for line in lines)
        self._process.stdin.flush()

    def resident(self) -> int:
        """Bytes of memory that it has now."""
        return in_status("VmRSS", self._process.pid)

    def finish(self) -> Took:
        """Ends the input."""
        out, _ = self._process.communicate()
        assert self._process.returncode == 0, out
        told = json.loads(self._told.read_text(encoding="utf-8"))
        return Took(json.loads(out), told["peak"], told["cpu"])

    def __enter__(self) -> "Simulating":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()
