"""`cepd test` as a person or CI meets it: exit codes, what is printed where, JUnit."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

from cepd.cli.main import app
from tests.support.ops_tree import write_tree
from tests.support.ruletests import PACK, TEST

OTHER = TEST.replace("two heavy failures", "again two heavy failures")


def cepd(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {"cepd.yaml": "lateness: 5s\n", "packs/auth.yaml": PACK, "packs/auth.test.yaml": TEST, "b.test.yaml": OTHER}
    root = write_tree(tmp_path, files)
    monkeypatch.chdir(root)
    return root


def break_rule(tree: Path) -> None:
    path = tree / "packs/auth.yaml"
    path.write_text(path.read_text().replace("failures > 1", "failures > 2"))


def test_all_is_well(tree: Path) -> None:
    done = cepd("test")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "2 cases: 2 passed, 0 failed\n", "")


def test_a_failed_case_is_shown_at_its_line_with_its_timeline(tree: Path) -> None:
    break_rule(tree)
    done = cepd("test", "packs")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0] == "packs/auth.test.yaml:4: failed: two heavy failures of one user within a minute"
    assert "  what happened:" in lines
    assert lines[-1] == "1 case: 0 passed, 1 failed"
    assert "\x1b" not in done.stdout


def test_paths_and_run_choose(tree: Path) -> None:
    assert cepd("test", "packs/auth.test.yaml").stdout == "1 case: 1 passed, 0 failed\n"
    assert cepd("test", "--run", "^b.test.yaml: again").stdout == "1 case: 1 passed, 0 failed\n"
    assert cepd("test", ".", "packs").stdout == "2 cases: 2 passed, 0 failed\n"


def test_nothing_to_run_is_no_success(tree: Path) -> None:
    for arguments, said in (
        (("--run", "nowhere"), "no case matches --run nowhere"),
        (("packs/auth.yaml",), "no tests"),
    ):
        done = cepd("test", *arguments)
        assert (done.exit_code, done.stdout) == (2, "")
        assert said in done.stderr


def test_a_bad_expression_is_usage() -> None:
    from cepd.model.errors import StartError

    done = cepd("test", "--run", "(")
    assert isinstance(done.exception, StartError)
    assert "no regular expression" in done.exception.message


def test_errors_under_the_paths_fail_the_run_and_others_are_told(tree: Path) -> None:
    (tree / "b.test.yaml").write_text(OTHER.replace("until", "untl"))
    done = cepd("test")
    assert done.exit_code == 1
    assert "b.test.yaml:" in done.stdout
    assert "error[CEP101]" in done.stdout
    assert done.stdout.endswith("1 case: 1 passed, 0 failed, 1 error\n")
    elsewhere = cepd("test", "packs")
    assert elsewhere.exit_code == 0
    assert "error[CEP101]" in elsewhere.stderr


def test_json_is_for_machines(tree: Path) -> None:
    break_rule(tree)
    done = cepd("test", "packs", "--format", "json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    (result,) = report.pop("results")
    assert report == {"cases": 1, "failed": 1, "errors": 0}
    assert (result["file"], result["line"], result["passed"]) == ("packs/auth.test.yaml", 4, False)
    assert result["failure"][0] == "expected, and did not come:"


def test_junit_has_a_suite_for_each_file(tree: Path) -> None:
    name = "two heavy failures of one user within a minute"
    (tree / "b.test.yaml").write_text(TEST.replace(name, '"<a> & \\u0007 b"').replace("failures: 2", "failures: 3"))
    done = cepd("test", "--junit", "out.xml")
    assert done.exit_code == 1
    root = ElementTree.parse(tree / "out.xml").getroot()
    assert root.tag == "testsuites"
    suites = {suite.attrib["name"]: suite for suite in root}
    assert {file: (suite.attrib["tests"], suite.attrib["failures"]) for file, suite in suites.items()} == {
        "b.test.yaml": ("1", "1"),
        "packs/auth.test.yaml": ("1", "0"),
    }
    (case,) = suites["b.test.yaml"]
    assert (case.attrib["name"], case.attrib["line"]) == ("<a> & \ufffd b", "4")
    (failure,) = case
    assert failure.attrib["message"] == "expected, and did not come:"
    assert 'values {"failures": 3}' in (failure.text or "")
    assert len(suites["packs/auth.test.yaml"][0]) == 0


def test_validate_checks_tests_too(tree: Path) -> None:
    (tree / "b.test.yaml").write_text(OTHER.replace("[login-burst]", "[login-bust]"))
    done = cepd("validate")
    assert done.exit_code == 1
    assert "error[CEP205] there is no rule 'login-bust'" in done.stdout
    assert "did you mean 'login-burst'" in done.stdout


def test_every_run_prints_the_same(tree: Path) -> None:
    break_rule(tree)
    assert cepd("test").stdout == cepd("test").stdout
