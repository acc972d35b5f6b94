"""Generated code for people: the functions that one entry goes through, which of their lines stand for it, and what the
names in these are.

What a line leads to is read from the line and its constants: the code is as it runs, with nothing added for this.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise
from reprlib import Repr
from types import MethodType
from typing import Any, NamedTuple

from cepd.engine.formatting import format_expression
from cepd.engine.matching.function import Written
from cepd.engine.matching.memo import Memo
from cepd.engine.matching.node import Node
from cepd.engine.matching.substrings import Searcher

_ADDS = re.compile(r"add\((\w+)\)")
_CONSTANT = re.compile(r"\bK\d+\b")
_FLOWS = re.compile(r"\b(?:found|call)\b")
_STARTS = re.compile(r"found = None|found :=|for call in K")
_SETS = re.compile(r"\s*(\w+) = ")
_NAME = re.compile(r"[A-Za-z_]\w*")
_SLOT = re.compile(r"f\d+")

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = _SHORT.maxfrozenset = 8


class Listed(NamedTuple):
    """A function by its number, from 1. Of its lines, those at `own` stand for the entry, and those at `used` load what
    they read. `names`: what the names in both are."""

    number: int
    lines: tuple[str, ...]
    own: tuple[int, ...]
    used: tuple[int, ...]
    names: Mapping[str, str]


def list_code(node: Node, place: int, owner: str) -> list[Listed]:
    """The functions of a node that the entry at a place goes through, the one that is called first at the front.
    `owner` is what it is called."""
    return list(_Listing(node, place, owner).all())


class _Listing:
    def __init__(self, node: Node, place: int, owner: str) -> None:
        self._place = place
        self._owner = owner
        self._functions = node.functions
        self._members = node.members
        self._numbers = {id(written.call): number for number, written in enumerate(self._functions, 1)}
        self._leading = cache(self._find)

    def all(self) -> Iterator[Listed]:
        for number, written in enumerate(self._functions, 1):
            own = self._leading(number)
            if own:
                lines = written.source.splitlines()
                used = _used(lines, own)
                shown = " ".join(lines[index] for index in (*own, *used))
                yield Listed(number, tuple(lines), tuple(sorted(own)), used, self._names(written, shown))

    def _find(self, number: int) -> set[int]:
        """The lines that lead to the entry, and those around them."""
        written = self._functions[number - 1]
        lines = written.source.splitlines()
        found = {index for index, line in enumerate(lines) if self._line_leads(line, written)}
        for flow in _flows(lines):
            if found & flow:
                found |= flow
        return {outer for index in found for outer in (index, *_around(lines, index))}

    def _line_leads(self, line: str, written: Written) -> bool:
        if line.startswith("def "):
            return False
        added = _ADDS.search(line)
        if added is not None:
            name = added[1]
            return self._place == (int(name) if name.isdigit() else written.constants[int(name[1:])])
        return any(self._leads(written.constants[int(name[1:])]) for name in _CONSTANT.findall(line))

    def _leads(self, value: Any) -> bool:
        """Whether a constant other than a place of its own is a way to the entry."""
        if id(value) in self._numbers:
            return bool(self._leading(self._numbers[id(value)]))
        match value:
            case dict():
                return any(map(self._leads, value.values()))
            case tuple():
                return any(item == self._place if item.__class__ is int else self._leads(item) for item in value)
            case MethodType(__self__=Memo() as memo):
                return self._leads(memo.find)
            case MethodType(__self__=Searcher() as searcher):
                return any(map(self._leads, searcher.told.values()))
        return False

    def _names(self, written: Written, shown: str) -> dict[str, str]:
        places = set(_ADDS.findall(shown))
        slots = {name: f"the member {self._members[name]!r}" for name in sorted(set(_SLOT.findall(shown)))}
        slots |= {f"add({name})": f"tells {self._owner}" for name in places if name.isdigit()}
        constants = sorted(set(_CONSTANT.findall(shown)), key=lambda name: int(name[1:]))
        return slots | {
            name: f"tells {self._owner}" if name in places else self._constant(written, int(name[1:]))
            for name in constants
        }

    def _constant(self, written: Written, index: int) -> str:
        value = written.constants[index]
        if index in written.meanings:
            return f"says whether {format_expression(written.meanings[index])}"
        memos = [found.__self__ for found in written.constants if isinstance(found, MethodType)]
        if any(isinstance(memo, Memo) and memo.known is value for memo in memos):
            return "what was found in texts that came before"
        return self._way(value) if self._leads(value) else _SHORT.repr(value)

    def _way(self, value: Any) -> str:
        """How a constant that leads to the entry does."""
        if id(value) in self._numbers:
            return f"function {self._numbers[id(value)]}"
        match value:
            case dict():
                return f"a table of {len(value)}: {self._ways(value)}"
            case MethodType(__self__=Memo() as memo):
                return self._way(memo.find)
            case MethodType(__self__=Searcher() as searcher):
                return f"a search for {len(searcher.told)} texts at once: {self._ways(searcher.told)}"
        if value[0].__class__ is int:
            return f"tells {self._owner}" + (f", and {len(value) - 1} more" if len(value) > 1 else "")
        return ", ".join(self._way(item) for item in value if self._leads(item))

    def _ways(self, table: Mapping[Any, Any]) -> str:
        leading = [f"{_SHORT.repr(key)} {self._way(value)}" for key, value in table.items() if self._leads(value)]
        return "; ".join(leading[:8]) + (f"; and {len(leading) - 8} more" if len(leading) > 8 else "")


def _margin(line: str) -> int:
    return len(line) - len(line.lstrip())


def _around(lines: Sequence[str], index: int) -> Iterator[int]:
    """The conditions and loops that a line stands in; not the function itself."""
    margin = _margin(lines[index])
    for above in range(index - 1, 0, -1):
        if _margin(lines[above]) < margin:
            margin = _margin(lines[above])
            yield above


def _flows(lines: Sequence[str]) -> Iterator[set[int]]:
    """Of each look-up the lines that handle what it found."""
    starts = [index for index, line in enumerate(lines) if _STARTS.search(line)]
    for start, end in pairwise([*starts, len(lines)]):
        yield {index for index in range(start, end) if _FLOWS.search(lines[index])}


def _used(lines: Sequence[str], own: set[int]) -> tuple[int, ...]:
    """The lines that set what other shown lines read."""
    wanted = {name for index in own for name in _NAME.findall(lines[index])}
    used = []
    for index in range(len(lines) - 1, 0, -1):
        sets = _SETS.match(lines[index])
        if index not in own and sets is not None and sets[1] in wanted and sets[1] != "found":
            used.append(index)
            wanted |= set(_NAME.findall(lines[index]))
    return tuple(reversed(used))
