"""One file of the journal: frames one after the other, then zeros.

A record is three little-endian 32-bit words (length of the head, length of the body, CRC-32 of these two words and
both parts), the head (the frame without its body, MessagePack), the body. No head is empty, so zeros, or the end of
the file, mean that no record follows. A file is called by the sequence of its first frame.
"""

import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec

from cepd.model.errors import StartError
from cepd.model.frame import Frame

SUFFIX = ".journal"

_LENGTHS = struct.Struct("<II")
_CRC = struct.Struct("<I")
_PREFIX = _LENGTHS.size + _CRC.size
_CHUNK = 1024 * 1024

_encode_head = msgspec.msgpack.Encoder().encode
_decode_head = msgspec.msgpack.Decoder(Frame).decode


class DamageError(Exception):
    """A record that cannot be read; never leaves this package."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(reason)
        self.offset = offset
        self.reason = reason


class Stored(NamedTuple):
    frame: Frame
    end: int
    """Offset behind the record."""


def encode_frame(frame: Frame) -> bytes:
    head = _encode_head(msgspec.structs.replace(frame, body=b""))
    lengths = _LENGTHS.pack(len(head), len(frame.body))
    crc = zlib.crc32(frame.body, zlib.crc32(head, zlib.crc32(lengths)))
    return b"".join((lengths, _CRC.pack(crc), head, frame.body))


def read_segment(path: Path) -> Iterator[Stored]:
    """The frames of one file, one in memory at a time. Raises DamageError at the first bad record, StartError
    for one of another version, OSError."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        offset = 0
        while frame := _read_frame(file, offset, size):
            offset = file.tell()
            yield Stored(frame, offset)
        while rest := file.read(_CHUNK):
            if any(rest):
                raise DamageError(offset, "zeros stand where a record should begin")


def _read_frame(file: BinaryIO, offset: int, size: int) -> Frame | None:
    prefix = file.read(_PREFIX)
    if not any(prefix):
        file.seek(offset)
        return None
    if len(prefix) < _PREFIX:
        raise DamageError(offset, "the record ends early")
    head_length, body_length = _LENGTHS.unpack_from(prefix)
    if offset + _PREFIX + head_length + body_length > size:
        raise DamageError(offset, "the record ends early")
    head, body = file.read(head_length), file.read(body_length)
    crc = zlib.crc32(body, zlib.crc32(head, zlib.crc32(prefix[: _LENGTHS.size])))
    if crc != _CRC.unpack_from(prefix, _LENGTHS.size)[0]:
        raise DamageError(offset, "its checksum is wrong")
    try:
        frame = _decode_head(head)
    except msgspec.DecodeError as error:
        message = f"{file.name}: the frame at byte {offset} is intact, but this version of cepd cannot read it: {error}"
        raise StartError(message, help="start the version that wrote the journal, or a newer one") from error
    return msgspec.structs.replace(frame, body=body)


def segment_path(directory: Path, first: int) -> Path:
    return directory / f"{first:020d}{SUFFIX}"


def first_seq(path: Path) -> int:
    return int(path.stem)


class Segment:
    """A file that is written to. After an error it is not to be used again: what its last bytes are is unknown."""

    def __init__(self, path: Path, position: int, size: int) -> None:
        """Makes the file where it is missing, and room for `size` bytes in all; frames follow at `position`."""
        self.path = path
        self.position = position
        self.size = size
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(self._file, position)
            os.posix_fallocate(self._file, 0, size)
            os.fsync(self._file)
            sync_directory(path.parent)
        except OSError:
            os.close(self._file)
            raise

    def has_room(self, length: int) -> bool:
        return self.position + length <= self.size

    def write(self, data: bytes) -> None:
        """Returns when the data is on disk."""
        view = memoryview(data)
        at = self.position
        while view:
            written = os.pwrite(self._file, view, at)
            view, at = view[written:], at + written
        os.fdatasync(self._file)
        self.position = at

    def close(self) -> None:
        os.close(self._file)


def sync_directory(directory: Path) -> None:
    """Makes the creation and renaming of files in it durable."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
