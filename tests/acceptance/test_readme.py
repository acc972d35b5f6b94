"""The README is true: every `$ cepd …` line in it prints what stands under it."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```console\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)
ELSEWHERE = "cepd deliveries "
"""What needs a daemon with a past: test_readme_deliveries holds it."""
VARYING = re.compile(r"^[\d.]+ s of CPU$", re.M)


def commands() -> list[tuple[str, str]]:
    found = []
    for block in BLOCKS:
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            if command.startswith("cepd ") and output.strip() and not command.startswith(ELSEWHERE):
                found.append((command, output))
    return found


def test_there_are_commands_to_hold() -> None:
    assert len(commands()) >= 4


@pytest.mark.parametrize(("command", "output"), commands(), ids=[command for command, _ in commands()])
def test_a_command_of_the_readme_prints_what_it_says(command: str, output: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        timeout=60,
        check=False,
    )
    assert VARYING.sub("", done.stdout) == VARYING.sub("", output)


def test_each_bundled_rule_of_the_first_screen_is_valid(tmp_path: Path) -> None:
    rule = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M | re.S)[0]
    (tmp_path / "pack.yaml").write_text(rule)
    (tmp_path / "channel.yaml").write_text("kind: Channel\nname: pager-hook\ntype: webhook\nurl: {env: URL}\n")
    done = subprocess.run(
        [sys.executable, "-m", "cepd", "validate", str(tmp_path), "--strict"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()
