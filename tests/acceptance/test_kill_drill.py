"""The promise under `kill -9`: a daemon that is killed at random under load, while it starts too, ends with the alerts
and the messages of one that ran undisturbed, on either store. Prints what came of it, as the README shows.

    CEPD_KILL_SECONDS=600 python -m pytest -m soak -s tests/acceptance/test_kill_drill.py
"""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.daemon import eventually
from tests.support.drilled import Drilled
from tests.support.drilling import (
    EVENTS,
    LEAST,
    RULES,
    TREE,
    Recording,
    Sender,
    Verdict,
    compare,
    differences,
)
from tests.support.ops_tree import write_tree
from tests.support.postgres import missing, server

LEAST_KILLS = 3
"""Kills on a store, however slow the machine is."""
HEAD = (
    f"{'store':<12}{'kills':>7}{'starts':>8}{'events':>10}{'alerts':>8}{'messages':>10}{'lost':>6}{'extra':>7}"
    f"{'half-written':>14}{'twice, sent but not settled':>29}{'twice elsewhere':>17}"
)


@pytest.mark.timeout(400)
def test_a_daemon_that_is_killed_at_random_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drill(tmp_path, 24, capsys)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_daemon_that_is_killed_for_ten_minutes_loses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    drill(tmp_path, float(os.environ.get("CEPD_KILL_SECONDS", "600")), capsys)


def stores() -> Iterator[tuple[str, str | None]]:
    yield "SQLite", None
    if not missing():
        yield "PostgreSQL", server().database()


def drill(folder: Path, seconds: float, capsys: pytest.CaptureFixture[str]) -> None:
    """`seconds` of kills in all, half of them on each store."""
    root = write_tree(folder / "tree", TREE)
    lines, faults = [HEAD], []
    for name, address in stores():
        killed, calm = Drilled(root, folder / name, address), Drilled(root, folder / f"{name} undisturbed", None)
        with killed, calm:
            kills, starting, bodies = survive(killed, calm, seconds / 2)
            found, expected = killed.end(), calm.end()
        assert {alert.rule_id for alert in expected.alerts.values()} == RULES, "no rule had nothing to tell"
        verdict = compare(found, expected)
        lines.append(row(name, kills, starting, bodies * EVENTS, verdict))
        if verdict._replace(alerts=0, messages=0, twice_unsettled=0) != Verdict(0, 0, 0, 0, 0, 0, 0):
            faults += [name, *differences(found, expected)[:10]]
    with capsys.disabled():
        print("", *lines, sep="\n")
    assert not faults, "\n".join(faults)


def row(name: str, kills: int, starting: int, events: int, verdict: Verdict) -> str:
    return (
        f"{name:<12}{kills:>7}{starting:>8}{events:>10,}{verdict.alerts:>8,}{verdict.messages:>10,}"
        f"{verdict.lost:>6}{verdict.extra:>7}{verdict.half_written:>14}{verdict.twice_unsettled:>29}"
        f"{verdict.twice_elsewhere:>17}"
    )


def survive(killed: Drilled, calm: Drilled, seconds: float) -> tuple[int, int, int]:
    """Kills one daemon under load for so long, and leaves the other alone. Kills, those before it was ready, bodies."""
    dice = random.Random(int(seconds))
    kills = starting = 0
    undisturbed, running = calm.start(), killed.start()
    undisturbed.wait_ready(60)
    running.wait_ready(60)
    recording = Recording(time.time())
    beside = Sender(recording).start(undisturbed)
    sender = Sender(recording).start(running)
    until = time.monotonic() + seconds
    while time.monotonic() < until or kills < LEAST_KILLS:
        if dice.random() < 0.25 and kills:
            time.sleep(dice.uniform(0.3, 2))
            starting += not running.events("ready")
        else:
            before = sender.sent
            running.wait_ready(60)
            eventually(lambda before=before: sender.sent > before, 60, "load")
            time.sleep(dice.uniform(0.0, 2))
        running.kill()
        kills += 1
        sender.daemon = running = killed.start()
    running.wait_ready(60)
    bodies = max(sender.sent, beside.sent, LEAST) + 1
    beside.finish(bodies)
    sender.finish(bodies)
    return kills, starting, bodies
