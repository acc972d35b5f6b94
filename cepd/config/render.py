"""Findings as people and GitHub read them. JSON needs nothing of this: a Problem encodes as it is.

The source line is shown with every secret-looking part masked, so that a log of CI never holds one.
"""

import os
import unicodedata
from pathlib import Path

from cepd.config.masking import masked
from cepd.config.places import lines_of
from cepd.config.tree import Tree
from cepd.model.problem import Problem

_LONGEST = 160
_COLOURS = {"error": "31", "warning": "33", "info": "36"}


def render_text(problem: Problem, tree: Tree, *, colour: bool) -> str:
    """`file:line:col: error[CEP101] …`, the source line with a caret under the place, and a line of help."""
    strong = f"\x1b[1;{_COLOURS[problem.severity]}m" if colour else ""
    plain = "\x1b[0m" if colour else ""
    place = f":{problem.line}:{problem.column}" if problem.line else ""
    code = f"{strong}{problem.severity}[{problem.code}]{plain}"
    lines = [f"{printable(shown_path(problem.file, tree))}{place}: {code} {printable(problem.message)}"]
    lines += _excerpt(problem, tree, strong, plain)
    if problem.help:
        lines.append(f"   help: {printable(problem.help)}  (cepd explain {problem.code})")
    return "\n".join(lines)


def render_github(problem: Problem, tree: Tree) -> str:
    """One workflow command, which GitHub shows beside the line of a pull request."""
    fields = {"file": shown_path(problem.file, tree)}
    if problem.line:
        fields |= {"line": str(problem.line), "col": str(problem.column)}
        fields |= {"endLine": str(problem.end_line), "endColumn": str(problem.end_column)}
    fields["title"] = problem.code
    listed = ",".join(f"{name}={_escaped(value, property=True)}" for name, value in fields.items())
    level = {"error": "error", "warning": "warning", "info": "notice"}[problem.severity]
    text = f"{problem.message} ({problem.help})" if problem.help else problem.message
    return f"::{level} {listed}::{_escaped(text, property=False)}"


def _escaped(text: str, *, property: bool) -> str:
    escapes = {"%": "%25", "\r": "%0D", "\n": "%0A"} | ({":": "%3A", ",": "%2C"} if property else {})
    return "".join(escapes.get(character, character) for character in text)


def shown_path(file: str, tree: Tree) -> str:
    """From the current folder where the file lies below it: what an editor or terminal can open."""
    path = Path(os.path.abspath(tree.root)) / file
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return path.as_posix()


def _excerpt(problem: Problem, tree: Tree, strong: str, plain: str) -> list[str]:
    line = _source_line(problem, tree)
    if line is None:
        return []
    start = problem.column - 1
    end = problem.end_column - 1 if problem.end_line == problem.line else len(line)
    end = min(max(end, start + 1), max(len(line), start + 1))
    skipped = max(0, min(start - _LONGEST // 2, len(line) - _LONGEST))
    text = printable(line[skipped : skipped + _LONGEST])
    before = _width(line[skipped:start])
    carets = "^" * max(1, _width(line[start : min(end, skipped + _LONGEST)]))
    number = f"{problem.line:>5}"
    return [f"{number} | {text}", f"{' ' * len(number)} | {' ' * before}{strong}{carets}{plain}"]


def _source_line(problem: Problem, tree: Tree) -> str | None:
    data = tree.files.get(problem.file)
    if data is None or not problem.line:
        return None
    lines = lines_of(data.decode("utf-8-sig", "replace"))
    if problem.line > len(lines):
        return None
    line = masked(lines[problem.line - 1])
    if problem.code.startswith("CEP4") and problem.end_line == problem.line:
        start, end = problem.column - 1, problem.end_column - 1
        line = line[:start] + "*" * len(line[start:end]) + line[end:] if problem.code != "CEP404" else line
    return line


def printable(text: str) -> str:
    return "".join(_cell(character) for character in text)


def _cell(character: str) -> str:
    """Tabs as one space, and control characters as a mark: a file must not steer a terminal."""
    if character == "\t":
        return " "
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cf", "Cs") and character != "\u200d" else character


def _width(text: str) -> int:
    """Columns of a terminal that a text takes: wide characters two, combining ones none."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        for character in text
    )
