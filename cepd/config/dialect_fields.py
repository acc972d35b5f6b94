"""Values of a dialect document that remember where they stand in it, and mappings with several spellings of a field.

What the translation moves, it moves as `Taken`; what it adds is plain. `settle` parts the two again: the document and,
for each place in it, the place in the original that a finding about it belongs to.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from cepd.config.pointers import path_of, pointer_of, value_at
from cepd.model.json import Json
from cepd.model.spelling import closest, did_you_mean


class Finding(NamedTuple):
    """`pointer` into the original document; `at` says whether its key or its value is meant. `meant` is the known
    field that a misspelt key stands for."""

    code: str
    pointer: str
    message: str
    help: str
    at: Literal["key", "value"] = "value"
    meant: str = ""


class Taken(NamedTuple):
    """A value and its pointer in the original. Mappings and lists may hold plain values and `Taken` ones."""

    value: Json
    pointer: str

    def below(self, part: str | int) -> "Taken":
        value = self.value[part]
        return value if isinstance(value, Taken) else Taken(value, self.pointer + pointer_of((part,)))

    def members(self) -> "dict[str, Taken]":
        """The members of a mapping."""
        return {name: self.below(name) for name in self.value}

    def items(self) -> list["Taken"]:
        """The items of a list."""
        return [self.below(index) for index in range(len(self.value))]


@dataclass(slots=True)
class Fields:
    """The fields of one mapping, taken one by one; what is left at the end is unknown."""

    mapping: Taken
    label: str
    findings: list[Finding]
    known: list[str] = field(default_factory=list)
    free: list[str] = field(default_factory=list)
    """Spellings of fields that are not given."""

    def take(self, *spellings: str) -> Taken | None:
        """The value of a field in any of its spellings. A second spelling of it is an error."""
        self.known.extend(spellings)
        given = [name for name in spellings if name in self.mapping.value]
        self.free.extend(() if given else spellings)
        for name in given[1:]:
            message = f"{name!r} and {given[0]!r} of {self.label} are the same field"
            self._find("CEP112", name, message, f"keep {given[0]!r} alone")
        return self.mapping.below(given[0]) if given else None

    def take_all(self, names: Mapping[str, Sequence[str]]) -> "dict[str, Taken]":
        """The fields that are given, under their canonical names."""
        found = {name: self.take(*spellings) for name, spellings in names.items()}
        return {name: taken for name, taken in found.items() if taken is not None}

    def end(self) -> None:
        """Reports what nobody took."""
        for name in self.mapping.value:
            if name not in self.known:
                self.findings.append(unknown(self.mapping.below(name).pointer, name, self.label, self.free, self.known))

    def _find(self, code: str, name: str, message: str, remedy: str) -> None:
        self.findings.append(Finding(code, self.mapping.below(name).pointer, message, remedy, "key"))


def unknown(pointer: str, name: str, label: str, free: Collection[str], known: Collection[str]) -> Finding:
    """A field that nobody knows, and which of those that are not given it is meant to be."""
    meant = closest(name, free) or ""
    remedy = f"did you mean {meant!r}?" if meant else did_you_mean(name, known)
    return Finding("CEP110", pointer, f"unknown field {name!r} in {label}", remedy, "key", meant)


def wrong_type(taken: Taken, label: str, wanted: str) -> Finding:
    kinds = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    shown = kinds.get(type(taken.value), "a number")
    return Finding("CEP111", taken.pointer, f"{label} is {shown}, not {wanted}", f"write {wanted}")


def plain(tree: Json) -> Json:
    """The tree without the places."""
    return settle(tree, None)[0]


def settle(tree: Json, original: Json) -> tuple[Json, dict[str, str]]:
    """The plain document, and the pointer in `original` for each pointer in it."""
    origins: dict[str, str] = {}

    def walk(value: Json, pointer: str, origin: str) -> Json:
        if isinstance(value, Taken):
            value, origin = value
        origins[pointer] = origin
        if isinstance(value, dict):
            return {key: walk(item, *_deeper(pointer, origin, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [walk(item, *_deeper(pointer, origin, index)) for index, item in enumerate(value)]
        return value

    def _deeper(pointer: str, origin: str, part: str | int) -> tuple[str, str]:
        step = pointer_of((part,))
        there = _holds(original, origin + step)
        return pointer + step, origin + step if there else origin

    return walk(tree, "", ""), origins


def _holds(document: Json, pointer: str) -> bool:
    *above, last = path_of(pointer, document)
    parent = value_at(document, above)
    if isinstance(parent, list):
        return isinstance(last, int) and last < len(parent)
    return isinstance(parent, dict) and last in parent
