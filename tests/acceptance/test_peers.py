"""The workloads that other engines were measured with: `cepd simulate` fires exactly as often as a plain loop does.

The events come from the generator beside the peers' scripts; the figures are those of its plain loops in order.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "tests/bench/peers"
GENERATOR = ROOT / "../shared/bench/gen.py"

pytestmark = pytest.mark.skipif(not GENERATOR.exists(), reason="the generator of the workloads is not beside the tree")


def firings(pack: str, events: Path) -> int:
    command = [sys.executable, "-m", "cepd", "simulate", str(PEERS / pack), "--events", str(events), "--format", "json"]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=ROOT).stdout)
    return int(report["firings"])


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("peers") / "events.ndjson"
    subprocess.run([sys.executable, str(GENERATOR), str(path)], check=True)
    return path


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("peers") / "events1m.ndjson"
    subprocess.run([sys.executable, str(GENERATOR), str(path), "1000000", "1500"], check=True)
    return path


@pytest.mark.parametrize(("pack", "expected"), [("w1.yaml", 20_177), ("w2.yaml", 8_410), ("w3.yaml", 46_772)])
def test_200_thousand_events(pack: str, expected: int, small: Path) -> None:
    assert firings(pack, small) == expected


@pytest.mark.soak
@pytest.mark.parametrize(("pack", "expected"), [("w1.yaml", 100_025), ("w2.yaml", 42_181), ("w3.yaml", 243_120)])
def test_a_million_events(pack: str, expected: int, large: Path) -> None:
    assert firings(pack, large) == expected
