"""The documents' own rules, as they stand, beside what a person wrote for them: the same text, the same meaning."""

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from cepd.cli.fmt import canonical_text
from cepd.config.load import load
from cepd.config.tree import read_tree
from cepd.engine.fingerprint import episode_fingerprint, state_fingerprint
from cepd.model.generation import Definition, Generation
from cepd.plugins import built
from cepd.runtime.simulate import simulate_payload

HERE = Path(__file__).parent
DIALECT, CANONICAL = HERE / "dialect", HERE / "canonical"
SHARED = HERE.parents[2] / "shared" / "dialect"
STEMS = sorted(path.stem for path in DIALECT.glob("*.json") if not path.stem.endswith(".api"))
TABLE = yaml.safe_load((HERE / "dialect.yaml").read_text(encoding="utf-8"))


@cache
def loaded(folder: Path) -> Generation:
    return load(read_tree(folder), built())


def definition(folder: Path, stem: str) -> Definition:
    [found] = [one for one in loaded(folder).definitions if Path(one.file).stem == stem]
    return found


def test_every_rule_has_a_twin() -> None:
    assert len(STEMS) == 18
    assert sorted(path.stem for path in CANONICAL.glob("*.yaml")) == STEMS


@pytest.mark.skipif(not SHARED.is_dir(), reason="the documents' folder is not beside this checkout")
def test_the_copies_are_the_documents() -> None:
    for original in SHARED.glob("*.json"):
        assert (DIALECT / original.name).read_bytes() == original.read_bytes()


def test_every_file_is_translated_without_an_error_of_its_own() -> None:
    errors = [problem for problem in loaded(DIALECT).problems if problem.severity == "error"]
    assert {problem.code[:4] for problem in errors} == {"CEP2"}, "what the folder does not hold, and nothing else"
    assert {problem.file for problem in loaded(DIALECT).problems if problem.code == "CEP310"} == {
        "cpu_high_alert.json",
        "production_server_monitor.json",
    }


@pytest.mark.parametrize("stem", STEMS)
def test_the_canonical_text_is_what_a_person_would_write(stem: str) -> None:
    twin = (CANONICAL / f"{stem}.yaml").read_text(encoding="utf-8")
    assert canonical_text(f"{stem}.json", (DIALECT / f"{stem}.json").read_bytes()) == twin


@pytest.mark.parametrize("stem", STEMS)
def test_a_twin_is_canonical_already(stem: str) -> None:
    assert canonical_text(f"{stem}.yaml", (CANONICAL / f"{stem}.yaml").read_bytes()) is None


@pytest.mark.parametrize("stem", STEMS)
def test_both_forms_are_the_same_rule(stem: str) -> None:
    bare, twin = definition(DIALECT, stem).rule, definition(CANONICAL, stem).rule
    assert state_fingerprint(bare) == state_fingerprint(twin)
    assert episode_fingerprint(bare) == episode_fingerprint(twin)
    assert bare == twin


@pytest.mark.parametrize("folder", [DIALECT, CANONICAL], ids=["dialect", "canonical"])
@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row['rule']}-{row['payload']}")
def test_what_the_documents_say_of_their_rules(row: dict[str, Any], folder: Path) -> None:
    verdict = simulate_payload(definition(folder, row["rule"]), row["payload"])
    assert verdict.matched is row["matched"]
    assert verdict.condition_evaluated is row.get("condition_evaluated", row["matched"])
    assert verdict.triggered_actions == row.get("triggered_actions", [])
    assert verdict.extracted_value == row.get("extracted_value")


def test_each_file_stands_alone(tmp_path: Path) -> None:
    for path in DIALECT.glob("*.json"):
        folder = tmp_path / path.stem
        folder.mkdir()
        shutil.copy(path, folder)
        generation = load(read_tree(folder), built())
        assert len(generation.definitions) == (not path.stem.endswith(".api"))
        assert not [found for found in generation.problems if found.severity == "error" and found.code < "CEP200"]
