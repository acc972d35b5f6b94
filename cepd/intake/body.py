"""A request body to lines, one event each: one JSON object, an array of them, or NDJSON.

The content type decides which; where it says nothing, the first byte does. A body that cannot be read as a whole is an
error, a line that is no event is told by its number and the others stay. Identity and duplicates are not looked at.
"""

import re
from collections.abc import Callable, Iterator

import msgspec

from cepd.intake.inflate import inflate
from cepd.intake.limits import DEFAULT_LIMITS, Limits
from cepd.intake.lines import BLANKS, emptied_below, mended, reason_against, syntax_fault
from cepd.model.errors import InputError

_LINES = ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_AT = re.compile(r"\(byte (\d+)\)")

_array = msgspec.json.Decoder(list[msgspec.Raw]).decode
_single = msgspec.json.Decoder(msgspec.Raw).decode


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
    lines: list[Line]
    rejected: list[Rejected]


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
    split = _reader(content_type)
    text = mended(_utf8(inflate(body, content_encoding, limits)).removeprefix(_BYTE_ORDER_MARK))
    lines: list[Line] = []
    rejected: list[Rejected] = []
    for number, data in split(text, limits):
        reason = reason_against(data, limits)
        if reason is None:
            lines.append(Line(number, data))
        else:
            rejected.append(Rejected(number, reason))
    if not lines and not rejected:
        raise InputError("the body holds no event", help="send a JSON object, an array of objects, or NDJSON")
    return Parsed(lines, rejected)


def _reader(content_type: str | None) -> Callable[[bytes, Limits], Iterator[tuple[int, bytes]]]:
    media = (content_type or "").partition(";")[0].strip().lower()
    if media.startswith("application/cloudevents"):
        raise InputError(f"content type {media} is not supported yet", help="send plain JSON or application/x-ndjson")
    if media in _LINES:
        return _split_lines
    if media == "application/json" or media.endswith("+json"):
        return _split_document
    return _split_by_first_byte


def _split_by_first_byte(text: bytes, limits: Limits) -> Iterator[tuple[int, bytes]]:
    return (_split_document if text.lstrip(BLANKS).startswith(b"[") else _split_lines)(text, limits)


def _split_lines(text: bytes, limits: Limits) -> Iterator[tuple[int, bytes]]:
    for number, line in enumerate(text.split(b"\n"), 1):
        if data := line.strip(BLANKS):
            yield number, data


def _split_document(text: bytes, limits: Limits) -> Iterator[tuple[int, bytes]]:
    if not text.strip(BLANKS):
        return
    try:
        elements = _elements(text)
    except RecursionError:
        # An array and the first level too many of its elements are left: enough to reject just those.
        elements = _elements(emptied_below(text, limits.depth + 1))
    for number, element in enumerate(elements, 1):
        # White space of JSON: no string holds a raw line end.
        yield number, bytes(element).replace(b"\r", b" ").replace(b"\n", b" ")


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
