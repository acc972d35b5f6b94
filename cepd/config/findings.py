"""Collects what is found in one document, and says where that stands in its text."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, TypeAlias

from cepd.config.codes import CODES
from cepd.config.masking import without_tokens
from cepd.config.parse import Document
from cepd.config.places import Place, place_of_first_key, place_of_key, place_of_value, place_within, value_node
from cepd.config.pointers import Path, path_of, pointer_of, value_at
from cepd.config.respell import as_written
from cepd.config.syntax import Fault
from cepd.model.json import Json
from cepd.model.problem import Problem

At: TypeAlias = Literal["value", "key", "first_key"]
Span: TypeAlias = tuple[int, int]
"""From one code point of a text to another, the end exclusive."""

_PLACES = {"value": place_of_value, "key": place_of_key, "first_key": place_of_first_key}


class Findings:
    """The findings of one document.

    `data` is the document as it is checked; where that is not what the text holds, `origins` leads from its JSON
    pointers back to those of the text (what is not listed belongs to the nearest pointer above it that is). Fields of
    `data` that the text spells otherwise stand in `former`, by path.
    """

    def __init__(
        self,
        document: Document,
        data: Json,
        origins: Mapping[str, str] | None = None,
        former: Mapping[Path, str] = MappingProxyType({}),
    ) -> None:
        self.document = document
        self.data = data
        self.former = former
        self.problems: list[Problem] = []
        self._origins = origins
        self._spoiled: set[Path] = set()
        self._faults = {fault.path for fault in document.faults}
        for fault in document.faults:
            self.spoil(fault.path)
            self._keep(fault.code, fault.message, fault.help, fault.place, fault.path, pointer_of(fault.path))

    def add(
        self, code: str, path: Path, message: str, help: str = "", *, at: At = "value", span: Span | None = None
    ) -> None:
        """One finding at a path of `data`; `span` narrows it to a part of the text value there.

        An error spoils what stands at the path and above it. What documents say of one another (2xx) does not: by
        itself such a document is sound.
        """
        if path in self._faults:
            return
        if CODES[code].severity == "error" and not code.startswith("CEP2"):
            self.spoil(path)
        original = self._original(path)
        place = self._place(original, at, span, value_at(self.data, path))
        self._keep(code, message, help, place, path, pointer_of(original))

    def add_original(self, code: str, pointer: str, message: str, help: str, at: At) -> None:
        """One finding at a JSON pointer of the text itself. An error there spoils the document as a whole."""
        if CODES[code].severity == "error":
            self.spoil(("rules", 0))
        place = self._place(path_of(pointer, self.document.data), at, None, None)
        self._keep(code, message, help, place, ("rules", 0), pointer)

    def clean(self, path: Path) -> bool:
        """Whether no error was found at this path or below it."""
        return path not in self._spoiled

    def line(self, path: Path) -> int:
        return self._place(self._original(path), "value", None, None).line

    def spoil(self, path: Path) -> None:
        """Keeps what stands at a path, and what that is part of, from being built."""
        self._spoiled.update(path[:length] for length in range(len(path) + 1))

    def _original(self, path: Path) -> Path:
        path = as_written(path, self.former)
        if self._origins is None:
            return path
        for length in range(len(path), -1, -1):
            origin = self._origins.get(pointer_of(path[:length]))
            if origin is not None:
                return (*path_of(origin, self.document.data), *path[length:])
        return ()

    def _place(self, original: Path, at: At, span: Span | None, text: Json) -> Place:
        if span is not None and value_at(self.document.data, original) == text:
            return place_within(value_node(self.document.root, original), text, self.document.text, *span)
        return _PLACES[at](self.document.root, original)

    def _keep(self, code: str, message: str, help: str, place: Place, path: Path, pointer: str) -> None:
        rule, pack = self._names(path)
        self.problems.append(
            Problem(
                code=code,
                severity=CODES[code].severity,
                message=without_tokens(message),
                help=without_tokens(help),
                file=self.document.file,
                line=place.line,
                column=place.column,
                end_line=place.end_line,
                end_column=place.end_column,
                pointer=without_tokens(pointer),
                rule=rule,
                pack=pack,
            )
        )

    def _names(self, path: Path) -> tuple[str | None, str | None]:
        if not isinstance(self.data, dict) or "rules" not in self.data:
            return None, None
        rule = value_at(self.data, (*path[:2], "id")) if path[:1] == ("rules",) and len(path) > 1 else None
        pack = self.data.get("name")
        return _shown(rule), _shown(pack)


def _shown(name: Json) -> str | None:
    return without_tokens(name) if isinstance(name, str) else None


def file_problem(file: str, fault: Fault) -> Problem:
    """A fault of a whole file."""
    place = fault.place
    return Problem(
        code=fault.code,
        severity=CODES[fault.code].severity,
        message=fault.message,
        help=fault.help,
        file=file,
        line=place.line,
        column=place.column,
        end_line=place.end_line,
        end_column=place.end_column,
    )
