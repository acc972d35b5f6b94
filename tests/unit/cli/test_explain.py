"""`cepd explain --rule --code`: the functions and lines that stand for a rule, for people and for machines."""

import json
import re
from pathlib import Path

import pytest

from tests.support.command import cepd

PACK = """kind: RulePack
name: hosts
rules:
  - {id: hot, trigger: {type: event, event_type: [host.cpu, host.gpu]}, when: load > 85.5, actions: &to
      [{type: webhook, endpoint: "https://alerts.example.com"}]}
  - {id: stuck, trigger: {type: event, event_type: host.cpu}, when: state == "hung", actions: *to}
  - {id: off, enabled: false, trigger: {type: event}, when: state == "off", actions: *to}
  - {id: any, trigger: {type: event}, when: exists(state), actions: *to}
  - id: few
    trigger: {type: event, event_type: job}
    window: {type: tumbling, size: 5m}
    aggregate: {n: {fn: count}}
    having: n < 5
    actions: *to
  - id: many
    trigger: {type: event, event_type: job}
    window: {type: tumbling, size: 5m}
    aggregate: {n: {fn: count}}
    having: n > 50
    actions: *to
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "pack.yaml").write_text(PACK)
    return tmp_path


def code(tree: Path, rule: str) -> list[dict]:
    done = cepd("explain", "--rule", rule, "--code", tree, "--format", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["rule"] == rule
    return report["code"]


def test_the_code_of_each_type_with_the_lines_of_the_rule_marked(tree: Path) -> None:
    done = cepd("explain", "--rule", "hot", "--code", tree)
    assert done.returncode == 0
    assert "hot at events of type 'host.cpu', one of 2 conditions:" in done.stdout
    assert "hot at events of type 'host.gpu', one of 1 condition:" in done.stdout
    marked = [line for line in done.stdout.splitlines() if line.startswith("  >")]
    assert len(marked) == 4
    assert all(re.search(r"if n_f\d+ > K\d|add\(K\d\)", line) for line in marked)
    assert "the member 'load'" in done.stdout
    assert ": 85.5" in done.stdout
    assert "lines for other rules" in done.stdout
    assert "hung" not in done.stdout


def test_a_file_is_looked_up_in_its_tree_and_json_holds_the_whole_source(tree: Path) -> None:
    (tree / "cepd.yaml").write_text("lateness: 5s\n")
    cpu, gpu = code(tree / "pack.yaml", "hot")
    assert [found["event_type"] for found in (cpu, gpu)] == ["host.cpu", "host.gpu"]
    (function,) = cpu["functions"]
    compile(function["source"], "<shown>", "exec")
    lines = function["source"].split("\n")
    assert [lines[number - 1].strip().partition("(")[0] for number in function["lines"]][-1] == "add"


def test_a_rule_of_every_event_and_rules_with_one_unit(tree: Path) -> None:
    assert [found["event_type"] for found in code(tree, "any")] == [None]
    assert [found["asked_by"] for found in code(tree, "many")] == ["few"]
    assert "shares its state with few" in cepd("explain", "--rule", "many", "--code", tree).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rule", "hto", "--code"], "did you mean hot?"),
        (["--rule", "off", "--code"], "does not run: disabled"),
        (["--rule", "hot"], "--rule and --code go together"),
        (["--code"], "--rule and --code go together"),
    ],
)
def test_a_wrong_call_ends_with_2_and_a_sentence(tree: Path, arguments: list[str], said: str) -> None:
    done = cepd("explain", *arguments, tree)
    assert done.returncode == 2
    assert said in done.stderr


def test_codes_are_explained_as_ever_and_for_machines() -> None:
    assert cepd("explain", "cep330").stdout.startswith("CEP330 (info): ")
    (known,) = json.loads(cepd("explain", "CEP101", "--format", "json").stdout)
    assert (known["code"], known["severity"]) == ("CEP101", "error")
    assert len(json.loads(cepd("explain", "--format", "json").stdout)) == len(cepd("explain").stdout.splitlines())
