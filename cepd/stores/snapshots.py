"""Snapshots in files: one file each, called by its row; it appears whole or not at all.

A file is one line of JSON (format, row, clock, next event, generation, checksum), then MessagePack with the engine's
state and the known ids. The checksum, BLAKE2b, is over the line without it and the rest. What else stands in the folder
is the rest of an interrupted write, or a snapshot that could not be used.
"""

import hashlib
import os
from pathlib import Path

import msgspec

from cepd.model.errors import RetryLaterError, StartError
from cepd.model.instant import Instant
from cepd.ports import Snapshot
from cepd.stores.segment import sync_directory

FORMAT = 1
SUFFIX = ".snapshot"
_ASIDE = ".unused"
_FRESH = ".new"


class _Head(msgspec.Struct, frozen=True):
    format: int
    seq: int
    clock: Instant
    next_event: int
    digest: str
    checksum: str = ""


class _Format(msgspec.Struct):
    format: int


class _Body(msgspec.Struct, frozen=True):
    engine: bytes
    horizon: list[tuple[str, tuple[str, str]]]


class FileSnapshots:
    """The port Snapshots."""

    def __init__(self, directory: Path, *, writes: bool = True) -> None:
        """Makes the folder and clears it of interrupted writes, unless it is only to be read. StartError where the
        disk refuses."""
        self._directory = directory
        if not writes:
            return
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for rest in directory.glob("*" + _FRESH):
                rest.unlink()
        except OSError as error:
            raise StartError(f"the snapshots in {directory} cannot be had: {error}", help="see to the disk") from error

    def rows(self) -> list[int]:
        return sorted((int(path.stem) for path in self._directory.glob("[0-9]" * 20 + SUFFIX)), reverse=True)

    def read(self, seq: int) -> Snapshot:
        path = self._path(seq)
        try:
            line, _, rest = path.read_bytes().partition(b"\n")
            found = msgspec.json.decode(line, type=_Format).format
            if found != FORMAT:
                help = "start the version of cepd that wrote it"
                raise StartError(f"{path} has format {found}; this cepd reads {FORMAT}", help=help)
            head = msgspec.json.decode(line, type=_Head)
            if head.checksum != _checksum(head, rest) or head.seq != seq:
                raise StartError(f"{path} is damaged: its checksum is wrong")
            body = msgspec.msgpack.decode(rest, type=_Body)
        except (OSError, msgspec.DecodeError) as error:
            raise StartError(f"{path} cannot be read: {error}") from error
        return Snapshot(
            seq=head.seq,
            clock=head.clock,
            next_event=head.next_event,
            digest=head.digest,
            engine=body.engine,
            horizon=body.horizon,
        )

    def write(self, snapshot: Snapshot) -> int:
        rest = msgspec.msgpack.encode(_Body(snapshot.engine, list(snapshot.horizon)))
        head = _Head(FORMAT, snapshot.seq, snapshot.clock, snapshot.next_event, snapshot.digest)
        head = msgspec.structs.replace(head, checksum=_checksum(head, rest))
        line = msgspec.json.encode(head) + b"\n"
        path = self._path(snapshot.seq)
        fresh = path.with_suffix(_FRESH)
        try:
            with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
                file.write(line)
                file.write(rest)
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(path)
            sync_directory(self._directory)
        except OSError as error:
            fresh.unlink(missing_ok=True)
            raise _refused(self._directory, error) from error
        return len(line) + len(rest)

    def keep(self, number: int) -> list[int]:
        rows = self.rows()
        try:
            for seq in reversed(rows[number:]):
                self._path(seq).unlink()
        except OSError as error:
            raise _refused(self._directory, error) from error
        return rows[:number]

    def set_aside(self, seq: int) -> None:
        path = self._path(seq)
        try:
            path.rename(path.with_suffix(_ASIDE))
        except OSError as error:
            raise StartError(f"{path} cannot be set aside: {error}", help="see to the disk") from error

    def _path(self, seq: int) -> Path:
        return self._directory / f"{seq:020d}{SUFFIX}"


def _checksum(head: _Head, rest: bytes) -> str:
    plain = msgspec.json.encode(msgspec.structs.replace(head, checksum=""))
    return hashlib.blake2b(plain + b"\n" + rest, digest_size=16).hexdigest()


def _refused(directory: Path, error: OSError) -> RetryLaterError:
    return RetryLaterError(
        f"no snapshot can be kept in {directory}: {error}", help="see to the disk; it is tried again"
    )
