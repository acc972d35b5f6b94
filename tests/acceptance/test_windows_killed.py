"""`kill -9` at random, while several senders load a daemon with rules of every kind: each event counts once, and the
alerts are those of one uninterrupted run over the recording."""

import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import yaml

from cepd.cli.recordings import open_recording
from cepd.config.load import load as load_tree
from cepd.config.tree import Tree
from cepd.engine.engine import Engine
from cepd.engine.program import Program, compile_program
from cepd.model.alert import Alert
from cepd.model.firing import Firing
from cepd.model.frame import Frame
from cepd.model.json import Json
from cepd.plugins import built
from cepd.ports import AlertQuery
from cepd.runtime.recording import Item, KeptGeneration, read_items
from cepd.runtime.replay import rows_of
from cepd.stores.sqlite import open_store
from tests.support.command import cepd
from tests.support.daemon import Daemon, eventually
from tests.support.ops_tree import CHANNEL, SECRET, write_tree
from tests.support.receiver import Receiver
from tests.support.senders import Sender, load

ROOT = Path(__file__).parents[2]
PACK = Path(__file__).with_name("under_load.yaml").read_text(encoding="utf-8")
RULES = {rule["id"] for rule in yaml.safe_load(PACK)["rules"]}

LEAST = 800
"""Events that come before a kill, however slow the machine is."""


class Facts(NamedTuple):
    """Of an alert, all that the engine decides."""

    rule_id: str
    kind: str
    key: dict[str, Json]
    time: int
    window: tuple[int, int | None] | None
    values: dict[str, Json]
    event_ids: tuple[str, ...]
    count: int
    last_at: int
    resolved: bool


def items(recording: Path) -> Iterator[Item]:
    with open_recording(recording) as lines:
        assert json.loads(next(lines))["begins"] == "start"
        yield from read_items(lines)


def compiled(kept: KeptGeneration, previous: Program | None) -> Program:
    generation = load_tree(Tree(root=Path("."), files=kept.files), built())
    rules = [found.rule for found in generation.definitions if found.active]
    return compile_program(rules, previous, lateness=generation.settings.lateness)


def uninterrupted(recording: Path) -> list[Firing]:
    engine = Engine(before := compile_program(()))
    return [firing for row in rows_of(items(recording), before, {}, compiled) for firing in engine.apply(row)]


def settled(firings: list[Firing]) -> dict[str, Facts]:
    """The alerts that firings make, by id: who opens one tells what it is, and each that folds in how it stands."""
    alerts: dict[str, Facts] = {}
    for one in firings:
        if one.opens:
            kind = "storm" if one.kind == "storm" else "fired"
            told = (one.rule_id, kind, one.key, one.time, one.window, one.values, one.event_ids)
            alerts[one.id] = Facts(*told, one.count, one.last_at, False)
        else:
            found = alerts[one.alert_id]
            resolved = found.resolved or one.state == "resolved"
            alerts[one.alert_id] = found._replace(count=one.count, last_at=one.last_at, resolved=resolved)
    return alerts


async def stored(data: Path) -> dict[str, Facts]:
    """The alerts of a store that no daemon has open."""
    store = open_store(data / "cepd.db")
    found: list[Alert] = []
    query = AlertQuery(limit=1000)
    while True:
        page = await store.alerts(query)
        found += page.alerts
        if page.next_cursor is None:
            break
        query = msgspec.structs.replace(query, cursor=page.next_cursor)
    await store.close()
    return {
        one.event_id: Facts(
            one.rule_id,
            one.kind,
            one.key,
            one.time,
            one.window,
            one.values,
            one.source_event_ids,
            one.count,
            one.last_at,
            one.resolved,
        )
        for one in found
    }


def test_killed_thrice(tmp_path: Path) -> None:
    drill(tmp_path, 3)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_killed_twenty_times(tmp_path: Path) -> None:
    drill(tmp_path, 20)


def drill(folder: Path, kills: int) -> None:
    data, archive, recording = folder / "data", folder / "archive", folder / "recording.ndjson.gz"
    archive.mkdir()
    root = write_tree(
        folder / "tree", {"cepd.yaml": "lateness: 200ms\n", "channels.yaml": CHANNEL, "packs/hosts.yaml": PACK}
    )
    senders = [Sender(name) for name in ("ada", "bob", "cyd")]
    restored = survive(root, data, archive, senders, kills)
    assert restored > kills // 2, "most starts begin from a snapshot"
    assert any(archive.iterdir()), "the journal was trimmed meanwhile"
    for path in archive.iterdir():
        if not (data / "journal" / path.name).exists():
            os.link(path, data / "journal" / path.name)
    assert cepd("record", "--data-dir", data, "-o", recording).returncode == 0
    assert sorted(recorded_ids(recording)) == sorted(identity for sender in senders for identity in sender.sent)
    firings = uninterrupted(recording)
    check_simulate(root, recording, firings, folder / "firings.ndjson")
    expected, found = settled(firings), asyncio.run(stored(data))
    assert found.keys() - expected.keys() == set(), "no alert that should not be"
    assert expected.keys() - found.keys() == set(), "no alert is missing"
    alerts = Counter(one.rule_id for one in found.values())
    assert alerts.keys() == RULES, "no rule had nothing to tell"
    print(f"{sent(senders):,} events, {len(firings):,} firings, {restored} restored, {alerts}")
    assert {name: (found[name], facts) for name, facts in expected.items() if found[name] != facts} == {}


def sent(senders: list[Sender]) -> int:
    return sum(len(sender.sent) for sender in senders)


def survive(root: Path, data: Path, archive: Path, senders: list[Sender], kills: int) -> int:
    """Runs a daemon and kills it, so many times, under load; then lets it end well. How often one began from a
    snapshot."""
    dice = random.Random(kills)
    restored = 0
    with Receiver() as receiver:
        environment = {"OPS_URL": receiver.url, "OPS_SECRET": SECRET}
        command = (sys.executable, "-m", "tests.support.archiving", str(archive))

        def daemon() -> Daemon:
            options = ("--snapshot-interval", "50ms")
            return Daemon(root, data, *options, environment=environment, command=command, cwd=ROOT)

        for _ in range(kills):
            with daemon().wait_ready() as running:
                restored += running.events("recovered")[0]["snapshot"] is not None
                least = sent(senders) + LEAST
                threads = load(running, senders)
                time.sleep(dice.uniform(0.3, 1.5))
                eventually(lambda least=least: sent(senders) >= least, within=60, what="enough load")
                running.kill()
                for thread in threads:
                    thread.join()
        with daemon().wait_ready() as running:
            restored += running.events("recovered")[0]["snapshot"] is not None
            for sender in senders:
                eventually(lambda sender=sender: sender.send(running), what="the last batch")
            assert running.stop() == 0
    return restored


def recorded_ids(recording: Path) -> Iterator[str]:
    for item in items(recording):
        if isinstance(item, Frame) and item.kind == "batch":
            yield from (json.loads(line)["id"] for line in item.body.split(b"\n"))


def check_simulate(root: Path, recording: Path, firings: list[Firing], out: Path) -> None:
    """The command tells the same firings, with the rules of the tree."""
    assert cepd("simulate", root, "--events", recording, "--no-flush", "--firings", out).returncode == 0
    told = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(one["id"], one["kind"]) for one in told] == [
        (one.id, one.kind) for one in firings if one.kind != "continued"
    ]
