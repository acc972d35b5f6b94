"""`cepd validate`: every finding about a tree, in one run, by the same loader that the daemon uses."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from cepd.cli.console import colours, counted, note, say, say_json
from cepd.cli.exits import FINDINGS, NOTHING, WARNINGS
from cepd.cli.trees import roots_of, under
from cepd.model.problem import Problem

if TYPE_CHECKING:
    from cepd.config.tree import Tree


class Format(StrEnum):
    text = "text"
    json = "json"
    github = "github"


class Checked(msgspec.Struct):
    """What was found under the given paths of one tree."""

    tree: "Tree"
    problems: list[Problem]
    files: int
    rules: int


def validate(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Folders or files; default: the current folder.", show_default=False)
    ] = None,
    format: Annotated[Format, typer.Option(help="How to print the findings.")] = Format.text,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 3 where there are only warnings.")] = False,
) -> None:
    """Check rule packs, channels and settings. Needs no network and no daemon.

    A file is checked within its tree: the nearest folder above it with a cepd.yaml, else its own folder.

    \b
    Examples:
      cepd validate
      cepd validate packs/hosts.yaml
      cepd validate --format github --strict
    """
    checked = check(paths or [Path(".")])
    problems = [problem for one in checked for problem in one.problems]
    files, rules = sum(one.files for one in checked), sum(one.rules for one in checked)
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = sum(problem.severity == "warning" for problem in problems)
    if format is Format.json:
        say_json(
            {"problems": _located(checked), "files": files, "rules": rules, "errors": errors, "warnings": warnings}
        )
    else:
        _print(checked, format)
    if not files:
        note("nothing to check: no *.yaml, *.yml or *.json file under the given paths")
        raise typer.Exit(NOTHING)
    if format is Format.text:
        notes = len(problems) - errors - warnings
        say(
            f"{counted(files, 'file')}, {counted(rules, 'rule')}: "
            f"{counted(errors, 'error')}, {counted(warnings, 'warning')}"
            + (f", {counted(notes, 'note')}" if notes else "")
        )
    if errors:
        raise typer.Exit(FINDINGS)
    if warnings and strict:
        raise typer.Exit(WARNINGS)


def check(paths: list[Path]) -> list[Checked]:
    """Loads the tree of each path once and keeps what concerns the given paths."""
    from cepd.config.load import load
    from cepd.config.tree import read_tree
    from cepd.plugins import built

    found = []
    for root, prefixes in roots_of(paths).items():
        tree = read_tree(root)
        generation = load(tree, built())
        found.append(
            Checked(
                tree=tree,
                problems=[problem for problem in generation.problems if under(problem.file, prefixes)],
                files=sum(under(name, prefixes) for name in tree.files),
                rules=sum(under(definition.file, prefixes) for definition in generation.definitions),
            )
        )
    return found


def _located(checked: list[Checked]) -> list[Problem]:
    """The findings with paths as text shows them: what can be opened from the current folder."""
    from cepd.config.render import shown_path

    return [
        msgspec.structs.replace(problem, file=shown_path(problem.file, one.tree))
        for one in checked
        for problem in one.problems
    ]


def _print(checked: list[Checked], format: Format) -> None:
    import sys

    from cepd.config.render import render_github, render_text

    for one in checked:
        for problem in one.problems:
            if format is Format.github:
                say(render_github(problem, one.tree))
            else:
                say(render_text(problem, one.tree, colour=colours(sys.stdout)))
