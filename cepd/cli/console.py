"""How the verbs speak: plain lines, colours only on a terminal, JSON where a machine reads."""

import os
import sys
from typing import Any, TextIO

import msgspec
import typer

from cepd.model.errors import CepdError


def colours(stream: TextIO) -> bool:
    """Whether the stream shows them: a terminal, and NO_COLOR is not set."""
    return stream.isatty() and not os.environ.get("NO_COLOR")


def say(line: str = "") -> None:
    typer.echo(line)


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def note(line: str) -> None:
    """For people, beside the result."""
    typer.echo(line, err=True)


def say_json(document: Any) -> None:
    typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def complain(error: CepdError) -> None:
    label = typer.style("error", fg="red", bold=True) if colours(sys.stderr) else "error"
    note(f"{label}: {error.message}")
    if error.help:
        note(f"  help: {error.help}")
