"""The lexical side of expressions: what Python's parser would read otherwise than its writer means, or blame unclearly.

Foreign operators (`&&`, `<>`, `=>`), comments, texts side by side, escapes that mean nothing and numbers with letters
behind them are refused here, each with its remedy and at its own place, before `ast` sees the text.
"""

import re
from collections.abc import Iterator

from cepd.engine.paths import has_surrogate
from cepd.model.errors import ExpressionError

REMEDIES = {
    "&&": "write and",
    "||": "write or",
    "&": "write and",
    "|": "write or",
    "!": "write not",
    "~": "write not",
    "===": "write ==",
    "!==": "write !=",
    "<>": "write !=",
    "=~": 'write matches(field, "pattern")',
    "=<": "write <=",
    "=>": "write >=",
    ":=": "write == to compare",
    "**": "powers are not offered: multiply",
    "//": "write /",
    "<<": "write < to compare",
    ">>": "write > to compare",
    "?": "join tests with and, or, not",
    ";": "write one expression",
    "{": "write a list with [ ]",
    "}": "write a list with [ ]",
    "`": 'write field("name") for a field whose name is unusual',
    "$": "write the field's name alone",
    "@": "write the field's name alone",
    "#": "put the comment beside the condition, as a YAML comment",
    "\\": "break the line without a backslash",
    "“": 'write plain quotes: "',
    "”": 'write plain quotes: "',
    "‘": "write plain quotes: '",
    "’": "write plain quotes: '",
    "≥": "write >=",
    "≤": "write <=",
    "≠": "write !=",
    "×": "write *",
    "÷": "write /",
}
_DEFAULT_REMEDY = 'write, for example, cpu > 80 and env != "test"'

_FOREIGN = "|".join(re.escape(sign) for sign in sorted(REMEDIES, key=len, reverse=True))
_WORD = rf"(?:\w|[^\x00-\x7f\s{''.join(sign for sign in REMEDIES if not sign.isascii())}])"
_TOKEN = re.compile(
    rf"""
      (?P<space> [ \t\r\n]+ )
    | (?P<string>
        (?P<prefix>[rbfutRBFUT]{{1,2}})? (?P<quote>['"]) (?P<body>(?:\\.|(?!(?P=quote)).)*) (?P<end>(?P=quote))? )
    | (?P<number> 0[xXoObB][0-9a-fA-F_]* | (?:[0-9][0-9_]*\.?[0-9_]* | \.[0-9][0-9_]*) (?:[eE][+-]?[0-9]+)? )
    | (?P<word> (?![0-9]) {_WORD}+ )
    | (?P<allowed>
        == (?!=) | != (?!=) | <= | >= | = (?![<>~=]) | < (?![<>]) | > (?!>) | \*(?!\*) | /(?!/) | [-+%(),.\[\]] )
    | (?P<foreign> {_FOREIGN} )
    | (?P<unknown> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_BAD_ESCAPE = re.compile(r"""\\(?!\\|'|"|n|r|t|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})""")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_AFTER_NUMBER = re.compile(_WORD)


def check_tokens(text: str) -> None:
    """Raises ExpressionError for the first token that is not part of the language."""
    for offset, mark in enumerate(text):
        if has_surrogate(mark):
            raise ExpressionError("half of a surrogate pair", offset=offset, help="write the character itself")
    previous = ""
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "space":
            continue
        if token["string"] is not None:
            if previous == "string":
                raise _error(token, "two texts stand side by side", "put a comma or an operator between them")
            _check_string(token)
            kind = "string"
        elif kind == "number":
            _check_number(text, token)
        elif kind == "foreign":
            raise _error(token, f"{token[0]} is not part of an expression", REMEDIES[token[0]])
        elif kind == "unknown":
            name = token[0] if token[0].isprintable() else f"the invisible character U+{ord(token[0]):04X}"
            raise _error(token, f"{name} is not part of an expression", _DEFAULT_REMEDY)
        previous = kind or ""


def misread(text: str) -> ExpressionError | None:
    """The likely cause where Python's parser refused a text whose tokens are in order: `=`, or `AND` for `and`."""
    word = ""
    for token in _tokens(text):
        if token[0] == "=" and word != "ignore_case":
            return _error(token, "= does not compare", "write == to compare")
        word = token[0] if token.lastgroup == "word" else ""
        if word in ("AND", "OR", "NOT", "IN", "And", "Or", "Not", "In"):
            return _error(token, f"{word} is read as the name of a field", f"write {word.lower()}")
        if word.lower() in ("like", "between"):
            return _error(
                token, f"{word} is read as the name of a field", 'write contains(field, "text") or 1 <= x <= 5'
            )
    return None


def _tokens(text: str) -> Iterator[re.Match[str]]:
    return (token for token in _TOKEN.finditer(text) if token.lastgroup != "space")


def _error(token: re.Match[str], message: str, help: str) -> ExpressionError:
    return ExpressionError(message, offset=token.start(), end=token.end(), help=help)


def _check_string(token: re.Match[str]) -> None:
    if token["end"] is None:
        raise _error(token, "the text is not closed", f"end it with {token['quote']}")
    if (token["prefix"] or "r") not in "rR":
        raise _error(token, f"{token['prefix']}{token['quote']} does not begin a text", 'write "text" or r"text"')
    body, start = token["body"], token.start("body")
    broken = re.search(r"[\r\n]", body)
    if broken is not None:
        place = start + broken.start()
        raise ExpressionError("the text runs over the end of its line", offset=place, help="write \\n for a new line")
    if token["prefix"] is None:
        for escape in _ESCAPE.finditer(body):
            if _BAD_ESCAPE.match(body, escape.start()):
                place = start + escape.start()
                raise ExpressionError(
                    f"{escape[0]} is no escape",
                    offset=place,
                    end=place + 2,
                    help='write the text as r"..." (patterns), or \\\\ for a backslash',
                )


def _check_number(text: str, token: re.Match[str]) -> None:
    if _AFTER_NUMBER.match(text, token.end()):
        end = token.end()
        while end < len(text) and _AFTER_NUMBER.match(text, end):
            end += 1
        word = text[token.start() : end]
        raise ExpressionError(
            f"{word} is neither a number nor a name",
            offset=token.start(),
            end=end,
            help=f'write field("{word}") if it is a field; durations and units are not numbers',
        )
