"""`cepd` with a journal of small segments that are kept, in the folder ARCHIVE, when they are trimmed.

    python -m tests.support.archiving ARCHIVE run ROOT ...

So a daemon lives on what it trims to, and a test still has every row that there was.
"""

import os
import pathlib
import sys
from functools import partial

import cepd.wiring
from cepd.cli.main import run

SEGMENT_SIZE = 64 * 1024

_unlink = pathlib.Path.unlink


def unlink(path: pathlib.Path, missing_ok: bool = False) -> None:
    kept = ARCHIVE / path.name
    if path.suffix == ".journal" and not kept.exists():
        os.link(path, kept)
    _unlink(path, missing_ok)


if __name__ == "__main__":
    ARCHIVE = pathlib.Path(sys.argv[1])
    pathlib.Path.unlink = unlink
    cepd.wiring.open_journal = partial(cepd.wiring.open_journal, segment_size=SEGMENT_SIZE)
    sys.argv = ["cepd", *sys.argv[2:]]
    run()
