"""`cepd` with a journal of small segments that are kept, in the folder ARCHIVE, when they are trimmed.

    python -m tests.support.archiving ARCHIVE run ROOT ...

So a daemon lives on what it trims to, and a test still has every row that there was. CLOCK_AHEAD in the environment: so
many seconds the daemon's clock is ahead, as after a long time in which it did not run.
"""

import os
import pathlib
import sys
import time
from collections.abc import Callable
from functools import partial

import cepd.wiring
from cepd.cli.main import run
from cepd.runtime.clock import SystemClock

SEGMENT_SIZE = 64 * 1024

_ARCHIVE = "ARCHIVE"
_unlink = pathlib.Path.unlink


def unlink(path: pathlib.Path, missing_ok: bool = False) -> None:
    kept = pathlib.Path(os.environ[_ARCHIVE]) / path.name
    if path.suffix == ".journal" and not kept.exists():
        os.link(path, kept)
    _unlink(path, missing_ok)


def clock_ahead(seconds: int) -> Callable[[int], SystemClock]:
    return lambda floor: SystemClock(max(floor, time.time_ns() // 1000 + seconds * 1_000_000))


def main() -> None:
    os.environ[_ARCHIVE] = sys.argv[1]
    pathlib.Path.unlink = unlink
    cepd.wiring.open_journal = partial(cepd.wiring.open_journal, segment_size=SEGMENT_SIZE)
    if ahead := os.environ.pop("CLOCK_AHEAD", ""):
        cepd.wiring.SystemClock = clock_ahead(int(ahead))
    sys.argv = ["cepd", *sys.argv[2:]]
    run()


if __name__ == "__main__":
    main()
