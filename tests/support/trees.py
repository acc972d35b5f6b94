"""Trees of files for tests of the loader: from texts, without a disk."""

from pathlib import Path

from cepd.config.catalog import Catalog
from cepd.config.load import load
from cepd.config.tree import Tree
from cepd.model.generation import Generation

CATALOG = Catalog(actions=frozenset({"webhook", "notify"}), channels=frozenset({"webhook"}))


def tree_of(**files: str) -> Tree:
    """A tree of files by stem: `a="kind: …"` is `a.yaml`; a double underscore is a slash."""
    named = {name.replace("__", "/") + ".yaml": text.encode() for name, text in files.items()}
    return Tree(root=Path("/nowhere"), files=dict(sorted(named.items())))


def loaded(**files: str) -> Generation:
    return load(tree_of(**files), CATALOG)


def codes(generation: Generation) -> list[str]:
    return [problem.code for problem in generation.problems]
