"""Text of one file to its YAML documents: plain data, with the nodes kept for positions.

libyaml composes once; types come from `scalars`, not from YAML 1.1. JSON files go the same way. Faults of the text
are findings and never exceptions; what stands before a fault is still read. Without libyaml the parser is PyYAML's
own, seven times slower.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from cepd.config.oddities import IN_JSON, IN_YAML, moves_back, moves_for
from cepd.config.places import Place, lines_of, place_of
from cepd.config.scalars import read_plain
from cepd.config.surrogates import shifted, surrogate_block, unshifted
from cepd.config.syntax import Fault, syntax_fault
from cepd.model.errors import InputError
from cepd.model.json import Json

MAX_BYTES = 4 << 20
MAX_DEPTH = 32
MAX_ALIASED = 10_000
"""Nodes that aliases may repeat in one file."""

_TOP = Place(1, 1, 1, 2)
_PLAIN, _TEXT, _COLLECTION = "plain", "text", "collection"


class _DeepError(Exception):
    """Nesting beyond MAX_DEPTH."""


class _OwnTags:
    """What composing asks of a resolver. It says how a scalar was written, and stops at MAX_DEPTH: libyaml's own
    recursion would end the process."""

    depth = 0

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        if kind is not yaml.ScalarNode:
            return _COLLECTION
        return _PLAIN if implicit[0] else _TEXT

    def descend_resolver(self, node: Any, index: Any) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH + 1:
            raise _DeepError

    def ascend_resolver(self) -> None:
        self.depth -= 1


def _composer() -> type[Any]:
    try:
        from yaml.cyaml import CParser  # type: ignore[attr-defined]
    except ImportError:
        from yaml.composer import Composer
        from yaml.parser import Parser
        from yaml.reader import Reader
        from yaml.scanner import Scanner

        class Composing(_OwnTags, Reader, Scanner, Parser, Composer):
            def __init__(self, text: str) -> None:
                Reader.__init__(self, text)
                Scanner.__init__(self)
                Parser.__init__(self)
                Composer.__init__(self)

        return Composing

    class ComposingByLibyaml(_OwnTags, CParser):
        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)

    return ComposingByLibyaml


_Composer = _composer()


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document. `root` and `text` serve positions only."""

    file: str
    text: str
    data: Json
    root: Any
    faults: list[Fault]
    """Of its content: each names the path that it spoils."""


@dataclass(slots=True)
class Parsed:
    text: str
    documents: list[Document] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    """Of the file as a whole, with what cut it short."""


def parse(file: str, data: bytes) -> Parsed:
    """The documents of a file's bytes. Empty documents are left out."""
    if len(data) > MAX_BYTES:
        fault = Fault("CEP008", f"the file is larger than {MAX_BYTES:,} bytes", "split it by team or subject", _TOP)
        return Parsed("", faults=[fault])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Parsed("", faults=[_not_utf8(data, error)])
    json = file.endswith(".json")
    block = surrogate_block(text) if json else 0
    moves = moves_for(text, IN_JSON if json else IN_YAML)
    parsed = Parsed(text)
    try:
        for root in _nodes(shifted(text, block).translate(moves)):
            builder = _Builder(block, moves_back(moves))
            content = builder.build(root)
            if content is not None or builder.faults:
                parsed.documents.append(Document(file, text, content, root, builder.faults))
    except _DeepError:
        help = "flatten the document"
        parsed.faults.append(Fault("CEP007", f"it is nested more than {MAX_DEPTH} levels deep", help, _TOP))
    except yaml.YAMLError as error:
        parsed.faults.append(syntax_fault(error, text))
    return parsed


def _nodes(text: str) -> Iterator[Any]:
    composer = _Composer(text)
    while composer.check_node():
        yield composer.get_node()


class _Builder:
    """Nodes to plain data, in document order."""

    def __init__(self, block: int, moves: dict[int, str]) -> None:
        self.block = block
        self.moves = moves
        self.faults: list[Fault] = []
        self.path: list[str | int] = []
        self.above: set[int] = set()
        self.seen: set[int] = set()
        self.aliased = 0

    def build(self, node: Any) -> Json:
        if id(node) in self.seen and not self._repeats(node):
            return None
        if node.tag not in (_PLAIN, _TEXT, _COLLECTION):
            self.fault("CEP005", f"the tag {_short_tag(node.tag)} is not known", "leave the tag out; quote text", node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self.seen.add(id(node))
        self.above.add(id(node))
        value = self._mapping(node) if isinstance(node, yaml.MappingNode) else self._sequence(node)
        self.above.discard(id(node))
        return value

    def fault(self, code: str, message: str, help: str, node: Any) -> None:
        self.faults.append(Fault(code, message, help, place_of(node), tuple(self.path)))

    def _repeats(self, node: Any) -> bool:
        """Whether an alias may repeat this node: it does not hold itself, and the budget lasts."""
        if id(node) in self.above:
            self.fault("CEP006", "an alias repeats the node that it stands in", "write the part out", node)
            return False
        over_before = self.aliased > MAX_ALIASED
        self.aliased += 1 + len(node.value)
        if self.aliased <= MAX_ALIASED:
            return True
        if not over_before:
            help = "write the parts out, or split the file"
            self.fault("CEP006", f"aliases repeat more than {MAX_ALIASED:,} nodes", help, node)
        return False

    def _scalar(self, node: Any) -> Json:
        node.value = unshifted(node.value, self.block).translate(self.moves)
        if node.tag == _PLAIN:
            try:
                return read_plain(node.value)
            except InputError as error:
                self.fault("CEP009", error.message, error.help, node)
                return None
        return str(node.value)

    def _sequence(self, node: Any) -> list[Json]:
        items = []
        for index, item in enumerate(node.value):
            self.path.append(index)
            items.append(self.build(item))
            self.path.pop()
        return items

    def _mapping(self, node: Any) -> dict[str, Json]:
        members: dict[str, Json] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key is None:
                continue
            self.path.append(key)
            if key in members:
                self.fault("CEP003", f"the field {key!r} is given twice", "keep one of them", key_node)
            else:
                members[key] = self.build(value_node)
            self.path.pop()
        return members

    def _key(self, node: Any) -> str | None:
        if isinstance(node, yaml.ScalarNode):
            key = self._scalar(node)
            if isinstance(key, str):
                return key
        shown = f"the key {node.value!r}" if isinstance(node, yaml.ScalarNode) else "a list or mapping as a key"
        self.fault("CEP004", f"{shown} is not text", "quote the key", node)
        return None


def _short_tag(tag: str) -> str:
    prefix = "tag:yaml.org,2002:"
    return "!!" + tag[len(prefix) :] if tag.startswith(prefix) else tag


def _not_utf8(data: bytes, error: UnicodeDecodeError) -> Fault:
    before = lines_of(data[: error.start].decode("utf-8", "replace"))
    line, column = len(before), len(before[-1]) + 1
    message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
    return Fault("CEP002", message, "save the file as UTF-8", Place(line, column, line, column + 1))
