"""What the README shows of `cepd deliveries` is what it prints after a receiver was away, but for times."""

import os
import re
import shlex
import subprocess
import sys
import threading
from pathlib import Path

from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import SECRET
from tests.support.receiver import Receiver

ROOT = Path(__file__).parents[2]
TREE = ROOT / "tests/spec/readme/outbox"
COMMAND = re.compile(r"^\$ (cepd deliveries .*)\n((?:(?!\$ |```).*\n)*)", re.M)
EVENT = {"type": "host.disk", "id": "d-1", "host": "db-1", "free_percent": 4, "time": "2026-11-30T09:00:00Z"}


def shown() -> list[tuple[str, str]]:
    return [(found[1], found[2]) for found in COMMAND.finditer((ROOT / "README.md").read_text(encoding="utf-8"))]


def without_times(text: str) -> str:
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+Z", "TIME", text)
    return re.sub(r" {2,}", "  ", re.sub(r"\d+\.\d{3} s", "SPAN", text))


def printed(command: str, url: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CEPD_")}
    done = subprocess.run(
        [sys.executable, "-m", *shlex.split(command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**inherited, "CEPD_URL": url},
        timeout=60,
        check=False,
    )
    return done.stdout


def test_the_readme_shows_how_what_died_is_found_and_sent_again(tmp_path: Path) -> None:
    back = threading.Event()
    with Receiver(lambda received, number: (204 if back.is_set() else 503, {}, b"")) as receiver:
        environment = {"OPS_HOOK_URL": receiver.url, "OPS_HOOK_SECRET": SECRET}
        with Daemon(TREE, tmp_path, environment=environment).wait_ready() as daemon:
            daemon.ingest(EVENT)
            eventually(lambda: daemon.get("/cep/deliveries?state=dead").json()["deliveries"], what="the death")
            commands = shown()
            assert [command.split()[2] for command, _ in commands] == ["list", "show", "redrive", "list"]
            for command, output in commands[:3]:
                assert without_times(printed(command, daemon.url)) == without_times(output)
                if " show " in command:
                    back.set()
            eventually(lambda: daemon.get("/cep/deliveries?state=sent").json()["deliveries"], what="the delivery")
            command, output = commands[3]
            assert without_times(printed(command, daemon.url)) == without_times(output)
            assert daemon.stop() == 0
