"""`cepd explain CODE`: what a finding means, with a bad and a good example. With --rule: what the engine made of it."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cepd.cli.code import show_code
from cepd.cli.console import say, say_json
from cepd.model.errors import StartError
from cepd.model.spelling import closest

if TYPE_CHECKING:
    from cepd.config.codes.code import Code


class Format(StrEnum):
    text = "text"
    json = "json"


def explain(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="CODE|PATH",
            help="A code such as CEP101; none lists them all. With --rule: where its tree is.",
            show_default=False,
        ),
    ] = None,
    rule: Annotated[str | None, typer.Option(help="The id of a rule, with --code.", show_default=False)] = None,
    code: Annotated[bool, typer.Option("--code", help="Show the Python that is generated for the rule.")] = False,
    format: Annotated[Format, typer.Option(help="How to print what there is.")] = Format.text,
) -> None:
    """Explain a finding of `cepd validate`, or show what the engine made of a rule.

    \b
    Examples:
      cepd explain CEP101
      cepd explain
      cepd explain --rule cpu-high --code packs
      cepd explain --rule cpu-high --code --format json
    """
    if rule is not None and code:
        show_code(rule, Path(what or "."), as_json=format is Format.json)
    elif rule is not None or code:
        raise StartError("--rule and --code go together", help="write cepd explain --rule RULE --code [PATH]")
    elif format is Format.json:
        say_json(_codes(what))
    elif what is None:
        for known in _codes(None):
            say(f"{known.code}  {known.severity:<7}  {known.title}")
    else:
        _print(*_codes(what))


def _codes(name: str | None) -> "list[Code]":
    """The code of that name; without one all. StartError where there is none."""
    from cepd.config.codes import CODES

    if name is None:
        return list(CODES.values())
    wanted = CODES.get(name.upper())
    if wanted is None:
        near = closest(name.upper(), CODES)
        hint = f"did you mean {near}?" if near else "`cepd explain` lists every code"
        raise StartError(f"there is no code {name!r}", help=hint)
    return [wanted]


def _print(wanted: "Code") -> None:
    say(f"{wanted.code} ({wanted.severity}): {wanted.title}")
    say()
    say(wanted.explanation)
    for title, example in (("Wrong", wanted.bad), ("Right", wanted.good)):
        if example:
            say()
            say(f"{title}:")
            for line in example.rstrip("\n").split("\n"):
                say(f"    {line}".rstrip())
