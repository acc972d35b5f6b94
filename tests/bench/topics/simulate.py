"""`cepd simulate`, from file to report, against the engine alone. What the command costs with one event is left out."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cepd.engine.program import compile_program
from tests.bench.events import host_clock, host_lines
from tests.bench.feeding import fed, rows_of
from tests.bench.measuring import Load, Size, costs, decode_only
from tests.bench.packs import loaded, peer_tree, write
from tests.bench.table import Row, multiple, share

WORKLOADS = ("w1", "w2")
ROUNDS = 3
"""At most."""


def rows(size: Size) -> Iterator[Row]:
    lines = host_lines(size.events // 2)
    clocked = rows_of(lines, host_clock)
    with tempfile.TemporaryDirectory() as folder:
        one, all_of_them = Path(folder, "one.ndjson"), Path(folder, "all.ndjson")
        one.write_bytes(lines[0])
        all_of_them.write_bytes(b"\n".join(lines))
        for name in WORKLOADS:
            tree = write(peer_tree(name), Path(folder, name))
            bound, engine, start, whole = costs(
                decode_only(lines),
                fed(compile_program(loaded(peer_tree(name))), clocked, len(lines)),
                simulating(tree, one, len(lines), 1),
                simulating(tree, all_of_them, len(lines), len(lines)),
                rounds=min(size.rounds, ROUNDS),
            )
            yield share(f"simulate {name.upper()}", whole - start, bound)
            yield multiple(f"simulate {name.upper()}", whole - start, engine, "the engine alone")


def simulating(tree: Path, recording: Path, count: int, events: int) -> Load:
    command = [sys.executable, "-m", "cepd", "simulate", str(tree), "--events", str(recording), "--format", "json"]

    def run() -> None:
        report = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        assert report["events"] == events, report

    return Load(count, lambda: run)
