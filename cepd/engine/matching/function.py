"""Writes one Python function, line by line, and makes it.

No text of a rule gets into the source: fields are slots (`v_f7`), and what rules compare with is a constant. A small
function takes its constants as defaults of parameters, so that functions of one text, such as those of a thousand
hosts with ten thresholds each, share one code object: compiled once, and warm however seldom each is called. A default
costs 3 ns at each call, so a large function has its numbers in the text and the rest among its globals.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any, Final, NamedTuple

from cepd.engine.paths import MISSING
from cepd.engine.projection import slot
from cepd.model.condition import Condition
from cepd.model.json import Json

MOST_DEFAULTS = 24

_GLOBALS: Final[dict[str, Any]] = {
    "MISSING": MISSING,
    "NAN": float("nan"),
    "bisect_left": bisect_left,
    "bisect_right": bisect_right,
}


class Written(NamedTuple):
    """A function with its source, and what the names `K0`, `K1` in it stand for; `meanings`: of constants that are
    functions themselves, the conditions that they were made of."""

    call: Callable[..., Any]
    source: str
    constants: tuple[Any, ...]
    meanings: Mapping[int, Condition]


class Writer:
    """`parameters`: `v`, the view, and others. Conditions are written as expressions that these methods help to spell;
    each may write lines that load a field, so an expression is to be asked for before the line that holds it."""

    def __init__(self, *parameters: str) -> None:
        self._parameters = parameters
        self._lines: list[str] = []
        self._margin = "    "
        self._loaded: set[str] = set()
        self._constants: list[Any] = []
        self._texts: dict[str, str] = {}
        self._meanings: dict[int, Condition] = {}

    def write(self, line: str) -> None:
        self._lines.append(self._margin + line)

    def constant(self, value: Any) -> str:
        """How the source names a value. Braces, for `make` says how it really does."""
        if value.__class__ is str and value in self._texts:
            return self._texts[value]
        self._constants.append(value)
        name = f"{{{len(self._constants) - 1}}}"
        if value.__class__ is str:
            self._texts[value] = name
        return name

    def function(self, call: Callable[..., Any], meaning: Condition) -> str:
        """How the source names a function that was made of a condition."""
        self._meanings[len(self._constants)] = meaning
        return self.constant(call)

    @contextmanager
    def block(self, condition: str) -> Iterator[None]:
        """Lines written inside run where the condition holds."""
        self.write(f"if {condition}:")
        margin, loaded = self._margin, self._loaded
        self._margin, self._loaded = margin + "    ", set(loaded)
        yield
        self._margin, self._loaded = margin, loaded

    def value(self, path: str) -> str:
        """The value at a path; `MISSING` where there is none."""
        first, *rest = path.split(".")
        name = f"v_{slot(first)}"
        self._load(name, f"v.{slot(first)}")
        for part in rest:
            outer, name = name, f"{name}_{slot(part)}"
            if name not in self._loaded:
                inner = f'getattr({outer}, "{slot(part)}", MISSING)'
                member = f"{outer}.get({self.constant(part)}, MISSING)"
                self._load(name, f"{member} if {outer}.__class__ is dict else {inner}")
        return name

    def number(self, path: str) -> str:
        """The value where it is a number; else NaN, of which no comparison but `!=` is true."""
        value = self.value(path)
        kind = f"{value}.__class__"
        return self._load(f"n{value[1:]}", f"{value} if {kind} is float or {kind} is int else NAN")

    def text(self, path: str) -> str:
        """The value where it is text, else None."""
        value = self.value(path)
        return self._load(f"s{value[1:]}", f"{value} if {value}.__class__ is str else None")

    def haystack(self, path: str) -> str:
        """The value where it is text or a list: `x in` means the right thing for either. Else an empty tuple."""
        value = self.value(path)
        kind = f"{value}.__class__"
        return self._load(f"h{value[1:]}", f"{value} if {kind} is str or {kind} is list else ()")

    def sender(self) -> str:
        """The source of the event's envelope, for functions with a parameter `source`."""
        text = self.text("source")
        return self._load("sender", f"{text} or source")

    def make(self) -> Written:
        """The function. It is called `match`, whatever it does."""
        large = len(self._constants) > MOST_DEFAULTS
        names = [f"K{index}" for index in range(len(self._constants))]
        spelled = [_spelled(value) or name for value, name in zip(self._constants, names, strict=True)]
        heading = ", ".join([*self._parameters, *(() if large else names)])
        body = "\n".join(self._lines or ["    return"]).format(*(spelled if large else names))
        source = f"def match({heading}):\n{body}\n"
        constants = tuple(self._constants)
        if large:
            known = _GLOBALS | dict(zip(names, constants, strict=True))
            return Written(FunctionType(_compiled(source), known), source, constants, self._meanings)
        return Written(FunctionType(_compiled(source), _GLOBALS, "match", constants), source, constants, self._meanings)

    def _load(self, name: str, code: str) -> str:
        if name not in self._loaded:
            self._loaded.add(name)
            self.write(f"{name} = {code}")
        return name


def _spelled(value: Json) -> str | None:
    """A number as Python writes it."""
    return repr(value) if value.__class__ is int or value.__class__ is float else None


@lru_cache(maxsize=2048)
def _compiled(source: str) -> CodeType:
    module = compile(source, "<matching>", "exec")
    return next(part for part in module.co_consts if isinstance(part, CodeType))
