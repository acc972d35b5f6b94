"""`cepd explain CODE`: what a finding means, with a bad and a good example."""

from typing import Annotated

import typer

from cepd.cli.console import say
from cepd.model.errors import StartError
from cepd.model.spelling import closest


def explain(
    code: Annotated[
        str | None, typer.Argument(help="A code such as CEP101; none lists them all.", show_default=False)
    ] = None,
) -> None:
    """Explain a finding of `cepd validate`.

    \b
    Examples:
      cepd explain CEP101
      cepd explain
    """
    from cepd.config.codes import CODES

    if code is None:
        for known in CODES.values():
            say(f"{known.code}  {known.severity:<7}  {known.title}")
        return
    wanted = CODES.get(code.upper())
    if wanted is None:
        near = closest(code.upper(), CODES)
        hint = f"did you mean {near}?" if near else "`cepd explain` lists every code"
        raise StartError(f"there is no code {code!r}", help=hint)
    say(f"{wanted.code} ({wanted.severity}): {wanted.title}")
    say()
    say(wanted.explanation)
    for title, example in (("Wrong", wanted.bad), ("Right", wanted.good)):
        if example:
            say()
            say(f"{title}:")
            for line in example.rstrip("\n").split("\n"):
                say(f"    {line}".rstrip())
