"""Lines of a recording: a file, gzip by its name, or standard input; in constant memory, with a progress bar."""

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeAlias

from cepd.model.errors import StartError
from cepd.runtime.recording import MARK

_Step: TypeAlias = Callable[[], None]

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

LONGEST = 1 << 20
"""A longer line is cut there, which is over the limit of intake: it is rejected by its number."""


@contextmanager
def open_recording(path: Path) -> Iterator[Iterator[bytes]]:
    """Lines without their line ends. StartError where the file cannot be opened, or breaks off while it is read."""
    if str(path) == "-":
        if sys.stdin is None:
            raise StartError("there is no standard input to read", help="name a file of NDJSON, or feed one in")
        yield _readable(read_lines(sys.stdin.buffer), path)
        return
    try:
        raw = path.open("rb")
    except OSError as error:
        raise StartError(f"cannot read {path}: {error.strerror}", help="name a file of NDJSON, .gz, or -") from None
    with raw:
        stream: BinaryIO = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw  # type: ignore[assignment]
        lines = read_lines(stream)
        if not sys.stderr.isatty():
            yield _readable(lines, path)
            return
        with progress("replaying", path.stat().st_size) as show:
            yield _stepping(_readable(lines, path), lambda: show(raw.tell()))


def read_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines of a stream, a byte order mark left out; what is over LONGEST is skipped up to the end of its line, so
    memory stays bounded. Lines of a recording, which begins with its mark, are as long as its rows."""
    first = stream.readline(LONGEST + 2).removeprefix(_BYTE_ORDER_MARK)
    if first.startswith(MARK):
        yield (first if first.endswith(b"\n") else first + stream.readline()).rstrip(b"\r\n")
        yield from (line.rstrip(b"\r\n") for line in stream)
    else:
        yield from _bounded(first, stream)


def _bounded(line: bytes, stream: BinaryIO) -> Iterator[bytes]:
    while line:
        if len(line) > LONGEST and not line.endswith(b"\n"):
            while rest := stream.readline(LONGEST):
                if rest.endswith(b"\n"):
                    break
        yield line.rstrip(b"\r\n")
        line = stream.readline(LONGEST + 2)


def _readable(lines: Iterator[bytes], path: Path) -> Iterator[bytes]:
    try:
        yield from lines
    except (OSError, EOFError, zlib.error) as error:
        raise StartError(
            f"{path} breaks off: {error}", help="the file is damaged, or was not written to its end"
        ) from None


@contextmanager
def progress(label: str, size: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr over so many bytes; what it gives shows how many are done."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(label), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=size)
        yield lambda done: bar.update(task, completed=done)


def _stepping(lines: Iterator[bytes], step: _Step) -> Iterator[bytes]:
    for number, line in enumerate(lines):
        if not number % 20_000:
            step()
        yield line
