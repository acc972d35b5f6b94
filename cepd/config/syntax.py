"""Faults of YAML text, in words for people who do not write parsers."""

from dataclasses import dataclass

import yaml

from cepd.config.places import Place, lines_of, place_of_mark
from cepd.config.pointers import Path


@dataclass(frozen=True, slots=True)
class Fault:
    """A finding of this stage, before there is a document to hang it on."""

    code: str
    message: str
    help: str
    place: Place
    path: Path = ()


LONGEST_KEY = 1024
"""libyaml's own limit, which JSON's keys meet too."""

_SAYINGS: tuple[tuple[str, str, str], ...] = (
    ("tab character", "a tab cannot indent", "indent with spaces"),
    ("mapping values are not allowed", "a ':' is not expected here", "quote text that holds ': ', or mend the indent"),
    (
        "did not find expected key",
        "the text goes on where a new field should begin",
        "quote the whole value, or indent",
    ),
    ("could not find expected ':'", "a field without ':' and a value", "write `name: value`"),
    ("undefined alias", "the alias names no anchor before it", "quote text that begins with '*'"),
    ("unknown escape", "this escape is not known", "use single quotes, where \\ has no meaning"),
    ("end of stream", "the quote is never closed", "add the closing quote"),
    ("',' or ']'", "a ',' or ']' is missing", "close the list"),
    ("',' or '}'", "a ',' or '}' is missing", "close the mapping; quote text with special characters"),
    ("'-' indicator", "a list goes on without '- '", "begin the line with '- ', or mend the indent"),
    ("<document start>", "something follows the end of the document", "separate documents with a line ---"),
    ("incompatible YAML", "this version of YAML is not known", "leave the %YAML line out"),
)


def syntax_fault(error: yaml.YAMLError, text: str) -> Fault:
    """Our words for the parser's; its own where we have none."""
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        place = _place_at(text, getattr(error, "position", 0))
        return Fault("CEP001", "a control character is not allowed", "write it as an escape in double quotes", place)
    if _after_long_key(text, mark.index):
        message = f"a key is longer than {LONGEST_KEY:,} characters, the most that cepd reads"
        return Fault("CEP001", message, "give the field a shorter name", place_of_mark(mark))
    opened = getattr(error, "context_mark", None)
    if opened is not None and ("end of stream" in problem or ("',' or" in problem and mark.line > opened.line)):
        mark = opened
    place = place_of_mark(mark)
    found = _character_at(text, place)
    if "cannot start any token" in problem:
        if found == "\t":
            return Fault("CEP001", "a tab cannot indent", "indent with spaces", place)
        return Fault("CEP001", f"text cannot begin with {found!r}", "quote the value", place)
    for part, message, help in _SAYINGS:
        if part in problem:
            return Fault("CEP001", message, help, place)
    return Fault("CEP001", problem, "see https://yaml.org/spec/1.2.2/", place)


def _after_long_key(text: str, index: int) -> bool:
    """Whether the colon of a key that is too long for libyaml stands here."""
    if text[index : index + 1] != ":":
        return False
    before = text[:index].rpartition("\n")[2].rstrip()
    quote = before[-1:] if before[-1:] in ("'", '"') else ""
    start = before.rfind(quote, 0, -1) if quote else max(before.rfind(sign) for sign in ",{ ")
    return len(before) - start > LONGEST_KEY


def _character_at(text: str, place: Place) -> str:
    lines = lines_of(text)
    line = lines[place.line - 1] if place.line <= len(lines) else ""
    return line[place.column - 1 : place.column]


def _place_at(text: str, index: int) -> Place:
    before = lines_of(text[:index])
    return Place(len(before), len(before[-1]) + 1, len(before), len(before[-1]) + 2)
