"""Whole commands, the start of Python included, as multiples of an empty Python."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.measuring import Load, Size, costs
from tests.bench.mixes import MIXES
from tests.bench.packs import tree_of, write
from tests.bench.table import Row, multiple


def rows(size: Size) -> Iterator[Row]:
    rules = min(1_000, size.rules)
    with tempfile.TemporaryDirectory() as folder:
        tree = write(tree_of(MIXES[0].rules(rules)), Path(folder, "tree"))
        nothing, version, validate = costs(
            command("-c", "pass"),
            command("-m", "cepd", "version"),
            command("-m", "cepd", "validate", str(tree)),
            rounds=size.rounds,
        )
    yield multiple("commands cepd version", version, nothing, "python -c pass")
    yield multiple(f"commands cepd validate, {rules:,} rules", validate, nothing, "python -c pass")


def command(*arguments: str) -> Load:
    def run() -> None:
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)

    return Load(1, lambda: run)
