"""Recordings: the rows of a journal as lines of JSON, with the rules that ran, so that a replay fires what was fired.

The first line is the header. Each further line has a `kind`: `generation` holds the files of a generation, before the
first row that needs them; the others are rows of the journal under the kinds of its frames, a batch with its lines as
text. Bytes are base64, clocks microseconds since the epoch. A recording begins

- at the start: with row 1, when the engine was empty;
- at a snapshot: with the engine's state behind the row before, and the generation that ran then;
- in the middle: with nothing. What was open before its first row (windows, holds, baselines, suppression) is not known,
  so until that would have ended its replay may fire other than the daemon did.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Literal, TypeAlias

import msgspec

from cepd.config.tree import Tree
from cepd.model.errors import StartError
from cepd.model.frame import Frame, FrameKind
from cepd.model.instant import Instant
from cepd.ports import Snapshot

FORMAT = 1
MARK = b'{"cepd_recording":'
"""How the first line begins."""
ROW = b'{"seq":'
"""How the line of a row begins."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    cepd_recording: int = FORMAT
    """The format."""
    version: str
    """Of the cepd that wrote it."""
    begins: Literal["start", "snapshot", "middle"]
    clock: Instant = 0
    """At a snapshot: of the row before the first one."""
    generation: str = ""
    """At a snapshot: the digest of what ran then."""
    engine: bytes = b""
    """At a snapshot: the engine's state."""


class KeptGeneration(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="generation"):
    digest: str
    revision: str
    files: dict[str, bytes]


class _Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    seq: int
    clock: Instant
    kind: FrameKind
    input: str = ""
    source: str = ""
    first: int = 0
    origin: str = ""
    rule_id: str = ""
    run: str = ""
    by: str = ""
    depth: int = 0
    digest: str = ""
    key: str = ""
    """Of a reset."""
    wish: str = ""
    """Of a disable: what was asked for, as JSON."""
    lines: list[str] = []


Item: TypeAlias = Frame | KeptGeneration

Read: TypeAlias = Callable[[str], tuple[Tree, str]]
"""The digest of a generation to its files and revision. StartError where it is gone."""


class _Kind(msgspec.Struct):
    kind: str


def record(
    frames: Iterable[Frame],
    snapshots: Iterable[Snapshot],
    read: Read,
    *,
    version: str,
    since: Instant | None = None,
    until: Instant | None = None,
) -> Iterator[bytes]:
    """The lines of a recording of these frames of a journal, oldest first.

    Without `since` it holds all that can be replayed exactly: from row 1 on, else from the oldest snapshot on. With it
    the rows from that clock on, and the newest snapshot before it where there is one. `until` is the last clock.
    StartError where nothing is to be recorded, or a generation is gone.
    """
    rows = iter(frames)
    first = next(rows, None)
    if first is None:
        raise StartError("the journal holds no rows", help="it was trimmed, or nothing has happened yet")
    usable = sorted((one for one in snapshots if one.seq + 1 >= first.seq), key=lambda one: one.seq)
    state = _beginning(usable, first.seq, since)
    whole = first.seq == 1 and (since is None or since <= first.clock)
    header = Header(version=version, begins="start" if whole else "middle")
    if state is not None:
        header = Header(
            version=version, begins="snapshot", clock=state.clock, generation=state.digest, engine=state.engine
        )
    elif since is None and first.seq > 1:
        raise StartError(
            f"the journal begins with row {first.seq}, and no snapshot is there to begin with",
            help="give --since: the rows from a time on, without what was open before",
        )
    yield msgspec.json.encode(header)
    known: set[str] = set()
    if header.generation:
        yield _generation(header.generation, known, read)
    after = 0 if state is None else state.seq
    for frame in _chain(first, rows):
        if until is not None and frame.clock > until:
            return
        if frame.seq <= after or (state is None and since is not None and frame.clock < since):
            continue
        if frame.kind == "swap" and frame.digest not in known:
            yield _generation(frame.digest, known, read)
        yield msgspec.json.encode(_row(frame))


def _beginning(usable: list[Snapshot], first: int, since: Instant | None) -> Snapshot | None:
    """The snapshot that a recording begins with."""
    if since is None:
        return usable[0] if usable and first > 1 else None
    return next((one for one in reversed(usable) if one.clock <= since), None)


def _chain(first: Frame, rest: Iterator[Frame]) -> Iterator[Frame]:
    yield first
    yield from rest


def _generation(digest: str, known: set[str], read: Read) -> bytes:
    tree, revision = read(digest)
    known.add(digest)
    return msgspec.json.encode(KeptGeneration(digest=digest, revision=revision, files=dict(tree.files)))


def _row(frame: Frame) -> _Row:
    body = frame.body.decode()
    return _Row(
        seq=frame.seq,
        clock=frame.clock,
        kind=frame.kind,
        input=frame.input,
        source=frame.source,
        first=frame.first,
        origin=frame.origin,
        rule_id=frame.rule_id,
        run=frame.run,
        by=frame.by,
        depth=frame.depth,
        digest=frame.digest,
        key=body if frame.kind == "reset" else "",
        wish=body if frame.kind == "disable" else "",
        lines=body.split("\n") if frame.count else [],
    )


def read_header(line: bytes) -> Header:
    """StartError for a line that is no header, or one of another format."""
    try:
        header = msgspec.json.decode(line, type=Header)
    except msgspec.DecodeError as error:
        raise StartError(f"the recording's first line is damaged: {error}", help="record it again") from None
    if header.cepd_recording != FORMAT:
        raise StartError(
            f"the recording has format {header.cepd_recording}; this cepd reads {FORMAT}",
            help=f"use the version of cepd that wrote it: {header.version}",
        )
    return header


def read_items(lines: Iterable[bytes]) -> Iterator[Item]:
    """What stands behind the header. StartError, with its number, for a line that is none of a recording's."""
    for number, line in enumerate(lines, 2):
        try:
            kind = msgspec.json.decode(line, type=_Kind).kind
            if kind == "generation":
                yield msgspec.json.decode(line, type=KeptGeneration)
            else:
                yield _frame(msgspec.json.decode(line, type=_Row))
        except msgspec.DecodeError as error:
            raise StartError(f"line {number} of the recording is damaged: {error}", help="record it again") from None


def _frame(row: _Row) -> Frame:
    return Frame(
        seq=row.seq,
        clock=row.clock,
        kind=row.kind,
        input=row.input,
        source=row.source,
        first=row.first,
        origin=row.origin,
        count=len(row.lines),
        rule_id=row.rule_id,
        run=row.run,
        by=row.by,
        depth=row.depth,
        digest=row.digest,
        body=_body(row).encode(),
    )


def _body(row: _Row) -> str:
    return row.key or row.wish or "\n".join(row.lines)
