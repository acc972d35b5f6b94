"""The Jinja2 environment that rule texts run in: what a template may touch, and how much of it.

Authors are reviewed, events are not: an event must never make a template slow, big or curious. So names resolve to
JSON members before attributes, methods come from a short list, loops and texts are bounded, and nothing is ever
compiled from an event. Nothing here knows of rules or alerts.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec
from jinja2 import StrictUndefined, Undefined, nodes, pass_context
from jinja2.exceptions import SecurityError, TemplateAssertionError
from jinja2.filters import do_round, make_attrgetter
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cepd.model.json import Json

MAX_CHARACTERS = 65_536
"""Of a rendered text, and of what one `*`, `join` or `replace` may make."""
MAX_TURNS = 10_000
"""Of all loops of one rendering together."""

TURNS = "loop turns"
"""The name under which a rendering carries its count of loop turns, in a list of one. No template can spell it."""
_BOUND = "loop bound"

_DIGITS = 15

_OF_TEXT = """
capitalize casefold count endswith find index isalnum isalpha isascii isdecimal isdigit islower isnumeric isspace
isupper lower lstrip partition removeprefix removesuffix rfind rpartition rsplit rstrip split splitlines startswith
strip swapcase title upper
"""

_METHODS: dict[type, frozenset[str]] = {
    str: frozenset(_OF_TEXT.split()),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
}

_FILTERS = """
abs capitalize count d default dictsort e escape filesizeformat first float groupby int items last length list lower
map max min reject rejectattr reverse select selectattr sort string striptags sum title trim truncate unique upper
urlencode wordcount
"""

_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Macro: "macro",
    nodes.CallBlock: "call",
    nodes.Block: "block",
    nodes.Extends: "extends",
    nodes.Include: "include",
    nodes.Import: "import",
    nodes.FromImport: "from",
}


class Sandbox(ImmutableSandboxedEnvironment):
    """Immutable, strict about undefined names, without loaders, `**` and repetition of sequences."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, finalize=plain, autoescape=False, keep_trailing_newline=True)
        self.filters = {name: self.filters[name] for name in _FILTERS.split()}
        self.filters |= {"join": _join, "replace": _replace, "round": _round, "tojson": _tojson, _BOUND: _bounded}
        self.globals = {"range": self.globals["range"]}

    def getattr(self, obj: Any, attribute: str) -> Any:
        """A member of a mapping wins over a method of that name."""
        if isinstance(obj, dict) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, dict) and attribute not in _METHODS[dict]:
            return self._missing(attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, dict):
            try:
                return obj[argument]
            except (KeyError, TypeError):
                return self._missing(argument)
        return super().getitem(obj, argument)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        allowed = _METHODS.get(obj.__class__)
        if allowed is not None:
            return attr in allowed
        return isinstance(obj, LoopContext) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """`format` is no method of ours: a width makes a text of any size."""

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or not (isinstance(left, int | float) and isinstance(right, int | float)):
            raise SecurityError(f"`{operator}` works on numbers only" if operator != "**" else "`**` is not allowed")
        return super().call_binop(context, operator, left, right)

    def read(self, text: str) -> nodes.Template:
        """The syntax tree of a text, checked, with its loops bounded. Raises Jinja2's errors."""
        tree = self.parse(text)
        for node in tree.find_all(tuple(_REFUSED)):
            raise TemplateAssertionError(f"`{_REFUSED[type(node)]}` is not allowed here", node.lineno)
        for loop in tree.find_all(nodes.For):
            if loop.recursive:
                raise TemplateAssertionError("a `recursive` loop is not allowed here", loop.lineno)
            loop.iter = nodes.Filter(loop.iter, _BOUND, [], [], None, None, lineno=loop.lineno)
        return tree

    def _missing(self, name: Any) -> Undefined:
        return self.undefined(f"{name!r} is missing")


def plain(value: Any) -> Json:
    """The value if it is JSON all through, and what a text may show: else it would show an address in memory, another
    one at each replay. Raises what the template is to be blamed for."""
    if isinstance(value, str | Undefined):
        return str(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float) and value - value == 0:
        return value
    if isinstance(value, Mapping):
        return {_key(key): plain(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        raise SecurityError(f"{value} is not a JSON number")
    raise SecurityError(f"a {type(value).__name__} is not a value; a list needs `| list`")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise SecurityError(f"the key {key!r} is not text")
    return str(key)


@pass_context
def _bounded(context: Context, items: Iterable[Any]) -> Iterator[Any]:
    turns: list[int] = context[TURNS]
    for item in items:
        turns[0] += 1
        if turns[0] > MAX_TURNS:
            raise SecurityError(f"loops are limited to {MAX_TURNS} turns in all")
        yield item


def _join(value: Iterable[Json], d: str = "", attribute: str | int | None = None) -> str:
    pick = make_attrgetter(SANDBOX, attribute)
    texts = [str(pick(item)) for item in value]
    if len(texts) * len(d) > MAX_CHARACTERS:
        raise SecurityError(f"`join` would make more than {MAX_CHARACTERS} characters")
    return d.join(texts)


def _replace(value: Json, old: str, new: str, count: int = -1) -> str:
    text = str(value)
    found = text.count(old)
    if (found if count < 0 else min(count, found)) * len(new) > MAX_CHARACTERS:
        raise SecurityError(f"`replace` would make more than {MAX_CHARACTERS} characters")
    return text.replace(old, new, count)


def _round(value: float, precision: int = 0, method: Literal["common", "ceil", "floor"] = "common") -> float:
    if abs(precision) > _DIGITS:
        raise SecurityError(f"`round` takes at most {_DIGITS} digits")
    return do_round(value, precision, method)


def _tojson(value: Json) -> str:
    """As any JSON reader takes it; Jinja2's own escapes for HTML."""
    if isinstance(value, Undefined):
        return str(value)
    return msgspec.json.encode(value).decode()


SANDBOX = Sandbox()
