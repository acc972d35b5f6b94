"""Behaviour as data: every RuleTest document below `rules`, by the runner that users have.

A folder with a cepd.yaml is a tree of its own; all else below `rules` is one tree.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cepd.config.load import load
from cepd.config.tree import SETTINGS_FILE, Tree, read_tree
from cepd.model.generation import Generation
from cepd.model.ruletest import Case, RuleTest
from cepd.plugins import built
from cepd.runtime.ruletest import run_case
from cepd.runtime.timeline import render_failure

RULES = Path(__file__).parent / "rules"


def trees() -> list[Tree]:
    roots = sorted(path.parent for path in RULES.rglob(SETTINGS_FILE) if path.parent != RULES)
    rest = read_tree(RULES)
    inside = tuple(f"{root.relative_to(RULES).as_posix()}/" for root in roots)
    files = {file: data for file, data in rest.files.items() if not file.startswith(inside)}
    return [msgspec.structs.replace(rest, files=files), *(read_tree(root) for root in roots)]


TREES = trees()
GENERATIONS = [load(tree, built()) for tree in TREES]


def cases() -> Iterator[object]:
    for tree, generation in zip(TREES, GENERATIONS, strict=True):
        for test in generation.tests:
            for case in test.cases:
                yield pytest.param(generation, test, case, id=f"{tree.root.name}/{test.file}: {case.name}")


@pytest.mark.parametrize(("generation", "test", "case"), list(cases()))
def test_behaves_as_written(generation: Generation, test: RuleTest, case: Case) -> None:
    result = run_case(test, case, generation)
    assert result.passed, "\n".join(render_failure(result))


def test_every_document_is_sound_and_in_a_tree() -> None:
    assert [problem for generation in GENERATIONS for problem in generation.problems] == []
    there = {path for path in RULES.rglob("*") if path.suffix in (".yaml", ".yml", ".json")}
    assert there == {tree.root / file for tree in TREES for file in tree.files}


def test_there_are_some() -> None:
    assert sum(len(test.cases) for generation in GENERATIONS for test in generation.tests) > 10
