"""A daemon under load for long: its memory stays flat, and no piece of its work holds the event loop for long.

CEPD_LOAD_SECONDS makes the drill shorter or longer.
"""

import os
import statistics
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

from tests.support.daemon import Daemon, eventually
from tests.support.loads import cpu_of
from tests.support.ops_tree import CHANNEL, SECRET, write_tree
from tests.support.receiver import Receiver
from tests.support.simulating import in_status
from tests.support.slices import Slice, read
from tests.support.steady import Steady

ROOT = Path(__file__).parents[2]
PACK = Path(__file__).with_name("steady_load.yaml").read_text(encoding="utf-8")
RULES = {rule["id"] for rule in yaml.safe_load(PACK)["rules"]}
MB = 1_000_000

SECONDS = float(os.environ.get("CEPD_LOAD_SECONDS", "600"))
MEASURED = 5.0
"""Seconds at full rate, which tell what half of it is."""
LONGEST = 0.020
"""Seconds of CPU that a piece of work may hold the loop for, in 99 of 100 seconds."""
FLAT = 0.05
"""By how much the memory of the last quarter of the time may differ from that of the second."""
SAMPLED = 0.5
"""Seconds between two looks at the memory."""


class Drilled(NamedTuple):
    resident: Sequence[float]
    """Bytes of memory, all through the load."""
    slices: Sequence[Slice]
    """The longest piece of work of each second, the shortest of these first."""
    matched: frozenset[str]
    """Rules that events met."""
    fired: frozenset[str]

    @property
    def p99(self) -> Slice:
        return self.slices[len(self.slices) * 99 // 100]


def drill(folder: Path, hosts: int, seconds: float) -> Drilled:
    """Half the rate that the daemon can take, for so long. AssertionError where an event is lost."""
    root = write_tree(folder / "tree", {"channels.yaml": CHANNEL, "pack.yaml": PACK})
    told = folder / "slices.json"
    command = (sys.executable, "-m", "tests.support.slices", str(told))
    with Receiver() as receiver:
        environment = {"OPS_URL": receiver.url, "OPS_SECRET": SECRET}
        with Daemon(root, folder / "data", environment=environment, command=command, cwd=ROOT).wait_ready() as daemon:
            sender = Steady(daemon, hosts)
            rate = sender.send(MEASURED).rate / 2
            before, begun = cpu_of(daemon), time.monotonic()
            with sampled(daemon) as resident:
                sent = sender.send(seconds, rate)
            busy, ended = (cpu_of(daemon) - before) / sent.seconds, time.monotonic()
            eventually(lambda: number_of(daemon, "cepd_events_applied_total") == sender.sent, what="all events applied")
            lag = number_of(daemon, "cepd_event_loop_lag_seconds")
            found = Drilled(resident, [], rules_with(daemon, "matches"), rules_with(daemon, "firings"))
            assert daemon.stop() == 0
    found = found._replace(slices=sorted(read(told, begun, ended)))
    parts = ", ".join(f"{part / MB:.1f}" for part in quarters(resident))
    median, p99, worst = found.slices[len(found.slices) // 2], found.p99, found.slices[-1]
    print(f"{sent.rate:,.0f} events/s of {rate:,.0f}, {busy:.0%} of a core; {parts} MB by quarters")
    print(
        f"longest slices: median {told_of(median)}, p99 {told_of(p99)}, worst {told_of(worst)}; lag {lag * 1e3:.0f} ms"
    )
    return found


def told_of(found: Slice) -> str:
    return f"{found.seconds * 1e3:.1f} ms ({found.what})"


@contextmanager
def sampled(daemon: Daemon) -> Iterator[list[float]]:
    """Bytes of resident memory, looked at all the time."""
    resident: list[float] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(SAMPLED):
            resident.append(in_status("VmRSS", daemon.process.pid))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield resident
    finally:
        over.set()
        looking.join()


def quarters(resident: Sequence[float]) -> list[float]:
    """The mean of each quarter of the time."""
    quarter = len(resident) // 4
    return [statistics.mean(resident[quarter * place : quarter * (place + 1)]) for place in range(4)]


def number_of(daemon: Daemon, sample: str) -> float:
    """A number of the scrape; 0 where it is not there."""
    lines = daemon.get("/metrics").body.decode().splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{sample} ")), 0.0)


def rules_with(daemon: Daemon, what: str) -> frozenset[str]:
    return frozenset(rule for rule in RULES if number_of(daemon, f'cepd_rule_{what}_total{{rule="{rule}"}}'))


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 120)
def test_ten_minutes_of_load(tmp_path: Path) -> None:
    found = drill(tmp_path, 2_000, SECONDS)
    _, second, _, last = quarters(found.resident)
    assert abs(last - second) < FLAT * second
    assert found.p99.seconds < LONGEST, found.slices[-len(found.slices) // 20 :]
    assert found.fired == RULES


def test_a_short_load(tmp_path: Path) -> None:
    found = drill(tmp_path, 200, 20)
    assert found.p99.seconds < LONGEST, found.slices[-3:]
    assert found.matched == RULES
