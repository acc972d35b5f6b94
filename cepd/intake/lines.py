"""Whether one line is an event: valid JSON, an object, not too long, not nested too deep.

It looks at syntax alone and builds no values, so a number of 5,000 digits passes. Which fields rules name plays no
part: an accepted line stays accepted under every rule.
"""

import re
from collections.abc import Sequence
from itertools import accumulate, repeat

import msgspec

from cepd.intake.limits import Limits

BLANKS = b" \t\r\n"
"""The white space of JSON."""

_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_NO_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_BRACKET_OR_STRING = re.compile(_STRINGS.pattern + rb"|[\[\]{}]", re.DOTALL)
_NOT_OBJECT = {
    "array": "an array",
    "str": "text",
    "int": "a number",
    "float": "a number",
    "bool": "true or false",
    "null": "null",
}
_FOUND = re.compile(r"got `(\w+)`")


_SURROGATE_START = re.compile(rb"\\u[dD]")
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}(?P<low>\\u[dD][c-fC-F][0-9a-fA-F]{2})?|u[dD][c-fC-F][0-9a-fA-F]{2}|.)",
    re.DOTALL,
)
_HALF = len(rb"\ud800")
_REPLACEMENT = rb"\ufffd"

_WINDOW = 2048
"""Bytes whose brackets are counted together."""


class _Object(msgspec.Struct):
    """No fields: decoding it checks the syntax of a whole object and keeps nothing."""


_scan = msgspec.json.Decoder(_Object).decode


def mended(text: bytes) -> bytes:
    r"""The text with each half of a surrogate pair, such as `\ud83d` alone, as `\ufffd`.

    Texts that were cut by length hold it. JSON's grammar allows it (RFC 8259, section 8.2), no text can.
    """
    return _ESCAPE.sub(_whole, text) if b"\\" in text and _SURROGATE_START.search(text) else text


def _whole(escape: re.Match[bytes]) -> bytes:
    return _REPLACEMENT if len(escape[0]) == _HALF and escape["low"] is None else escape[0]


def reason_against(line: bytes, limits: Limits) -> str | None:
    """Why the line is no event, in words; None where it is one."""
    if excess := excess_of(line, limits):
        return excess
    try:
        _scan(line)
    except msgspec.DecodeError as error:
        return fault_of(error)
    return None


def excess_of(line: bytes, limits: Limits) -> str | None:
    """Which limit the line is over, in words; None where it is within all."""
    if len(line) > limits.line:
        return f"longer than {limits.line} bytes"
    if line.count(b"{") + line.count(b"[") > limits.depth and depth_of(line) > limits.depth:
        return f"nested deeper than {limits.depth}"
    return None


def all_within(limits: Limits, lines: Sequence[bytes], text: bytes) -> bool:
    """Whether no line is over a limit; `text` is all of them, joined. As a rule it is told by a look at the text: lines
    without a list may be too short to be nested too deep, and one that is no longer than a window reaches into two of
    them at most. To count line by line takes as much as half of decoding them."""
    longest = max(map(len, lines), default=0)
    if longest <= min(_objects_beyond(limits.depth) - 1, limits.line) and b"[" not in text:
        return True
    if longest <= min(_WINDOW, limits.line):
        starts, ends = range(0, len(text), _WINDOW), range(_WINDOW, len(text) + _WINDOW, _WINDOW)
        opened = (max(map(text.count, repeat(bracket), starts, ends)) for bracket in (b"{", b"[") if bracket in text)
        if 2 * sum(opened) <= limits.depth:
            return True
    return not any(excess_of(line, limits) for line in lines)


def _objects_beyond(depth: int) -> int:
    """The least bytes of objects that are nested deeper: the innermost is `{}`, any other `{"":` and `}`."""
    return 5 * depth + 2


def fault_of(error: msgspec.DecodeError) -> str:
    """Why a line does not decode to an object, in words."""
    if not isinstance(error, msgspec.ValidationError):
        return f"not JSON: {syntax_fault(error)}"
    found = _FOUND.search(str(error))
    return f"not an object but {_NOT_OBJECT.get(found[1], found[1])}" if found else f"not an object: {error}"


def depth_of(text: bytes) -> int:
    """The most brackets open at once, those inside strings not counted."""
    brackets = _STRINGS.sub(b"", text).translate(None, _NO_BRACKETS)
    return max(accumulate(map(_STEP.__getitem__, brackets)), default=0)


def emptied_below(text: bytes, depth: int) -> bytes:
    """The text with nothing left inside the brackets that are nested deeper than `depth`.

    It is then as deep as before up to `depth + 1`, so what was too deep still is, and can be decoded.
    """
    kept: list[bytes] = []
    start = level = 0
    for found in _BRACKET_OR_STRING.finditer(text):
        step = _STEP.get(found[0][0], 0)
        if step == 1 and level == depth:
            kept.append(text[start : found.end()])
        if step == -1 and level == depth + 1:
            start = found.start()
        level += step
    if level <= depth:
        kept.append(text[start:])
    return b"".join(kept)


def syntax_fault(error: msgspec.DecodeError) -> str:
    """The decoder's words for a fault of syntax, without its preamble."""
    text = str(error).removeprefix("JSON is malformed: ")
    return "it ends early" if text == "Input data was truncated" else text
