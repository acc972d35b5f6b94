"""Lines of a recording: a file, gzip by its name, or standard input; in constant memory, with a progress bar."""

import gzip
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TypeAlias

from cepd.model.errors import StartError
from cepd.runtime.recording import MARK

_Step: TypeAlias = Callable[[], None]

_Block: TypeAlias = Sequence[bytes]
"""Lines that were read together: to read them one by one takes a third of what decoding them does."""

_AT_ONCE = 1 << 18
"""Bytes of a block."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

LONGEST = 1 << 20
"""A longer line is cut there, which is over the limit of intake: it is rejected by its number."""


@contextmanager
def open_recording(path: Path) -> Iterator[Iterator[bytes]]:
    """Lines without their line ends. StartError where the file cannot be opened, or breaks off while it is read."""
    if str(path) == "-":
        if sys.stdin is None:
            raise StartError("there is no standard input to read", help="name a file of NDJSON, or feed one in")
        yield chain.from_iterable(_readable(_blocks(sys.stdin.buffer), path))
        return
    try:
        raw = path.open("rb")
    except OSError as error:
        raise StartError(f"cannot read {path}: {error.strerror}", help="name a file of NDJSON, .gz, or -") from None
    with raw:
        stream: BinaryIO = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw  # type: ignore[assignment]
        blocks = _readable(_blocks(stream), path)
        if not sys.stderr.isatty():
            yield chain.from_iterable(blocks)
            return
        with progress("replaying", path.stat().st_size) as show:
            yield chain.from_iterable(_stepping(blocks, lambda: show(raw.tell())))


def read_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Lines of a stream, a byte order mark left out; of what is over LONGEST some is skipped, so memory stays bounded.
    Lines of a recording, which begins with its mark, are as long as its rows."""
    return chain.from_iterable(_blocks(stream))


def _blocks(stream: BinaryIO) -> Iterator[_Block]:
    first = stream.readline(LONGEST + 1).removeprefix(_BYTE_ORDER_MARK)
    if first.startswith(MARK):
        yield ((first if first.endswith(b"\n") else first + stream.readline()).rstrip(b"\r\n"),)
        yield from ((line.rstrip(b"\r\n"),) for line in stream)
    else:
        yield from _bounded(first, stream)


def _bounded(first: bytes, stream: BinaryIO) -> Iterator[_Block]:
    rest = first
    if first.endswith(b"\n"):
        yield (first.rstrip(b"\r\n"),)
        rest = b""
    while read := stream.read(_AT_ONCE):
        text = rest + read
        *lines, rest = text.split(b"\n")
        yield [line.rstrip(b"\r") for line in lines] if b"\r" in text else lines
        rest = rest[: LONGEST + 1]
    if rest:
        yield (rest.rstrip(b"\r"),)


def _readable(blocks: Iterator[_Block], path: Path) -> Iterator[_Block]:
    try:
        yield from blocks
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


def _stepping(blocks: Iterator[_Block], step: _Step) -> Iterator[_Block]:
    for block in blocks:
        step()
        yield block
