"""Broken files, and what is found in them: every finding of every file, exactly."""

from pathlib import Path

import pytest
import yaml

from cepd.config.catalog import Catalog
from cepd.config.codes import CODES
from cepd.config.load import load
from cepd.config.tree import Tree, read_tree

CORPUS = Path(__file__).parents[2] / "spec" / "broken"
EXPECTED = yaml.safe_load((CORPUS / "expected.yaml").read_text(encoding="utf-8"))
CATALOG = Catalog(
    actions=frozenset({"webhook", "notify", "store", "trigger_rule", "multi_action"}), channels=frozenset({"webhook"})
)
ELSEWHERE = {"CEP008", "CEP010", "CEP011"}
"""Codes of what is too much for a corpus: of a large file, of links, of a hundred findings; tests make them."""


def tree_of(name: str) -> Tree:
    path = CORPUS / name
    return read_tree(path) if path.is_dir() else Tree(root=CORPUS, files={name: path.read_bytes()})


@pytest.mark.parametrize("name", EXPECTED)
def test_finds_what_is_wrong_and_nothing_else(name: str) -> None:
    found = load(tree_of(name), CATALOG).problems
    wanted = EXPECTED[name]
    assert [(p.file, p.code, p.line, p.column) for p in found] == [
        (row.get("file", name), row["code"], row["line"], row["column"]) for row in wanted
    ]
    for problem, row in zip(found, wanted, strict=True):
        assert row["help"], "the help is written by hand"
        assert row["help"] in problem.help
        assert (problem.end_line, problem.end_column) > (problem.line, problem.column) or problem.message.endswith(
            "is empty; it must be text or a mapping or a list"
        )


def test_every_file_is_expected_and_every_code_is_shown() -> None:
    there = {path.relative_to(CORPUS).parts[0] for path in CORPUS.rglob("*") if path.is_file()}
    assert there - {"expected.yaml"} == EXPECTED.keys()
    shown = {row["code"] for rows in EXPECTED.values() for row in rows}
    assert shown | ELSEWHERE == CODES.keys()
    assert len(there) > 60
