"""`cepd record`: the journal of a daemon, running or stopped, as a recording that simulate replays."""

import gzip
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from cepd.cli.console import counted, note
from cepd.model.errors import StartError
from cepd.model.frame import Frame
from cepd.ports import Snapshot

_FRAME_HEAD = 100
"""Bytes of a frame beside its body, for the bar."""


def record(
    output: Annotated[Path, typer.Option("--output", "-o", help="The recording to write; .gz compresses it.")],
    data_dir: Annotated[Path, typer.Option(envvar="CEPD_DATA_DIR", help="The daemon's data directory.")] = Path(
        ".cepd"
    ),
    since: Annotated[str | None, typer.Option(help="Only rows from this time on.")] = None,
    until: Annotated[str | None, typer.Option(help="Only rows up to this time.")] = None,
) -> None:
    """Write what a daemon's engine was fed: events, ticks and rules, as one file.

    The daemon may run on; nothing of it is locked or changed. Without --since the recording holds all that replays
    exactly: from the beginning, or from the oldest snapshot on where the journal was trimmed. With --since it holds the
    rows from then on, and what was open before is not known to it, unless a snapshot is older than that.
    It holds the events as they came: keep it as safe as them.

    \b
    Examples:
      cepd record --data-dir /var/lib/cepd -o day.ndjson.gz
      cepd record --since 2026-01-31T09:00:00Z -o morning.ndjson
      cepd simulate rules/ --events day.ndjson.gz
    """
    import cepd
    from cepd.cli.times import instant_option
    from cepd.runtime.generations import read_generation
    from cepd.runtime.poison import pieces
    from cepd.runtime.recording import ROW
    from cepd.runtime.recording import record as lines_of
    from cepd.stores.quarantine import FOLDER, FileQuarantine

    quarantine = FileQuarantine(data_dir / FOLDER)
    lines = lines_of(
        (part for frame in _frames(data_dir / "journal") for part in pieces(frame, quarantine.of(frame))),
        list(_snapshots(data_dir / "snapshots")),
        partial(read_generation, data_dir / "generations"),
        version=cepd.__version__,
        since=instant_option("--since", since),
        until=instant_option("--until", until),
    )
    first = next(lines)
    rows = 0
    with _create(output) as out:
        out.write(first + b"\n")
        for line in lines:
            out.write(line + b"\n")
            rows += line.startswith(ROW)
    note(f"{counted(rows, 'row')} in {output}")


def _frames(directory: Path) -> Iterator[Frame]:
    from cepd.cli.recordings import progress
    from cepd.stores.journal import read_journal

    if not sys.stderr.isatty():
        yield from read_journal(directory)
        return
    size = sum(path.stat().st_size for path in directory.glob("*.journal"))
    with progress("recording", size) as show:
        yield from _shown(read_journal(directory), show)


def _shown(frames: Iterator[Frame], show: Callable[[int], None]) -> Iterator[Frame]:
    done = 0
    for number, frame in enumerate(frames):
        done += len(frame.body) + _FRAME_HEAD
        if not number % 1_000:
            show(done)
        yield frame


def _snapshots(directory: Path) -> Iterator[Snapshot]:
    """Those that can be read; a running daemon may remove one meanwhile."""
    from cepd.stores.snapshots import FileSnapshots

    stored = FileSnapshots(directory, writes=False)
    for seq in stored.rows():
        try:
            yield stored.read(seq)
        except StartError as error:
            note(f"not used: {error.message}")


@contextmanager
def _create(path: Path) -> Iterator[gzip.GzipFile | BinaryIO]:
    """Readable by its owner alone: it holds events."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        raise StartError(f"cannot write {path}: {error.strerror}") from None
    with open(descriptor, "wb") as file:
        if path.suffix != ".gz":
            yield file
            return
        with gzip.open(file, "wb") as packed:
            yield packed
