"""What an unquoted YAML scalar means: the core schema of YAML 1.2 (section 10.3.2), so `yes` and `12:30` are text.

Numbers are those that JSON and the engine can carry: finite, and whole ones within 64 bits.
"""

import math
import re

from cepd.model.errors import InputError
from cepd.model.json import Json

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_STARTS = frozenset("0123456789+-.")
_INTEGER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_OCTAL = re.compile(r"0o[0-7]+", re.ASCII)
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII)
_LONGEST = 400


def read_plain(text: str) -> Json:
    """The value of an unquoted scalar. InputError for a number that is not finite or beyond 64 bits."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _STARTS:
        return text
    if _INTEGER.fullmatch(text):
        return _within_64_bits(text, 10)
    if _FLOAT.fullmatch(text):
        return _finite(text)
    if _OCTAL.fullmatch(text):
        return _within_64_bits(text[2:], 8)
    if _HEXADECIMAL.fullmatch(text):
        return _within_64_bits(text[2:], 16)
    if _NOT_FINITE.fullmatch(text):
        raise InputError(f"{text} is not a number that cepd can compare", help="write a finite number, or quote it")
    return text


def _within_64_bits(digits: str, base: int) -> int:
    number = int(digits, base) if len(digits) < _LONGEST else 1 << 65
    if not -(1 << 63) <= number < 1 << 64:
        raise InputError("the number does not fit into 64 bits", help="quote it if it is an identifier")
    return number


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise InputError(f"{text[:40]} is too large for a number", help="numbers end near 1.8e308")
    return number
