"""The documents' own rules, as they stand, beside what a person wrote for them: the same text, the same meaning."""

import json
import shutil
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from cepd.cli.fmt import canonical_text
from cepd.config.load import load
from cepd.config.tree import Tree, read_tree
from cepd.engine.fingerprint import episode_fingerprint, state_fingerprint
from cepd.model.generation import Definition, Generation
from cepd.model.rule import Rule
from cepd.plugins import built
from cepd.runtime.simulate import simulate_payload
from tests.support.dialect import trees_of

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


def test_windows_holds_baselines_and_chains_of_the_documents_run() -> None:
    idle = [problem.message for problem in loaded(DIALECT).problems if problem.code == "CEP301"]
    words = {message.rpartition(": ")[2].removeprefix("the action ") for message in idle}
    assert words == {"schedule trigger", "poll", "api_script"}
    windows = {"alert-cpu-spike", "breaker-and-fallback", "cpu-alert", "cpu_anomaly"}
    chains = {"child-rule-1", "critical_error_event", "parent-rule", "primary-alert", "service-down-primary"}
    assert {Path(one.file).stem for one in loaded(DIALECT).definitions if one.active} == windows | chains


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


@pytest.mark.parametrize("stem", STEMS)
def test_a_bare_rule_is_shown_as_a_person_would_write_it(stem: str) -> None:
    bare, twin = definition(DIALECT, stem).document, definition(CANONICAL, stem).document
    assert json.dumps(bare) == json.dumps(twin), "the order of fields counts too"


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


LEAVES = st.builds(
    lambda field, op, value: {"field": field, "operator": op, "threshold": value},
    st.sampled_from(["cpu", "mem.used", "서버", "a-b"]),
    st.sampled_from([">", "<=", "==", "!="]),
    st.sampled_from([1, 2.5, "85", " 7 "]),
)
TREES = trees_of(LEAVES)
WINDOWS = st.sampled_from(
    [{"type": "tumbling", "size": "5m"}, {"type": "sliding", "size": "5m", "slide": "1m", "group_by": "a, b"}]
)
METRICS = st.builds(
    lambda leaf, timing: {**leaf, **timing},
    LEAVES,
    st.sampled_from([{}, {"duration": "5m"}, {"duration": "5m", "aggregation": "avg"}]),
)
RULES = st.fixed_dictionaries(
    {"rule_name": st.sampled_from(["r", "CPU 경보", "a b"]), "composite_condition": TREES},
    optional={"window_config": WINDOWS, "is_active": st.booleans(), "description": st.sampled_from(["x\ny", "a: b"])},
)


@settings(max_examples=120, deadline=None)
@given(RULES, METRICS)
def test_the_canonical_text_says_what_any_bare_rule_says(fields: dict[str, Any], spec: dict[str, Any]) -> None:
    bare = {
        **fields,
        "trigger_type": "metric",
        "trigger_spec": spec,
        "action_spec": {"endpoint": "https://hooks.example.com/x", "body": {"on": "yes", "n": [None, "{{ cpu }}: x"]}},
    }
    before = rule_in("bare.json", json.dumps(bare).encode())
    text = canonical_text("bare.json", json.dumps(bare).encode())
    assert text is not None
    after = rule_in("bare.yaml", text.encode())
    assert state_fingerprint(after) == state_fingerprint(before)
    assert episode_fingerprint(after) == episode_fingerprint(before)
    conditions = {"when": None, "having": None}
    assert structs.replace(after, **conditions) == structs.replace(before, **conditions)


def rule_in(name: str, data: bytes) -> Rule:
    generation = load(Tree(root=HERE, files={name: data}), built())
    assert not [problem for problem in generation.problems if problem.severity == "error"]
    [found] = generation.definitions
    return found.rule
