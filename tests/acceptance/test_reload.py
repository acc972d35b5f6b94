"""Rules change under the running daemon: edits, git-sync and ConfigMap swaps, broken files, a lost root."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import CHANNEL, PACK, SECRET, write_tree

ENVIRONMENT = {"OPS_URL": "http://127.0.0.1:9/", "OPS_SECRET": SECRET}
ACTIVE_WITHIN = 2.0


def pack(rule_id: str, extra: str = "", message: str = "CPU {{ cpu_percent }}", group_by: str = "[host]") -> str:
    return f"""
kind: RulePack
name: hosts
rules:
  - id: {rule_id}
    trigger: {{type: event, event_type: host.cpu}}
    when: cpu_percent > 90
    group_by: {group_by}
    suppress: 1h
    actions:
      - {{type: notify, channels: [ops], message: "{message}"}}
{extra}"""


def start(root: Path, data: Path, *options: str) -> Daemon:
    return Daemon(root, data, *options, environment=ENVIRONMENT).wait_ready()


def rules(daemon: Daemon) -> set[str]:
    return {rule["rule_id"] for rule in daemon.get("/cep/rules").json()["rules"]}


def metric(daemon: Daemon, name: str) -> float:
    for line in daemon.get("/metrics").body.decode().splitlines():
        if line.startswith((name + " ", name + "{")):
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError(f"no metric {name}")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write_tree(tmp_path / "tree")


def test_an_edit_becomes_active_by_itself(tree: Path, tmp_path: Path) -> None:
    with start(tree, tmp_path / "data") as daemon:
        assert rules(daemon) == {"cpu"}
        (tree / "packs/hosts.yaml").write_text(pack("cpu-renamed"))
        eventually(lambda: rules(daemon) == {"cpu-renamed"}, ACTIVE_WITHIN, "the edit")


def test_five_git_sync_swaps_in_a_row_with_the_old_tree_removed(tmp_path: Path) -> None:
    worktrees = tmp_path / "git/.worktrees"
    link = tmp_path / "git/current"

    def publish(number: int) -> str:
        commit = f"{number:040x}"
        write_tree(worktrees / commit, {"channels.yaml": CHANNEL, "hosts.yaml": pack(f"cpu-{number}")})
        old = os.readlink(link) if link.is_symlink() else None
        fresh = tmp_path / "git/tmp-link"
        fresh.symlink_to(f".worktrees/{commit}")
        fresh.rename(link)
        if old is not None:
            shutil.rmtree(tmp_path / "git" / old)
        return commit

    publish(0)
    with start(link, tmp_path / "data") as daemon:
        assert rules(daemon) == {"cpu-0"}
        for number in range(1, 6):
            commit = publish(number)
            eventually(lambda number=number: rules(daemon) == {f"cpu-{number}"}, ACTIVE_WITHIN, f"swap {number}")
            assert daemon.get("/cep/config").json()["revision"] == commit
        daemon.ingest({"type": "host.cpu", "host": "a", "cpu_percent": 99})
        eventually(lambda: [one["rule_id"] for one in daemon.alerts()] == ["cpu-5"], what="the newest rule's alert")


@pytest.mark.parametrize("broken", ["lateness: foo\n", "ignore: [drafts\n"])
def test_broken_settings_run_no_drafts_and_leave_a_generation_that_starts(
    tree: Path, tmp_path: Path, broken: str
) -> None:
    (tree / "cepd.yaml").write_text("ignore: [drafts]\n")
    (tree / "drafts").mkdir()
    (tree / "drafts/new.yaml").write_text(pack("draft").replace("name: hosts", "name: drafts"))
    with start(tree, tmp_path / "data") as daemon:
        (tree / "cepd.yaml").write_text(broken)
        (tree / "packs/hosts.yaml").write_text(pack("cpu-renamed"))
        answer = daemon.request("POST", "/-/reload")
        assert answer.status == 422
        assert {problem["file"] for problem in answer.json()["problems"]} == {"cepd.yaml"}
        assert rules(daemon) == {"cpu-renamed"}
        daemon.kill()
    with start(tree, tmp_path / "data") as daemon:
        assert rules(daemon) == {"cpu-renamed"}


def test_a_file_name_that_is_not_utf_8_is_a_finding_and_no_end(tree: Path, tmp_path: Path) -> None:
    with start(tree, tmp_path / "data") as daemon:
        (tree / os.fsdecode(b"\xff\xfe.yaml")).write_text("kind: RulePack\n")
        (tree / "packs/hosts.yaml").write_text(pack("cpu-renamed"))
        answer = daemon.request("POST", "/-/reload")
        assert answer.status == 422
        assert [problem["file"] for problem in answer.json()["problems"]] == ["\\xff\\xfe.yaml"]
        assert rules(daemon) == {"cpu-renamed"}
        daemon.kill()
    with start(tree, tmp_path / "data") as daemon:
        assert rules(daemon) == {"cpu-renamed"}


def test_a_token_file_that_breaks_is_told_and_the_old_tokens_hold(tree: Path, tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.yaml"
    good = f"tokens: [{{name: boss, sha256: {hashlib.sha256(b'secret').hexdigest()}, roles: [admin]}}]\n"
    tokens.write_text(good)
    tokens.chmod(0o600)
    boss = {"Authorization": "Bearer secret"}

    def told(daemon: Daemon) -> tuple[int, bool]:
        answer = daemon.request("POST", "/-/reload", headers=boss)
        text = daemon.request("GET", "/metrics", headers=boss).body.decode()
        return answer.status, "cepd_config_last_reload_successful 1.0" in text

    with start(tree, tmp_path / "data", "--tokens", str(tokens)) as daemon:
        assert told(daemon) == (200, True)
        tokens.write_text("tokens: [\n")
        assert told(daemon) == (422, False)
        assert "line 2" in daemon.request("POST", "/-/reload", headers=boss).json()["detail"]
        tokens.unlink()
        assert told(daemon) == (422, False)
        assert "No such file" in daemon.request("POST", "/-/reload", headers=boss).json()["detail"]
        assert len(daemon.events("tokens not reloaded")) == 2
        tokens.write_text(good)
        assert told(daemon) == (200, True)


EARLY_SIGNALS = """
import os, signal, sys
from cepd import wiring
from pathlib import Path

opened = wiring.open_journal

def open_journal(directory, **options):
    os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGTERM)
    return opened(directory, **options)

wiring.open_journal = open_journal
sys.exit(wiring.run_daemon(wiring.RunOptions(root=Path(sys.argv[1]), data_dir=Path(sys.argv[2]), port=0)))
"""


def test_signals_while_the_journal_is_opened_end_in_good_order(tree: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", EARLY_SIGNALS, str(tree), str(tmp_path / "data")]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "stopped" in ended.stdout + ended.stderr


def test_five_swaps_without_a_pause_end_at_the_newest(tmp_path: Path) -> None:
    link = tmp_path / "current"
    for number in range(6):
        write_tree(tmp_path / f"tree-{number}", {"channels.yaml": CHANNEL, "hosts.yaml": pack(f"cpu-{number}")})
    link.symlink_to("tree-0")
    with start(link, tmp_path / "data") as daemon:
        for number in range(1, 6):
            fresh = tmp_path / "fresh"
            fresh.symlink_to(f"tree-{number}")
            fresh.rename(link)
            shutil.rmtree(tmp_path / f"tree-{number - 1}")
        eventually(lambda: rules(daemon) == {"cpu-5"}, ACTIVE_WITHIN, "the newest tree")


def test_a_config_map_swap(tmp_path: Path) -> None:
    volume = tmp_path / "volume"

    def publish(stamp: str, rule_id: str) -> None:
        write_tree(volume / f"..{stamp}", {"channels.yaml": CHANNEL, "hosts.yaml": pack(rule_id)})
        old = os.readlink(volume / "..data") if (volume / "..data").is_symlink() else None
        (volume / "..data_tmp").symlink_to(f"..{stamp}")
        (volume / "..data_tmp").rename(volume / "..data")
        for name in ("channels.yaml", "hosts.yaml"):
            if not (volume / name).is_symlink():
                (volume / name).symlink_to(f"..data/{name}")
        if old is not None:
            shutil.rmtree(volume / old)

    publish("2026_01_01_00_00_00.1", "cpu-a")
    with start(volume, tmp_path / "data") as daemon:
        assert rules(daemon) == {"cpu-a"}
        publish("2026_01_01_00_00_01.2", "cpu-b")
        eventually(lambda: rules(daemon) == {"cpu-b"}, ACTIVE_WITHIN, "the swap")
        publish("2026_01_01_00_00_02.3", "cpu-c")
        eventually(lambda: rules(daemon) == {"cpu-c"}, ACTIVE_WITHIN, "the second swap")


def test_a_broken_file_keeps_its_last_good_version_also_over_a_restart(tree: Path, tmp_path: Path) -> None:
    write_tree(tree, {"packs/other.yaml": pack("other").replace("name: hosts", "name: others")})
    with start(tree, tmp_path / "data") as daemon:
        assert rules(daemon) == {"cpu", "other"}
        assert metric(daemon, "cepd_config_last_reload_successful") == 1
        (tree / "packs/hosts.yaml").write_text(PACK.replace("when:", "whne:"))
        (tree / "packs/other.yaml").write_text(pack("other-2").replace("name: hosts", "name: others"))
        eventually(lambda: rules(daemon) == {"cpu", "other-2"}, ACTIVE_WITHIN, "the good half")
        assert metric(daemon, "cepd_config_last_reload_successful") == 0
        config = daemon.get("/cep/config").json()
        assert {file["path"]: file["status"] for file in config["files"]} == {
            "channels.yaml": "active",
            "packs/hosts.yaml": "last_good",
            "packs/other.yaml": "active",
        }
        problem = config["problems"][0]
        assert (problem["file"], problem["line"]) == ("packs/hosts.yaml", 8)
        assert "when" in problem["help"]
        assert any("packs/hosts.yaml" in line for line in daemon.raw), "the log names the file"
        assert daemon.stop() == 0
    with start(tree, tmp_path / "data") as daemon:
        assert rules(daemon) == {"cpu", "other-2"}
        assert metric(daemon, "cepd_config_last_reload_successful") == 0
        daemon.ingest({"type": "host.cpu", "host": "a", "cpu_percent": 99})
        eventually(lambda: {one["rule_id"] for one in daemon.alerts()} == {"cpu", "other-2"}, what="both alerts")
        (tree / "packs/hosts.yaml").write_text(PACK)
        eventually(lambda: metric(daemon, "cepd_config_last_reload_successful") == 1, ACTIVE_WITHIN, "the repair")
        assert daemon.get("/cep/config").json()["problems"] == []


def test_removing_the_root_changes_nothing_and_alarms(tree: Path, tmp_path: Path) -> None:
    with start(tree, tmp_path / "data") as daemon:
        tree.rename(tmp_path / "elsewhere")
        eventually(lambda: metric(daemon, "cepd_config_last_reload_successful") == 0, 5, "the alarm")
        assert rules(daemon) == {"cpu"}
        assert daemon.get("/cep/config").json()["problems"]
        daemon.ingest({"type": "host.cpu", "host": "a", "cpu_percent": 99})
        eventually(lambda: daemon.alerts(), what="an alert of the kept rule")
        (tmp_path / "elsewhere").rename(tree)
        eventually(lambda: metric(daemon, "cepd_config_last_reload_successful") == 1, 15, "the way back")


def test_an_empty_root_changes_nothing(tree: Path, tmp_path: Path) -> None:
    with start(tree, tmp_path / "data") as daemon:
        shutil.rmtree(tree / "packs")
        (tree / "channels.yaml").unlink()
        eventually(lambda: metric(daemon, "cepd_config_last_reload_successful") == 0, 5, "the alarm")
        assert rules(daemon) == {"cpu"}


def test_suppress_outlives_an_edit_of_the_text_and_not_one_of_group_by(tree: Path, tmp_path: Path) -> None:
    def swaps(daemon: Daemon) -> list[dict[str, object]]:
        return [line for line in daemon.events("swapped") if line.get("rule") == "cpu"]

    with start(tree, tmp_path / "data") as daemon:
        (tree / "packs/hosts.yaml").write_text(pack("cpu"))
        eventually(lambda: swaps(daemon), ACTIVE_WITHIN)
        daemon.ingest({"type": "host.cpu", "host": "a", "cpu_percent": 99})
        eventually(lambda: len(daemon.alerts()) == 1)
        before = len(swaps(daemon))
        (tree / "packs/hosts.yaml").write_text(pack("cpu", message="other words {{ cpu_percent }}"))
        kept = eventually(lambda: swaps(daemon)[before:], ACTIVE_WITHIN, "the swap report")[-1]
        assert kept["outcome"] == "kept"
        daemon.ingest({"type": "host.cpu", "host": "a", "cpu_percent": 99})
        eventually(lambda: daemon.alerts()[0]["count"] == 2, what="the fold into the first alert")
        assert len(daemon.alerts()) == 1
        before = len(swaps(daemon))
        (tree / "packs/hosts.yaml").write_text(pack("cpu", group_by="[host, core]"))
        reset = eventually(lambda: swaps(daemon)[before:], ACTIVE_WITHIN, "the swap report")[-1]
        assert reset["outcome"] == "reset"
        assert reset["fields"] == ["group_by"]
        daemon.ingest({"type": "host.cpu", "host": "a", "cpu_percent": 99})
        eventually(lambda: len(daemon.alerts()) == 2, what="an alert of its own")


def test_hup_and_post_reload_answer_with_every_problem(tree: Path, tmp_path: Path) -> None:
    with start(tree, tmp_path / "data", "--poll-interval", "1h") as daemon:
        assert daemon.request("POST", "/-/reload").status == 200
        (tree / "packs/hosts.yaml").write_text(
            PACK.replace("when:", "whne:").replace("suppress: 1h", "suppress: 1hour")
        )
        refused = daemon.request("POST", "/-/reload")
        assert refused.status == 422
        assert {(one["file"], one["line"]) for one in refused.json()["problems"]} == {
            ("packs/hosts.yaml", 8),
            ("packs/hosts.yaml", 10),
        }
        (tree / "packs/hosts.yaml").write_text(pack("cpu-hup"))
        daemon.signal(signal.SIGHUP)
        eventually(lambda: rules(daemon) == {"cpu-hup"}, ACTIVE_WITHIN, "the reload by signal")
