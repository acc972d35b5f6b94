"""The command line as a person or CI meets it: exit codes, where output goes, hostile arguments."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.ops_tree import CHANNEL, PACK, write_tree


def cepd(*arguments: object, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CEPD_")}
    return subprocess.run(
        [sys.executable, "-m", "cepd", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        timeout=60,
        env={**inherited, **environment},
        check=False,
    )


HOT = b'{"type": "host.cpu", "cpu_percent": 95}\n'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree")


def test_validate_of_a_good_tree(tree: Path) -> None:
    done = cepd("validate", tree)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == b"2 files, 1 rule: 0 errors, 0 warnings\n"


def test_validate_as_json_has_the_documented_shape(tree: Path) -> None:
    (tree / "packs/hosts.yaml").write_text(PACK.replace("when:", "whne:"))
    done = cepd("validate", tree, "--format", "json")
    assert done.returncode == 1
    report = json.loads(done.stdout)
    assert set(report) == {"problems", "files", "rules", "errors", "warnings"}
    assert (report["files"], report["errors"]) == (2, 1)
    (problem,) = [one for one in report["problems"] if one["severity"] == "error"]
    assert set(problem) == {
        *("code", "severity", "message", "help", "file", "line", "column", "endLine", "endColumn"),
        *("pointer", "rule", "pack"),
    }
    assert (problem["line"], problem["column"], problem["endColumn"]) == (8, 5, 9)
    assert (problem["rule"], problem["pack"]) == ("cpu", "hosts")
    assert "did you mean 'when'" in problem["help"]


def test_validate_for_people_shows_the_line_and_a_caret(tree: Path) -> None:
    (tree / "packs/hosts.yaml").write_text(PACK.replace("when:", "whne:"))
    lines = cepd("validate", tree).stdout.decode().splitlines()
    assert f"{tree}/packs/hosts.yaml:8:5: error[CEP101]" in lines[0]
    assert "whne: cpu_percent > 90" in lines[1]
    assert lines[2].split("|")[1].strip() == "^^^^"
    assert "help:" in lines[3]


def test_validate_as_github_annotations(tree: Path) -> None:
    (tree / "packs/hosts.yaml").write_text(PACK.replace("when:", "whne:"))
    done = cepd("validate", tree, "--format", "github")
    assert done.stdout.startswith(b"::error file=")
    assert b"line=8,col=5" in done.stdout.replace(b",endLine=8", b"")


def test_validate_of_one_file_sees_the_channels_of_its_tree(tree: Path) -> None:
    alone = cepd("validate", tree / "packs/hosts.yaml")
    assert alone.returncode == 1, "without cepd.yaml the file's folder is the tree, and the channel is not in it"
    (tree / "cepd.yaml").write_text("lateness: 5s\n")
    assert cepd("validate", tree / "packs/hosts.yaml").returncode == 0


def test_validate_strict_tells_warnings_by_exit_code_3(tree: Path) -> None:
    write_tree(tree, {"packs/hosts.yaml": PACK.replace("CPU {{ cpu_percent }}", "CPU {{ cpu_precent }}")})
    assert cepd("validate", tree).returncode == 0
    assert cepd("validate", tree, "--strict").returncode == 3


USAGE = {
    "unknown verb": ["valdiate"],
    "unknown flag": ["validate", "--fromat", "json"],
    "missing path": ["validate", "nowhere"],
    "missing path of simulate": ["simulate", "nowhere", "--rule", "x", "--payload", "{}"],
    "no input": ["simulate", "{tree}"],
    "both inputs": ["simulate", "{tree}", "--rule", "cpu", "--payload", "{}", "--events", "-"],
    "unknown rule": ["simulate", "{tree}", "--rule", "cpux", "--payload", "{}"],
    "payload without a rule": ["simulate", "{tree}", "--payload", "{}"],
    "payload is no JSON": ["simulate", "{tree}", "--rule", "cpu", "--payload", "{"],
    "payload is no object": ["simulate", "{tree}", "--rule", "cpu", "--payload", "[]"],
    "payload too deep": ["simulate", "{tree}", "--rule", "cpu", "--payload", "[" * 100_000],
    "missing recording": ["simulate", "{tree}", "--events", "nowhere.ndjson"],
    "recording is a folder": ["simulate", "{tree}", "--events", "{tree}"],
    "odd start": ["simulate", "{tree}", "--events", "-", "--start", "²"],
    "options of a recording": ["simulate", "{tree}", "--rule", "cpu", "--payload", "{}", "--firings", "out"],
    "full disk": ["simulate", "{tree}", "--events", "{tree}/../hot.ndjson", "--firings", "/dev/full"],
    "schema nowhere": ["schema", "--out", "/proc/x"],
    "its own recording": [
        "simulate",
        "{tree}",
        "--events",
        "{tree}/../hot.ndjson",
        "--firings",
        "{tree}/../hot.ndjson",
    ],
    "bad start": ["simulate", "{tree}", "--events", "-", "--start", "yesterday"],
    "unwritable firings": ["simulate", "{tree}", "--events", "-", "--firings", "/nowhere/out"],
    "unknown code": ["explain", "CEP9999"],
    "unknown schema": ["schema", "rulepak"],
    "open address without tokens": ["run", "{tree}", "--listen", "0.0.0.0:0", "--data-dir", "{tree}/../data"],
    "bad address": ["run", "{tree}", "--listen", "nonsense", "--data-dir", "{tree}/../data"],
    "no such store": ["run", "{tree}", "--store", "mysql://db.example.com/cepd", "--data-dir", "{tree}/../data"],
    "a store without a file": ["run", "{tree}", "--store", "sqlite:///", "--data-dir", "{tree}/../data"],
    "a store that is away": ["run", "{tree}", "--store", "postgresql://127.0.0.1:1/x", "--data-dir", "{tree}/../data"],
    "missing root": ["run", "nowhere", "--data-dir", "{tree}/../data"],
}


@pytest.mark.parametrize("name", USAGE)
def test_a_wrong_call_ends_with_2_and_a_sentence(tree: Path, name: str) -> None:
    recording = tree.parent / "hot.ndjson"
    recording.write_text('{"type": "host.cpu", "cpu_percent": 99}\n')
    done = cepd(*[argument.replace("{tree}", str(tree)) for argument in USAGE[name]])
    assert done.returncode == 2, done.stderr.decode()
    assert done.stderr.strip()
    assert b"Traceback" not in done.stderr
    assert recording.stat().st_size == 40, "no recording is written over"


def test_a_folder_without_documents_ends_with_2(tmp_path: Path) -> None:
    done = cepd("validate", tmp_path)
    assert done.returncode == 2
    assert b"nothing to check" in done.stderr


def test_an_unknown_variable_is_refused_and_those_of_kubernetes_are_not(tree: Path) -> None:
    refused = cepd("validate", tree, CEPD_LISTNE="0.0.0.0:80")
    assert refused.returncode == 2
    assert b"CEPD_LISTEN" in refused.stderr
    injected = {"CEPD_SERVICE_HOST": "10.0.0.1", "CEPD_PORT": "tcp://10.0.0.1:80", "CEPD_PORT_80_TCP_ADDR": "10.0.0.1"}
    assert cepd("validate", tree, **injected).returncode == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_an_unreadable_file_is_a_finding_as_an_ordinary_user(tree: Path) -> None:
    (tree / "packs/hosts.yaml").chmod(0)
    done = cepd("validate", tree)
    assert done.returncode == 1
    assert b"packs/hosts.yaml" in done.stdout


def test_an_unreadable_file_is_a_finding(tree: Path) -> None:
    (tree / "packs/hosts.yaml").unlink()
    (tree / "packs/hosts.yaml").symlink_to("hosts.yaml")  # a link to itself cannot be read, not even by root
    done = cepd("validate", tree)
    assert done.returncode == 1
    assert b"packs/hosts.yaml" in done.stdout


def test_simulate_prints_the_documents_shape(tree: Path) -> None:
    hot = cepd("simulate", tree, "--rule", "cpu", "--payload", '{"cpu_percent": 92}')
    assert hot.returncode == 0
    assert json.loads(hot.stdout) == {
        "matched": True,
        "condition_evaluated": True,
        "triggered_actions": ["notify"],
        "extracted_value": 92,
    }
    cold = cepd("simulate", tree, "--rule", "cpu", "--payload", '{"cpu_percent": "92"}')
    assert json.loads(cold.stdout) == {
        "matched": False,
        "condition_evaluated": False,
        "triggered_actions": [],
        "extracted_value": None,
    }


def test_simulate_explains_each_leaf_with_the_value_it_saw(tree: Path) -> None:
    done = cepd("simulate", tree, "--rule", "cpu", "--payload", '{"cpu_percent": 12.5}', "--explain")
    assert b"cpu_percent > 90" in done.stderr
    assert b"12.5" in done.stderr
    missing = cepd("simulate", tree, "--rule", "cpu", "--payload", "{}", "--explain")
    assert b"missing" in missing.stderr


def test_simulate_over_a_recording_in_each_form_of_input(tree: Path, tmp_path: Path) -> None:
    lines = [
        {"type": "host.cpu", "host": "a", "cpu_percent": 95, "time": "2026-01-01T00:00:00Z"},
        {"type": "host.cpu", "host": "a", "cpu_percent": 96, "time": "2026-01-01T00:10:00Z"},
        {"type": "host.cpu", "host": "b", "cpu_percent": 97, "time": "2026-01-01T00:20:00Z"},
        {"type": "host.cpu", "host": "b", "cpu_percent": 5, "time": "2026-01-01T00:30:00Z"},
    ]
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines) + b"broken\n"
    plain, packed, out = tmp_path / "day.ndjson", tmp_path / "day.ndjson.gz", tmp_path / "firings.ndjson"
    plain.write_bytes(body)
    packed.write_bytes(gzip.compress(body))
    runs = [
        cepd("simulate", tree, "--events", plain, "--format", "json", "--firings", out),
        cepd("simulate", tree, "--events", packed, "--format", "json"),
        cepd("simulate", tree, "--events", "-", "--format", "json", stdin=body),
    ]
    for done in runs:
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert report["events"] == 4
        assert report["rejected"] == 1
        assert [one["line"] for one in report["rejections"]] == [5]
        assert report["firings"] == 3
        assert report["rules"] == {"cpu": {"firings": 3, "alerts": 2}}
        assert report["period"] == {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:30:00Z"}
        assert report["cpu_seconds"] > 0
    firings = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(one["kind"], one["key"], one["time"], one["window"]) for one in firings] == [
        ("fired", {"host": "a"}, "2026-01-01T00:00:00Z", None),
        ("fired", {"host": "a"}, "2026-01-01T00:10:00Z", None),
        ("fired", {"host": "b"}, "2026-01-01T00:20:00Z", None),
    ]
    assert set(firings[0]) == {"id", "kind", "rule_id", "key", "time", "window", "values", "event_ids"}


def test_simulate_tells_findings_elsewhere_on_stderr_and_runs_all_the_same(tree: Path) -> None:
    write_tree(tree, {"packs/broken.yaml": "kind: RulePack\nname: broken\nrules: 5\n"})
    write_tree(tree, {"channels.yaml": CHANNEL.replace("name: ops", "name: elsewhere")})
    done = cepd("simulate", tree, "--rule", "cpu", "--payload", '{"cpu_percent": 92}')
    assert done.returncode == 0
    assert json.loads(done.stdout)["matched"] is True
    assert b"packs/broken.yaml" in done.stderr
    assert b"ops" in done.stderr


def test_simulate_of_a_rule_that_does_not_compile_ends_with_1(tree: Path) -> None:
    write_tree(tree, {"packs/hosts.yaml": PACK.replace("cpu_percent > 90", "cpu_percent >")})
    done = cepd("simulate", tree, "--rule", "cpu", "--payload", "{}")
    assert done.returncode == 1
    assert b"packs/hosts.yaml" in done.stderr


def test_simulate_says_which_rules_do_not_run_and_why(tree: Path) -> None:
    waiting = (
        PACK.replace("name: hosts", "name: waiting").replace("id: cpu", "id: later")
        + "    enrich: [{type: lookup, source: assets, key: host, output: asset}]\n"
    )
    write_tree(tree, {"packs/waiting.yaml": waiting})
    both = cepd("simulate", tree, "--events", "-", "--format", "json", stdin=HOT)
    assert both.returncode == 0
    assert json.loads(both.stdout)["rules"] == {
        "cpu": {"firings": 1, "alerts": 1},
        "later": {"firings": 0, "alerts": 0},
    }
    assert b"not run: later: " in both.stderr
    alone = cepd("simulate", tree, "--events", "-", "--rule", "later", stdin=HOT)
    assert alone.returncode == 2
    assert b"enrich" in alone.stderr


def test_a_byte_order_mark_is_no_part_of_the_first_event(tree: Path) -> None:
    done = cepd("simulate", tree, "--events", "-", "--format", "json", stdin=b"\xef\xbb\xbf" + HOT)
    report = json.loads(done.stdout)
    assert (report["events"], report["rejected"], report["firings"]) == (1, 0, 1)


def test_a_payload_is_read_as_a_line_is(tree: Path) -> None:
    payload = '{"cpu_percent": 95, "other": ' + "9" * 5000 + "}"
    assert json.loads(cepd("simulate", tree, "--rule", "cpu", "--payload", payload).stdout)["matched"] is True


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_damaged_recording_ends_with_2_and_says_so(tree: Path, tmp_path: Path, damage: str) -> None:
    packed = tmp_path / "day.gz"
    whole = gzip.compress(b"".join(b'{"type": "x", "n": %d}\n' % number for number in range(20_000)))
    packed.write_bytes(whole[:-2000] if damage == "cut" else whole[:500] + b"\xff" * 100 + whole[600:])
    done = cepd("simulate", tree, "--events", packed)
    assert done.returncode == 2
    assert b"breaks off" in done.stderr


def test_version_and_help() -> None:
    assert cepd("version").stdout.startswith(b"cepd ")
    for verb in ("validate", "simulate", "run", "fmt", "explain", "schema", "demo", "version"):
        done = cepd(verb, "--help")
        assert done.returncode == 0
        if verb != "version":
            assert b"Examples:" in done.stdout


def test_output_to_a_closed_pipe_is_no_fault(tree: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m cepd schema rulepack | head -1"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert b"Traceback" not in done.stderr
