"""Notes of `cepd validate`: shown in every format, and no warnings."""

import json
from pathlib import Path

import pytest

from tests.support.command import cepd

PACK = """kind: RulePack
name: hosts
rules:
  - id: status
    trigger: {type: event, event_type: web.request}
    when: matches(message, "[45][0-9]{2}")
    actions: [{type: webhook, endpoint: "https://alerts.example.com"}]
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "pack.yaml").write_text(PACK)
    return tmp_path


def test_a_note_is_shown_and_is_no_warning(tree: Path) -> None:
    done = cepd("validate", tree, "--strict")
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0].startswith(f"{tree}/pack.yaml:6:11: info[CEP330] ")
    assert lines[-2].endswith("(cepd explain CEP330)")
    assert lines[-1] == "1 file, 1 rule: 0 errors, 0 warnings, 1 note"


def test_without_notes_nothing_is_said_of_them(tree: Path) -> None:
    (tree / "pack.yaml").write_text(PACK.replace("[45]", "status [45]"))
    assert cepd("validate", tree).stdout == "1 file, 1 rule: 0 errors, 0 warnings\n"


def test_a_note_for_machines(tree: Path) -> None:
    done = cepd("validate", tree, "--format", "json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["errors"], report["warnings"]) == (0, 0, 0)
    (problem,) = report["problems"]
    assert (problem["code"], problem["severity"], problem["rule"]) == ("CEP330", "info", "status")
    assert cepd("validate", tree, "--format", "github").stdout.startswith("::notice file=")
