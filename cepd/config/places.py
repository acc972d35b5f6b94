"""Where something stands in the text of a document: by path, and by offset inside a scalar.

Positions are worked out only for what is reported; nothing is kept beside the nodes.
"""

import re
from typing import Any

import msgspec
import yaml

from cepd.config.pointers import Path

_LINE_END = re.compile(r"\r\n|[\n\r]")


def lines_of(text: str) -> list[str]:
    """The lines of a text as YAML 1.2 and editors count them."""
    return _LINE_END.split(text)


class Place(msgspec.Struct, frozen=True):
    """1-based, in code points; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int


def place_of(node: Any) -> Place:
    start, end = node.start_mark, node.end_mark
    if isinstance(node, yaml.ScalarNode) or start.line == end.line:
        return Place(start.line + 1, start.column + 1, end.line + 1, max(end.column + 1, 1))
    return Place(start.line + 1, start.column + 1, start.line + 1, start.column + 2)


def place_of_mark(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 2)


def value_node(root: Any, path: Path) -> Any:
    """The node at a path, or the nearest above it that is there."""
    node = root
    for part in path:
        below = _child(node, part)
        if below is None:
            return node
        node = below[1]
    return node


def place_of_value(root: Any, path: Path) -> Place:
    return place_of(value_node(root, path))


def place_of_key(root: Any, path: Path) -> Place:
    """The key of the last part; in a list the item itself."""
    if not path:
        return place_of(root)
    below = _child(value_node(root, path[:-1]), path[-1])
    return place_of(below[0]) if below is not None else place_of_value(root, path)


def place_of_first_key(root: Any, path: Path) -> Place:
    """The first key of the mapping at a path: where a missing field is shown."""
    node = value_node(root, path)
    if isinstance(node, yaml.MappingNode) and node.value:
        return place_of(node.value[0][0])
    return place_of(node)


def _child(node: Any, part: str | int) -> tuple[Any, Any] | None:
    """(key node, value node); of a list the item twice."""
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if getattr(key, "value", None) == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    return None


def place_within(node: Any, value: str, text: str, start: int, end: int) -> Place:
    """Where the code points `start` to `end` of a scalar's `value` stand in the `text` of its file.

    Exact for plain, quoted and literal scalars, escapes and folded lines included; the same in folded block scalars
    but for white space.
    """
    source = _source_indexes(node, value, text, end)
    first = source[start]
    last = source[end - 1] + 1 if end > start else first + 1
    before = lines_of(text[node.start_mark.index : first])
    line = node.start_mark.line + len(before) - 1
    column = len(before[-1]) + (node.start_mark.column if len(before) == 1 else 0)
    end_column = column + len(lines_of(text[first:last])[0])
    return Place(line + 1, column + 1, line + 1, max(end_column + 1, column + 2))


_HEX_ESCAPES = {"x": 2, "u": 4, "U": 8}


def _source_indexes(node: Any, value: str, text: str, count: int) -> list[int]:
    """For each of the first `count` code points of the value, and one beyond, its index in `text`."""
    at = node.start_mark.index
    style = node.style or ""
    if style in ("'", '"'):
        at += 1
    elif style in ("|", ">"):
        at = text.index("\n", at) + 1
    indexes = []
    for wanted in value[:count]:
        if style == '"':
            at = _skip_folds(text, at)
        if not wanted.isspace():
            at = _next_unlike_space(text, at, style)
        indexes.append(at)
        at += _width(text, at, style)
    indexes.append(at)
    return indexes


def _next_unlike_space(text: str, at: int, style: str) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
        if style == '"':
            at = _skip_folds(text, at)
    return at


def _skip_folds(text: str, at: int) -> int:
    """Past escaped line ends, which add nothing to the value."""
    while text.startswith("\\\n", at):
        at += 2
        while at < len(text) and text[at] in " \t":
            at += 1
    return at


def _width(text: str, at: int, style: str) -> int:
    """How many code points of the source write the one code point that begins here."""
    if style == "'" and text.startswith("''", at):
        return 2
    if style == '"' and text.startswith("\\", at):
        letter = text[at + 1 : at + 2]
        width = 2 + _HEX_ESCAPES.get(letter, 0)
        surrogate = letter == "u" and text[at + 2 : at + 3] in "dD" and text[at + 3 : at + 4] in "89abAB"
        return width * 2 if surrogate else width
    return 1
