"""`cepd fmt`: prints, checks and rewrites bare rules; never touches anything else."""

import json
from pathlib import Path
from typing import Any

import typer
from typer.testing import CliRunner, Result

from cepd.cli.fmt import fmt
from cepd.model.errors import StartError

BARE: dict[str, Any] = {
    "rule_id": "cpu",
    "trigger_spec": {"field": "cpu", "op": ">", "value": 85},
    "action_spec": {"endpoint": "https://hooks.example.com/서버"},
}
YAML = (
    "kind: RulePack\n"
    "name: cpu\n"
    "rules:\n"
    "  - id: cpu\n"
    "    trigger: {type: event}\n"
    "    when: cpu > 85\n"
    "    actions:\n"
    '      - {type: webhook, endpoint: "https://hooks.example.com/서버"}\n'
)
CANONICAL = (
    "# a comment that stays\n"
    "kind: RulePack\n"
    "name: disks\n"
    "rules:\n"
    '  - {id: disk, when: "disk>90", trigger: {type: event},\n'
    "     actions: [{endpoint: 'https://hooks.example.com/x'}]}   \n\n"
)


def tree(root: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        (root / name).write_text(text, encoding="utf-8", newline="")
    return root


def cepd_fmt(*arguments: str | Path) -> Result:
    app = typer.Typer()
    app.command()(fmt)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def contents(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_prints_a_bare_rule_and_nothing_else_on_stdout(tmp_path: Path) -> None:
    done = cepd_fmt(tree(tmp_path, {"cpu.json": BARE, "disks.yaml": CANONICAL}))
    assert (done.exit_code, done.stdout) == (0, YAML)
    assert "1 canonical files are left as they are" in done.stderr


def test_prints_a_named_canonical_file_byte_for_byte(tmp_path: Path) -> None:
    done = cepd_fmt(tree(tmp_path, {"disks.yaml": CANONICAL}) / "disks.yaml")
    assert (done.exit_code, done.stdout_bytes) == (0, CANONICAL.encode())


def test_prints_several_as_one_stream_that_names_the_files(tmp_path: Path) -> None:
    tree(tmp_path, {"a/cpu.json": BARE, "b/mem.json": {**BARE, "rule_id": "mem"}})
    lines = cepd_fmt(tmp_path).stdout.splitlines()
    assert [line for line in lines if line.startswith("---")] == [
        f"--- # {tmp_path}/a/cpu.json",
        f"--- # {tmp_path}/b/mem.json",
    ]
    assert lines.count("kind: RulePack") == 2


def test_check_names_what_would_change_and_changes_nothing(tmp_path: Path) -> None:
    tree(tmp_path, {"cpu.json": BARE, "disks.yaml": CANONICAL})
    before = contents(tmp_path)
    done = cepd_fmt("--check", tmp_path)
    assert (done.exit_code, done.stdout) == (1, f"{tmp_path}/cpu.json\n")
    assert contents(tmp_path) == before
    assert cepd_fmt("--check", tmp_path / "disks.yaml").exit_code == 0


def test_write_puts_yaml_in_place_of_json_and_is_then_done(tmp_path: Path) -> None:
    tree(tmp_path, {"cpu.json": BARE, "mem.yml": {**BARE, "rule_id": "mem"}, "x.yaml": BARE | {"rule_id": "x"}})
    tree(tmp_path, {"disks.yaml": CANONICAL, "double.api.json": {"api_name": "Double", "logic_type": "script"}})
    api = (tmp_path / "double.api.json").read_bytes()
    assert cepd_fmt("--write", tmp_path).exit_code == 0
    assert contents(tmp_path) == {
        "cpu.yaml": YAML.encode(),
        "mem.yaml": YAML.replace(" cpu\n", " mem\n").encode(),
        "x.yaml": YAML.replace(" cpu\n", " x\n").encode(),
        "disks.yaml": CANONICAL.encode(),
        "double.api.json": api,
    }
    after = contents(tmp_path)
    assert cepd_fmt("--check", tmp_path).exit_code == 0
    assert cepd_fmt("--write", tmp_path).exit_code == 0
    assert contents(tmp_path) == after


def test_write_never_overwrites_another_file(tmp_path: Path) -> None:
    tree(tmp_path, {"cpu.json": BARE, "cpu.yaml": CANONICAL, "mem.json": {**BARE, "rule_id": "mem"}})
    before = contents(tmp_path)
    done = cepd_fmt("--write", tmp_path)
    assert done.exit_code == 1
    assert f"{tmp_path}/cpu.yaml is there already" in done.stderr
    after = contents(tmp_path)
    assert after["cpu.json"] == before["cpu.json"]
    assert after["cpu.yaml"] == before["cpu.yaml"]
    assert "mem.yaml" in after


def test_two_files_that_would_become_one_lose_neither(tmp_path: Path) -> None:
    tree(tmp_path, {"cpu.json": BARE, "cpu.yml": {**BARE, "rule_id": "other"}})
    assert cepd_fmt("--write", tmp_path).exit_code == 1
    assert sorted(contents(tmp_path)) == ["cpu.yaml", "cpu.yml"]
    assert contents(tmp_path)["cpu.yaml"] == YAML.encode()


def test_a_file_with_an_error_is_reported_and_left(tmp_path: Path) -> None:
    bad = {**BARE, "rule_id": "bad", "trigger_spec": {"feild": "cpu", "op": ">", "value": 1}}
    no_condition = {**BARE, "rule_id": "none", "trigger_spec": {"field": "cpu", "op": ">", "value": "high"}}
    tree(tmp_path, {"bad.json": bad, "cpu.json": BARE, "none.json": no_condition, "cut.json": '{"rule_id": '})
    done = cepd_fmt("--write", tmp_path)
    assert done.exit_code == 1
    assert sorted(contents(tmp_path)) == ["bad.json", "cpu.yaml", "cut.json", "none.json"]
    assert "did you mean 'field'?" in done.stderr
    for name in ("bad.json:1:", "cut.json:", "none.json:1:"):
        assert name in done.stderr
    assert done.stdout == ""


def test_a_reference_to_nothing_does_not_matter_for_the_form(tmp_path: Path) -> None:
    notify = {**BARE, "action_spec": {"type": "notify", "channels": ["Nobody"], "message": "m"}}
    done = cepd_fmt(tree(tmp_path, {"cpu.json": notify}))
    assert done.exit_code == 0
    assert "- {type: notify, channels: [Nobody], message: m}" in done.stdout


def test_bare_rules_beside_other_documents_are_not_pulled_apart(tmp_path: Path) -> None:
    mixed = CANONICAL + "---\n" + json.dumps(BARE)
    done = cepd_fmt("--write", tree(tmp_path, {"mixed.yaml": mixed}))
    assert done.exit_code == 1
    assert "mixed.yaml holds bare rules beside other documents" in done.stderr
    assert contents(tmp_path) == {"mixed.yaml": mixed.encode()}


def test_several_bare_rules_in_a_file_become_documents_of_one(tmp_path: Path) -> None:
    two = json.dumps(BARE) + "\n---\n" + json.dumps({**BARE, "rule_id": "mem"})
    done = cepd_fmt(tree(tmp_path, {"two.yaml": two}))
    assert done.stdout == YAML + "---\n" + YAML.replace(" cpu\n", " mem\n")


def test_the_written_file_keeps_its_mode(tmp_path: Path) -> None:
    tree(tmp_path, {"cpu.json": BARE})
    (tmp_path / "cpu.json").chmod(0o640)
    assert cepd_fmt("--write", tmp_path).exit_code == 0
    assert (tmp_path / "cpu.yaml").stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_written_is_told_and_left(tmp_path: Path) -> None:
    tree(tmp_path, {"cpu.json": BARE})
    (tmp_path / ".cpu.yaml.tmp").mkdir()
    done = cepd_fmt("--write", tmp_path)
    assert done.exit_code == 1
    assert f"cannot write {tmp_path}/cpu.yaml" in done.stderr
    assert sorted(contents(tmp_path)) == ["cpu.json"]


def test_only_files_under_the_given_paths_count(tmp_path: Path) -> None:
    tree(tmp_path, {"cepd.yaml": "lateness: 5s\n", "a/cpu.json": BARE, "b/mem.json": {**BARE, "rule_id": "mem"}})
    assert cepd_fmt("--check", tmp_path / "a").stdout == f"{tmp_path}/a/cpu.json\n"


def test_nothing_to_format_is_exit_two(tmp_path: Path) -> None:
    assert cepd_fmt(tmp_path).exit_code == 2
    done = cepd_fmt(tmp_path / "nowhere")
    assert isinstance(done.exception, StartError)


def test_write_and_check_exclude_each_other(tmp_path: Path) -> None:
    assert isinstance(cepd_fmt("--write", "--check", tmp_path).exception, StartError)
