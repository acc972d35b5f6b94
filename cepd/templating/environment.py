"""Compiles the texts of rules, alone or inside JSON documents, and renders them.

A text becomes a text. A leaf of a document that is exactly `{{ expression }}` keeps the value's own kind, so
`{"count": "{{ values.count }}"}` sends a number. Whatever goes wrong is a TemplateError: with an offset when it is
compiled, naming the variable when it is rendered.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import NoReturn

import jinja2
from jinja2 import meta, nodes
from jinja2.environment import TemplateExpression

from cepd.model.errors import TemplateError, raise_all
from cepd.model.json import Json
from cepd.templating.sandbox import MAX_CHARACTERS, SANDBOX, TURNS, plain

_FAULTS = (jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""What a template's own expressions can raise."""


@dataclass(frozen=True)
class Template:
    """One checked text; Python code is made of it when it is first rendered."""

    text: str
    mentions: Mapping[str, int]
    """Top-level names that the text does not define itself, to the offset of their first mention."""

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.mentions)

    @property
    def paths(self) -> frozenset[tuple[str, ...]]:
        """What it reads of those names, each as far as the text says it: `a.b["c"]` is (a, b, c), `a[b]` is (a,)
        and (b,)."""
        return frozenset(path for path in _paths(SANDBOX.read(self.text)) if path[0] in self.mentions)

    def render(self, names: Mapping[str, Json]) -> str:
        """The text. Raises TemplateError, also where it is longer than 65,536 characters."""
        pieces = []
        size = 0
        try:
            for piece in self._compiled.generate({**names, TURNS: [0]}):
                size += len(piece)
                if size > MAX_CHARACTERS:
                    _fail(f"the text is longer than {MAX_CHARACTERS} characters")
                pieces.append(piece)
        except _FAULTS as error:
            _fail(_words(error), error)
        return "".join(pieces)

    def evaluate(self, names: Mapping[str, Json]) -> Json:
        """The value of a text that is exactly `{{ expression }}`; the rendered text of any other. TemplateError."""
        if self._expression is None:
            return self.render(names)
        try:
            return plain(self._expression({**names, TURNS: [0]}))
        except _FAULTS as error:
            _fail(_words(error), error)

    @cached_property
    def _compiled(self) -> jinja2.Template:
        return SANDBOX.from_string(SANDBOX.read(self.text))

    @cached_property
    def _expression(self) -> TemplateExpression | None:
        match SANDBOX.read(self.text).body:
            case [nodes.Output(nodes=[expression])] if not isinstance(expression, nodes.TemplateData):
                result = nodes.Assign(nodes.Name("result", "store", lineno=1), expression, lineno=1)
                return TemplateExpression(SANDBOX.from_string(nodes.Template([result], lineno=1)), False)
        return None


@dataclass(frozen=True)
class Value:
    """A compiled JSON document with templates in its texts."""

    texts: Mapping[str, Template]
    """The texts that mention names, by their JSON pointers."""
    build: Callable[[Mapping[str, Json]], Json]

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for text in self.texts.values() for name in text.names)

    @property
    def paths(self) -> frozenset[tuple[str, ...]]:
        return frozenset(path for text in self.texts.values() for path in text.paths)

    def render(self, names: Mapping[str, Json]) -> Json:
        """The document with its templates filled in: plain JSON. Raises TemplateError with the text's pointer."""
        return self.build(names)


@lru_cache(maxsize=4096)
def compile_text(text: str) -> Template:
    """Compiles a text template. Raises TemplateError with the offset of the fault's line."""
    try:
        tree = SANDBOX.read(text)
        undeclared = meta.find_undeclared_variables(tree)
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(
            error.message or "the template does not compile", offset=_line_start(text, error.lineno)
        ) from error
    except _FAULTS as error:
        raise TemplateError(_words(error), offset=0) from error
    return Template(text, _mentions(text, undeclared))


def compile_value(document: Json) -> Value:
    """Compiles every text in a JSON document; keys are taken as they stand. Raises TemplateError with a pointer,
    and as its `others` those of the other texts."""
    texts: dict[str, Template] = {}
    faults: list[TemplateError] = []
    build = _compile_part(document, "", texts, faults)
    raise_all(faults)
    return Value(texts, build)


def _compile_part(
    part: Json, pointer: str, texts: dict[str, Template], faults: list[TemplateError]
) -> Callable[[Mapping[str, Json]], Json]:
    """What builds a part, with the texts in it; what does not compile is added to `faults` and stays as it is."""
    if isinstance(part, str):
        try:
            return _compile_leaf(part, pointer, texts)
        except TemplateError as error:
            faults.append(error)
    if isinstance(part, Mapping):
        members = {key: _compile_part(value, f"{pointer}/{_escape(key)}", texts, faults) for key, value in part.items()}
        return lambda names: {key: build(names) for key, build in members.items()}
    if isinstance(part, list | tuple):
        items = [_compile_part(value, f"{pointer}/{index}", texts, faults) for index, value in enumerate(part)]
        return lambda names: [build(names) for build in items]
    return lambda names: part


def _compile_leaf(text: str, pointer: str, texts: dict[str, Template]) -> Callable[[Mapping[str, Json]], Json]:
    try:
        template = compile_text(text)
    except TemplateError as error:
        raise TemplateError(error.message, offset=error.offset, pointer=pointer, help=error.help) from error
    if template.mentions:
        texts[pointer] = template

    def build(names: Mapping[str, Json]) -> Json:
        try:
            return template.evaluate(names)
        except TemplateError as error:
            raise TemplateError(error.message, pointer=pointer, help=error.help) from error

    return build


def _mentions(text: str, undeclared: set[str]) -> dict[str, int]:
    """Where each name is first read. Tokens come in order and verbatim, so each is found after the one before it."""
    found: dict[str, int] = {}
    position, before = 0, ""
    for _, kind, token in SANDBOX.lex(text):
        if not token.strip():
            continue
        start = text.find(token, position)
        if start >= 0:
            position = start + len(token)
        if kind == "name" and token in undeclared and before not in (".", "|"):
            found.setdefault(token, max(start, 0))
        before = token
    return {name: found.get(name, 0) for name in sorted(undeclared, key=lambda name: (found.get(name, 0), name))}


def _paths(node: nodes.Node) -> Iterator[tuple[str, ...]]:
    """Every name that is read, with the members that the text asks of it."""
    members: list[str] = []
    while not isinstance(node, nodes.Name):
        match node:
            case (
                nodes.Getattr(node=holder, attr=member) | nodes.Getitem(node=holder, arg=nodes.Const(value=str(member)))
            ):
                members.append(member)
            case nodes.Call(
                node=nodes.Getattr(node=holder, attr="get"), args=[nodes.Const(value=str(member)), *others]
            ):
                members.append(member)
                yield from _all_paths(others)
            case nodes.Call(node=nodes.Getattr(node=holder)):
                members.clear()
                yield from _all_paths([*node.args, *node.kwargs])
            case nodes.Getitem(node=holder, arg=index):
                members.clear()
                yield from _paths(index)
            case _:
                yield from _all_paths(node.iter_child_nodes())
                return
        node = holder
    if node.ctx == "load":
        yield (node.name, *reversed(members))


def _all_paths(found: Iterable[nodes.Node]) -> Iterator[tuple[str, ...]]:
    for node in found:
        yield from _paths(node)


def _line_start(text: str, line: int) -> int:
    """Offset of a line's first tag, else of its first character: Jinja2 knows lines only."""
    lines = text.splitlines(keepends=True)[: max(line, 1)]
    if not lines:
        return 0
    tags = [place for opener in ("{{", "{%", "{#") if (place := lines[-1].find(opener)) >= 0]
    return sum(map(len, lines[:-1])) + min(tags, default=0)


def _escape(key: str) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _fail(message: str, cause: Exception | None = None) -> NoReturn:
    missing = isinstance(cause, jinja2.UndefinedError)
    raise TemplateError(
        message, help="write {{ name | default('-') }} if it may be missing" if missing else ""
    ) from cause
