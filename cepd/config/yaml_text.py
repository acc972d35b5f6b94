"""YAML text for people: short collections on one line, text in quotes only where it needs them.

What is written reads back the same under YAML 1.2 (`cepd.config.parse`) and under the YAML 1.1 of other tools.
"""

import json
import math
import re
from collections.abc import Collection
from typing import Any

import yaml

from cepd.config.scalars import read_plain
from cepd.model.errors import InputError
from cepd.model.json import Json

_WIDTH = 120
_INDENT = 2
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


_SCALARS = yaml.representer.SafeRepresenter()


class _Writer(yaml.SafeDumper):
    """PyYAML's emitter, with lists set in, double quotes by preference, and no text ever folded or made ASCII."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)

    def choose_scalar_style(self) -> Any:
        style = super().choose_scalar_style()
        text: str = self.event.value  # type: ignore[union-attr]
        single = '"' in text and "'" not in text and "\n" not in text
        return '"' if style == "'" and not single else style

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        self.write_indicator(_quoted(text), True)


def write_yaml(document: Json, *, blocks: Collection[str] = ()) -> str:
    """The text of one document. Collections that fit into a line of 120 are written as one, except the document
    itself and the fields named in `blocks`, which give each item a line."""
    return _serialized(_node(document, 0, 0, blocks, True))


def _serialized(node: yaml.Node) -> str:
    text: str = yaml.serialize(node, Dumper=_Writer, width=math.inf, allow_unicode=True, indent=_INDENT)
    return text


def _width(node: yaml.Node) -> int:
    """The length of the node's text where it stands inside another."""
    around = yaml.SequenceNode("tag:yaml.org,2002:seq", [node], flow_style=True)
    return len(_serialized(around)) - len("[]\n")


def _quoted(text: str) -> str:
    """JSON is YAML, but for a few characters that YAML wants escaped."""
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False))


def _node(value: Json, indent: int, start: int, blocks: Collection[str], spread: bool) -> yaml.Node:
    """`start` is the column where the value begins on the line of its key, `indent` that of lines of its own."""
    if not isinstance(value, (dict, list)) or not value:
        return _flat(value)
    if not spread and not _needs_lines(value, blocks):
        flat = _flat(value)
        if start + _width(flat) <= _WIDTH:
            return flat
    if isinstance(value, list):
        items = [_node(item, indent + _INDENT, indent + _INDENT, blocks, False) for item in value]
        return yaml.SequenceNode("tag:yaml.org,2002:seq", items, flow_style=False)
    pairs = []
    for name, item in value.items():
        key = _flat(name)
        begin = indent + _width(key) + len(": ")
        pairs.append((key, _node(item, indent + _INDENT, begin, blocks, name in blocks)))
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=False)


def _needs_lines(value: Json, blocks: Collection[str]) -> bool:
    if isinstance(value, dict):
        spread = any(name in blocks and isinstance(item, (dict, list)) and item for name, item in value.items())
        return spread or any(_needs_lines(item, blocks) for item in value.values())
    if isinstance(value, list):
        return any(_needs_lines(item, blocks) for item in value)
    return isinstance(value, str) and "\n" in value


def _flat(value: Json) -> yaml.Node:
    """The value on one line; only text with line breaks, where the emitter may write it as a block, is not."""
    if isinstance(value, dict):
        pairs = [(_flat(name), _flat(item)) for name, item in value.items()]
        return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=True)
    if isinstance(value, list):
        return yaml.SequenceNode("tag:yaml.org,2002:seq", [_flat(item) for item in value], flow_style=True)
    if isinstance(value, str):
        return yaml.ScalarNode("tag:yaml.org,2002:str", value, style=_style(value))
    return _SCALARS.represent_data(value)


def _style(text: str) -> str | None:
    """None: as the emitter likes. Only double quotes can escape what they hold."""
    if _ESCAPED.search(text):
        return '"'
    return "|" if "\n" in text else None if _reads_as_text(text) else '"'


def _reads_as_text(text: str) -> bool:
    try:
        return isinstance(read_plain(text), str)
    except InputError:
        return False
