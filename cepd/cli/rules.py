"""The rules below a path of a command line, built."""

import sys
from pathlib import Path

import msgspec
import typer

from cepd.cli.console import colours, note
from cepd.cli.exits import FINDINGS
from cepd.cli.trees import relative_to_root, root_of, under
from cepd.model.errors import StartError
from cepd.model.generation import Generation
from cepd.model.spelling import closest


def rules_below(path: Path, rule: str | None) -> Generation:
    """The tree that `path` stands in, with the rules below `path`. Exits with 1 where the rule that is wanted does not
    compile, raises StartError where there is none."""
    from cepd.config.load import load
    from cepd.config.render import render_text
    from cepd.config.tree import read_tree
    from cepd.plugins import built

    root = root_of(path)
    tree = read_tree(root)
    generation = load(tree, built())
    for problem in generation.problems:
        if problem.severity == "error":
            note(render_text(problem, tree, colour=colours(sys.stderr)))
    wanted = [relative_to_root(path, root)]
    found = tuple(definition for definition in generation.definitions if under(definition.file, wanted))
    broken = {problem.rule for problem in generation.problems if problem.severity == "error"}
    if rule is not None and all(definition.rule.id != rule for definition in found):
        if rule in broken:
            note(f"rule {rule} does not compile")
            raise typer.Exit(FINDINGS)
        near = closest(rule, [definition.rule.id for definition in found])
        raise StartError(f"there is no rule {rule!r} in {path}", help=f"did you mean {near}?" if near else "")
    if not found:
        raise StartError(f"there are no rules in {path}", help="name a folder or file with a kind: RulePack document")
    return msgspec.structs.replace(generation, definitions=found)
