"""A request body to lines, one event each: one JSON object, an array of them, or NDJSON.

The content type decides which; where it says nothing, the first byte does. A body that cannot be read as a whole is an
error, a line that is no event is told by its number and the others stay. Duplicates are not looked at.

Each line is decoded once: what checks its syntax reads its id and source. Lines in which nothing is amiss are not
touched one by one.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import TypeAlias

import msgspec

from cepd.intake.envelope import Given, decode_given, read_given
from cepd.intake.inflate import inflate
from cepd.intake.limits import DEFAULT_LIMITS, Limits
from cepd.intake.lines import BLANKS, all_within, emptied_below, excess_of, fault_of, mended, syntax_fault
from cepd.model.errors import InputError

PART_LINES = 2_000
PART_BYTES = 256 * 1024
"""Of lines a part holds more only where it is one line; of elements of an array it holds so many on average."""

_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_AT = re.compile(r"\(byte (\d+)\)")

_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_single = msgspec.json.Decoder(msgspec.Raw).decode

_Cut: TypeAlias = Callable[[bytes, Limits], Iterator[list[bytes]]]
"""Cuts a text into lines, white space and blank ones still there, a part at a time."""


class Line(msgspec.Struct, frozen=True, gc=False):
    """One accepted JSON object, on one line, without surrounding white space. `number` counts from 1: lines of NDJSON,
    blank ones too; elements of an array."""

    number: int
    data: bytes


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """One line that is no event. `line` is a number as in Line."""

    line: int
    reason: str


class Parsed(msgspec.Struct, frozen=True):
    """What is accepted, in order: `data` are the objects as in Line, `body` all of them, joined by newlines, `given`
    what was read of each, `numbers` theirs. And what is not."""

    body: bytes
    data: list[bytes]
    given: list[Given]
    numbers: Sequence[int]
    rejected: list[Rejected]

    @property
    def lines(self) -> list[Line]:
        return list(map(Line, self.numbers, self.data))


def read_body(
    body: bytes,
    *,
    content_type: str | None = None,
    content_encoding: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Parsed:
    """The events of a body, in order, and what was rejected.

    `application/json` is one document (an object or an array), the NDJSON types are lines; any other type, or none,
    is a document where it begins with `[`, else lines. A UTF-8 byte order mark at the start is dropped.
    Raises TooLargeError, and InputError where the body as a whole is wrong: encoding, UTF-8, a broken document, empty.
    """
    parts = list(read_parts(inflate(body, content_encoding, limits), content_type, limits))
    data = [line for part in parts for line in part.data]
    return Parsed(
        b"\n".join(data),
        data,
        [given for part in parts for given in part.given],
        [number for part in parts for number in part.numbers],
        [rejected for part in parts for rejected in part.rejected],
    )


def read_parts(body: bytes, content_type: str | None = None, limits: Limits = DEFAULT_LIMITS) -> Iterator[Parsed]:
    """As `read_body`, of an inflated body, in parts of limited size, so that a caller can do something else in between.
    A part may be empty. A body that is wrong as a whole raises before anything of it is accepted or rejected."""
    cut = _cutter(content_type)
    text = _utf8(body).removeprefix(_BYTE_ORDER_MARK)
    found, first = False, 1
    for lines in cut(text, limits):
        part = _read(lines, first, limits)
        found = found or bool(part.data or part.rejected)
        first += len(lines)
        yield part
    if not found:
        raise InputError("the body holds no event", help="send a JSON object, an array of objects, or NDJSON")


def _read(lines: list[bytes], first: int, limits: Limits) -> Parsed:
    numbers: Sequence[int] = range(first, first + len(lines))
    data = list(map(bytes.strip, lines, repeat(BLANKS)))
    if not all(data):
        numbers = [number for number, line in zip(numbers, data, strict=True) if line]
        data = [line for line in data if line]
    body = b"\n".join(data)
    if not all_within(limits, data, body):
        return _read_singly(data, numbers, limits)
    try:
        given = list(map(decode_given, data))
    except msgspec.DecodeError:
        return _read_singly(data, numbers, limits)
    return Parsed(body, data, given, numbers, [])


def _read_singly(lines: Sequence[bytes], numbers: Sequence[int], limits: Limits) -> Parsed:
    """Where a line is rejected, or has an id or source that is out of range."""
    data: list[bytes] = []
    given: list[Given] = []
    good: list[int] = []
    rejected: list[Rejected] = []
    for number, line in zip(numbers, lines, strict=True):
        fault = excess_of(line, limits)
        if fault is None:
            try:
                given.append(read_given(line))
            except msgspec.DecodeError as error:
                fault = fault_of(error)
        if fault is None:
            data.append(line)
            good.append(number)
        else:
            rejected.append(Rejected(number, fault))
    return Parsed(b"\n".join(data), data, given, good, rejected)


def _cutter(content_type: str | None) -> _Cut:
    media = (content_type or "").partition(";")[0].strip().lower()
    if media.startswith("application/cloudevents"):
        raise InputError(f"content type {media} is not supported yet", help="send plain JSON or application/x-ndjson")
    if media in _LINES:
        return _cut_lines
    if media == "application/json" or media.endswith("+json"):
        return _cut_document
    return _cut_by_first_byte


def _cut_by_first_byte(text: bytes, limits: Limits) -> Iterator[list[bytes]]:
    return (_cut_document if text.lstrip(BLANKS).startswith(b"[") else _cut_lines)(text, limits)


def _cut_lines(text: bytes, limits: Limits) -> Iterator[list[bytes]]:
    start = 0
    while start < len(text):
        end = _line_end(text, start)
        lines = mended(text[start:end]).split(b"\n")
        for at in range(0, len(lines), PART_LINES):
            yield lines[at : at + PART_LINES]
        start = end + 1


def _line_end(text: bytes, start: int) -> int:
    """Where the last line ends that is within PART_BYTES, or the first one where that is longer."""
    if len(text) - start <= PART_BYTES:
        return len(text)
    end = text.rfind(b"\n", start, start + PART_BYTES)
    if end < 0:
        end = text.find(b"\n", start + PART_BYTES)
    return end if end >= 0 else len(text)


def _cut_document(text: bytes, limits: Limits) -> Iterator[list[bytes]]:
    text = mended(text)
    if not text.strip(BLANKS):
        return
    try:
        elements = _elements(text)
    except RecursionError:
        # An array and the first level too many of its elements are left: enough to reject just those.
        elements = _elements(emptied_below(text, limits.depth + 1))
    size = max(1, min(PART_LINES, PART_BYTES * len(elements) // len(text)))
    for at in range(0, len(elements), size):
        # White space of JSON: no string holds a raw line end.
        yield [bytes(one).replace(b"\r", b" ").replace(b"\n", b" ") for one in elements[at : at + size]]


def _elements(text: bytes) -> list[msgspec.Raw]:
    try:
        return _array(text) if text.lstrip(BLANKS).startswith(b"[") else [_single(text)]
    except msgspec.DecodeError as error:
        raise InputError(f"the body is not JSON: {_placed(error, text)}", help=_document_help(error)) from error


def _placed(error: msgspec.DecodeError, text: bytes) -> str:
    fault = syntax_fault(error)
    found = _AT.search(fault)
    if found is None:
        return fault
    line, column = _position(text, int(found[1]))
    return f"{fault[: found.start()].rstrip()} near line {line}, byte {column}"


def _document_help(error: msgspec.DecodeError) -> str:
    several = "trailing characters" in str(error)
    return "send several objects as application/x-ndjson, or in an array" if several else "nothing of it was accepted"


def _utf8(text: bytes) -> bytes:
    if text.isascii():
        return text
    try:
        text.decode()
    except UnicodeDecodeError as error:
        line, byte = _position(text, error.start)
        message = f"the body is not UTF-8: line {line}, byte {byte} is 0x{text[error.start]:02x}"
        raise InputError(message, help="JSON is UTF-8; nothing of the body was accepted") from error
    return text


def _position(text: bytes, offset: int) -> tuple[int, int]:
    """Line and byte in it, both from 1, of a 0-based offset."""
    return text.count(b"\n", 0, offset) + 1, offset - text.rfind(b"\n", 0, offset)
